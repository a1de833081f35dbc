"""Downloads that processes share: found by their digest, bounded in size, never taken from whoever uses them."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from pipespec.errors import UsageError
from pipespec.tracking.stores.download_cache import LIMIT, DownloadCache, read_limit


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "downloads"


@pytest.fixture
def keep(folder, tmp_path):
    """Keep so many bytes under a name, as a process of its own that is dead by now, last used some seconds ago."""

    def keep(name: str, size: int, age: float = 0.0) -> Path:
        code = f"""
            import os, sys
            from pathlib import Path
            from pipespec.tracking.stores.download_cache import DownloadCache
            cache = DownloadCache(Path(sys.argv[1]))
            with cache.part() as part:
                (part / "got").write_bytes(bytes({size}))
                place = cache.keep(part / "got", "{name}")
            os.utime(place, (place.stat().st_mtime - {age},) * 2)
        """
        subprocess.run([sys.executable, "-c", textwrap.dedent(code), str(folder)], check=True, timeout=60)
        return folder / name

    return keep


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def is_file(path: Path) -> bool:
    return path.is_file()


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("500MB", 500_000_000),
        ("20gb", 20_000_000_000),
        ("1.5 k", 1500),
        ("0", 0),
        ("7b", 7),
        ("2T", 2 * 10**12),
    ],
)
def test_the_limit_is_a_size(monkeypatch, text, size):
    monkeypatch.setenv(LIMIT, text)
    assert read_limit() == size


@pytest.mark.parametrize("text", ["much", "-1", "1e9", "10 GiBB", "GB"])
def test_a_limit_that_is_no_size_is_refused_with_its_name(monkeypatch, text):
    monkeypatch.setenv(LIMIT, text)
    with pytest.raises(UsageError, match=rf"^{LIMIT} is '{text}'; it must be a size such as 500MB or 20GB$"):
        read_limit()


def test_without_a_variable_there_is_a_limit(monkeypatch):
    monkeypatch.delenv(LIMIT, raising=False)
    assert read_limit() == 20_000_000_000


def test_the_least_recently_used_goes_first_when_there_is_too_much(folder, keep, monkeypatch):
    monkeypatch.setenv(LIMIT, "350")
    keep("old", 100, age=300)
    keep("older", 100, age=400)
    keep("oldest-but-used-again", 100, age=500)
    code = """
        import sys
        from pathlib import Path
        from pipespec.tracking.stores.download_cache import DownloadCache
        assert DownloadCache(Path(sys.argv[1])).find("oldest-but-used-again", Path.is_file)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code), str(folder)], check=True, timeout=60)
    keep("new", 100)
    assert names(folder) == ["new", "old", "oldest-but-used-again"]


def test_a_folder_counts_with_all_that_is_in_it(folder, keep, monkeypatch):
    monkeypatch.setenv(LIMIT, "350")
    keep("old", 100, age=300)
    cache = DownloadCache(folder)
    with cache.part() as part:
        (part / "got" / "below").mkdir(parents=True)
        for number in range(3):
            (part / "got" / "below" / str(number)).write_bytes(bytes(100))
        cache.keep(part / "got", "tree")
    assert names(folder) == ["tree"]


def test_what_a_living_process_uses_stays_however_much_it_is(folder, keep, monkeypatch):
    monkeypatch.setenv(LIMIT, "0")
    cache = DownloadCache(folder)
    with cache.part() as part:
        (part / "got").write_bytes(bytes(100))
        cache.keep(part / "got", "mine")
    keep("other", 100)
    assert names(folder) == ["mine", "other"]  # its own stays as long as it lives
    keep("another", 100)
    assert names(folder) == ["another", "mine"]
    assert cache.find("mine", is_file) == folder / "mine"


def test_what_a_killed_download_left_is_gone_with_the_next_one(folder, keep):
    code = """
        import os, sys
        from pathlib import Path
        from pipespec.tracking.stores.download_cache import DownloadCache
        with DownloadCache(Path(sys.argv[1])).part() as part:
            (part / "got").write_bytes(bytes(100))
            os.kill(os.getpid(), 9)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code), str(folder)], timeout=60)
    assert done.returncode == -9
    assert len(list(folder.glob(".part-*"))) == 1
    with DownloadCache(folder).part() as under_way:
        keep("new", 100)
        assert list(folder.glob(".part-*")) == [under_way]
    assert list(folder.glob(".part-*")) == []


def test_lists_of_dead_processes_do_not_gather(folder, keep):
    for number in range(4):
        keep(f"n{number}", 1)
    assert len(list(folder.glob(".user-*"))) <= 2


def test_who_comes_second_with_the_same_content_takes_what_is_there(folder):
    cache = DownloadCache(folder)
    with cache.part() as first, cache.part() as second:
        (first / "got").write_bytes(b"same")
        (second / "got").write_bytes(b"same")
        place = cache.keep(first / "got", "digest")
        inode = place.stat().st_ino
        assert cache.keep(second / "got", "digest") == place
    assert place.stat().st_ino == inode
    assert list(folder.glob(".part-*")) == []


def test_damaged_content_is_not_found_and_makes_room_for_the_right_one(folder):
    cache = DownloadCache(folder)
    with cache.part() as part:
        (part / "got").write_bytes(b"wrong")
        cache.keep(part / "got", "digest")
    assert cache.find("digest", lambda path: path.read_bytes() == b"right") is None
    with cache.part() as part:
        (part / "got").write_bytes(b"right")
        cache.keep(part / "got", "digest")
    assert cache.find("digest", lambda path: path.read_bytes() == b"right") == folder / "digest"


def test_nothing_is_made_where_nothing_was_downloaded(folder):
    assert DownloadCache(folder).find("digest", is_file) is None
    assert not folder.exists()


def test_many_processes_that_want_the_same_and_have_no_room_all_read_it_whole(folder):
    code = """
        import sys, time
        from pathlib import Path
        from pipespec.tracking.stores.download_cache import DownloadCache
        cache = DownloadCache(Path(sys.argv[1]))
        for number in range(40):
            name = f"n{(number * 7 + int(sys.argv[2])) % 5}"
            place = cache.find(name, lambda path: path.read_bytes() == name.encode() * 1000)
            if place is None:
                with cache.part() as part:
                    (part / "got").write_bytes(name.encode() * 1000)
                    place = cache.keep(part / "got", name)
            assert place.read_bytes() == name.encode() * 1000
    """
    environment = {**os.environ, LIMIT: "3000"}
    command = [sys.executable, "-c", textwrap.dedent(code), str(folder)]
    running = [subprocess.Popen([*command, str(number)], env=environment) for number in range(4)]
    assert [process.wait(timeout=60) for process in running] == [0] * 4


def test_a_forked_process_has_a_list_of_its_own(folder, keep, monkeypatch):
    monkeypatch.setenv(LIMIT, "0")
    cache = DownloadCache(folder)
    keep("child's", 10)
    assert cache.find("nothing", is_file) is None
    ready, go = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        cache.find("child's", is_file)
        os.write(ready[1], b"x")
        os.read(go[0], 1)
        os._exit(0)
    os.read(ready[0], 1)
    keep("other", 10)
    held = names(folder)
    os.write(go[1], b"x")
    os.waitpid(child, 0)
    keep("another", 10)
    assert held == ["child's", "other"]
    assert names(folder) == ["another"]
