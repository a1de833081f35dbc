"""`watch` while its pipeline is replaced by files of strangers: each is told, nothing of it runs, and the next change is waited for.

Every eighth document in CI, all with `PIPESPEC_FAULTS=all`.
"""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hostile_documents import REFUSED
from hostile_folders import PIPELINE, REFUSED_FOLDERS, SECRET, make_folder

pytest.importorskip("watchfiles")
pytestmark = pytest.mark.faults

WAITING = "Ctrl-C ends\n"
LIMIT = 60.0
SHARE = 1 if os.environ.get("PIPESPEC_FAULTS") == "all" else 8
DOCUMENTS = {name: REFUSED[name] for name in sorted(REFUSED)[::SHARE]}


class Watch:
    """A `watch` of a folder's pipeline; what it says goes to a file."""

    def __init__(self, folder, environment, said):
        self.said, self._seen, self._folder = said, 0, folder
        with said.open("wb") as out:
            self.process = subprocess.Popen(
                [Path(sys.executable).with_name("pipespec"), "watch", "pipeline.yaml"],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def next(self):
        """Return what is said until it waits for a change."""
        until = time.monotonic() + LIMIT
        while WAITING not in (new := self.said.read_text(errors="replace")[self._seen :]):
            assert self.process.poll() is None, new
            assert time.monotonic() < until, new
            time.sleep(0.02)
        self._seen += new.index(WAITING) + len(WAITING)
        return new.partition(WAITING)[0]


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "project"
    make_folder(made, tmp_path / "canary")
    (made / "bomb.py").write_text("def one(text: str) -> dict: return {}\n")
    (made / "package/__init__.py").write_text("")
    (made / "package/inner.py").write_text("def two(one: dict) -> dict: return one\n")
    return made


def put_away(file, place):
    """Move what is there, also a folder, which no file can replace."""
    os.replace(file, place / str(len(os.listdir(place))))


def mended(watch, folder):
    """Put the sound pipeline back, and wait for its run."""
    (folder / "new").write_text(PIPELINE)
    (folder / "new").replace(folder / "pipeline.yaml")
    while "0 failed" not in (said := watch.next()):
        assert "there is no file" in said
    return True


def test_a_watch_tells_what_it_is_given_and_goes_on(folder, project_at, tmp_path):
    file, canary, old = folder / "pipeline.yaml", tmp_path / "canary", tmp_path / "old"
    old.mkdir()
    watch = Watch(folder, project_at(folder).environment(STRANGER=SECRET), tmp_path / "said")
    try:
        assert "0 failed" in watch.next()
        told = {}
        for name, content in DOCUMENTS.items():
            (folder / "new").write_bytes(content.replace(b"@CANARY@", str(canary).encode()))
            (folder / "new").replace(file)
            told[name] = watch.next()
        for name, put in REFUSED_FOLDERS.items():
            put_away(file, old)
            assert mended(watch, folder)
            put_away(file, old)
            put(folder, canary)
            told[name] = watch.next()
            while "there is no file" in told[name]:  # it was seen between the two
                told[name] = watch.next()
        put_away(file, old)
        assert mended(watch, folder)
        os.killpg(watch.process.pid, signal.SIGINT)
        assert watch.process.wait(timeout=LIMIT) == 130
    finally:
        watch.process.kill()
        watch.process.wait()
    silent = [name for name, text in told.items() if not re.search(r"error\[|error: ", text)]
    assert silent == []
    said = watch.said.read_text(errors="replace")
    assert [text for text in ("Traceback", SECRET, "root:x:0") if text in said] == []
    assert not canary.exists()
