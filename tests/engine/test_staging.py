"""Staging folders of runs that live, end and die."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time

from pipespec.engine import staging
from pipespec.engine.staging import Staging, sweep_logs


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_steps_folder_is_empty_and_private(tmp_path):
    with Staging(tmp_path / "staging") as staging:
        made = staging.make("a run")

        assert names(made) == []
        assert [stat.S_IMODE(path.stat().st_mode) for path in (made, made.parent, tmp_path / "staging")] == [
            0o700
        ] * 3


def test_nothing_is_left_of_a_run_that_ended(tmp_path):
    with Staging(tmp_path) as staging:
        locked = staging.make("locked") / "inner"
        locked.mkdir()
        (locked / "file").touch()
        locked.chmod(0)
        locked.parent.chmod(0o500)

    assert names(tmp_path) == []


def test_a_discarded_folder_is_gone_while_the_run_goes_on(tmp_path):
    with Staging(tmp_path) as staging:
        made = staging.make("one")
        (made / "file").touch()
        (made / "away").symlink_to(tmp_path)
        staging.discard(made)

        assert not made.exists()
        assert staging.make("other").exists()


def test_the_next_run_removes_what_a_dead_one_left_and_nothing_of_a_live_one(tmp_path):
    code = """
import sys, time
from pathlib import Path
from pipespec.engine.staging import Staging, sweep_logs
with Staging(Path(sys.argv[1])) as staging:
    print(staging.make("left"), flush=True)
    time.sleep(3600)
"""
    dead = subprocess.Popen([sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE, text=True)
    left = dead.stdout.readline().strip()
    dead.send_signal(signal.SIGKILL)
    dead.wait()
    dead.stdout.close()
    assert os.path.isdir(left)

    with Staging(tmp_path) as first:
        assert not os.path.exists(left)
        of_first = first.make("a")
        with Staging(tmp_path) as second:
            assert of_first.exists()
            assert second.make("a").exists()
            assert len(names(tmp_path)) == 4

    assert names(tmp_path) == []


def test_logs_of_a_month_ago_are_removed_and_nothing_else(tmp_path):
    for name in ("old.log", "new.log", "old.txt"):
        (tmp_path / name).touch()
    for name in ("old.log", "old.txt"):
        os.utime(tmp_path / name, (0, 0))

    sweep_logs(tmp_path)

    assert names(tmp_path) == ["new.log", "old.txt"]


def test_logs_that_take_too_much_are_removed_from_the_oldest_on_but_none_of_this_hour(tmp_path, monkeypatch):
    monkeypatch.setattr(staging, "_LOG_BYTES", 3 << 12)
    now = time.time()
    for hours in range(8):
        log = tmp_path / f"{hours}.log"
        log.write_bytes(bytes(1 << 12))
        os.utime(log, (now - hours * 1800, now - hours * 1800))

    sweep_logs(tmp_path)

    assert names(tmp_path) == ["0.log", "1.log", "2.log"]
    monkeypatch.setattr(staging, "_LOG_BYTES", 0)
    sweep_logs(tmp_path)
    assert names(tmp_path) == ["0.log", "1.log"]
