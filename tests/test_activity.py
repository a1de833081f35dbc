"""What pipespec is busy with: told to whoever watches, and by a step's process in a file."""

import pytest

from pipespec.activity import LARGE, ActivityFile, CurrentActivities, busy, read_activity, watched_by
from pipespec.project.digest_memory import DigestMemory
from pipespec.step.content_digest import digest_file


class Told(CurrentActivities):
    """Notes each word."""

    def __init__(self):
        super().__init__()
        self.words = []

    def began(self, activity):
        super().began(activity)
        self.words.append(("began", activity.text, activity.size))

    def ended(self, activity):
        super().ended(activity)
        self.words.append(("ended", activity.text, activity.done))


@pytest.fixture
def told():
    watcher = Told()
    with watched_by(watcher):
        yield watcher


def test_without_a_watcher_nothing_is_told():
    with busy("waiting", 10) as work:
        work.advance(4)

    assert work.done == 4


def test_an_activity_is_known_while_it_goes_on_and_gone_after_a_failure(told):
    def fail():
        with busy("outer"), busy("inner", 5) as inner:
            inner.advance(2)
            assert [one.text for one in told.current] == ["outer", "inner"]
            raise ValueError("bad")

    with pytest.raises(ValueError, match="bad"):
        fail()

    assert told.current == []
    assert told.words == [
        ("began", "outer", 0),
        ("began", "inner", 5),
        ("ended", "inner", 2),
        ("ended", "outer", 0),
    ]


def test_hashing_tells_of_each_file_and_of_a_folder_as_a_whole(told, tmp_path):
    files = {name: tmp_path / name for name in ("a", "b")}
    for name, path in files.items():
        path.write_bytes(name.encode() * 3)

    assert digest_file(files["a"])[1] == 3
    with DigestMemory(tmp_path) as memory:
        memory.digest_all(files, "data/")

    assert told.words == [
        ("began", "hashing a", 3),
        ("ended", "hashing a", 3),
        ("began", "hashing 2 files of data/", 6),
        ("began", "hashing a", 3),
        ("ended", "hashing a", 3),
        ("began", "hashing b", 3),
        ("ended", "hashing b", 3),
        ("ended", "hashing 2 files of data/", 6),
    ]


def test_a_process_tells_of_large_work_alone_in_its_file(tmp_path):
    file = tmp_path / "activity"
    assert read_activity(file) is None
    with watched_by(ActivityFile(file)):
        assert read_activity(file) is None
        with busy("small", LARGE - 1):
            assert read_activity(file) is None
        with busy("hashing big.bin", LARGE):
            found = read_activity(file)
            assert (found.text, found.size, found.done) == ("hashing big.bin", LARGE, 0)
    assert read_activity(file) is None


@pytest.mark.parametrize("content", [b"", b"[", b"[]", b'["x", 3', b"{}", b'["a", 1, 2, 3]', b"\xff"])
def test_a_file_that_is_being_written_tells_nothing(tmp_path, content):
    file = tmp_path / "activity"
    file.write_bytes(content)

    assert read_activity(file) is None


def test_a_process_that_cannot_write_its_file_goes_on(tmp_path):
    with (
        watched_by(ActivityFile(tmp_path / "no folder" / "activity")),
        busy("hashing big.bin", LARGE) as work,
    ):
        work.advance(1)
