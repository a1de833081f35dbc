import hashlib
import os
import sqlite3
import time

import pytest

from pipespec.errors import UsageError
from pipespec.plan.records import OutputRecord
from pipespec.project import digest_memory
from pipespec.project.digest_memory import DigestMemory
from pipespec.project.input_digests import digest_input
from pipespec.project.input_presence import content_problem, input_exists
from pipespec.spec.pipeline_spec import DirInput, FileInput, FilesInput
from pipespec.step.content_digest import ContentError, digest_tree


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def file_input(path) -> FileInput:
    return FileInput(str(path), path.name)


def age(path, seconds: float = 60) -> None:
    """Make a file look older than a clock's tick."""
    then = time.time() - seconds
    os.utime(path, (then, then))


@pytest.fixture
def reads(monkeypatch):
    """Count the files that are really read; `age` cannot set the time of the last change, so that is left out."""
    counted = []
    original = digest_memory.digest_file
    monkeypatch.setattr(
        digest_memory, "digest_file", lambda path: counted.append(path.name) or original(path)
    )
    identity = digest_memory._identity
    monkeypatch.setattr(digest_memory, "_identity", lambda path: (*identity(path)[:3], 0, identity(path)[4]))
    return counted


@pytest.fixture
def digest(tmp_path):
    def digest(source):
        with DigestMemory(tmp_path) as memory:
            return digest_input(source, memory)

    return digest


def test_records_a_file_a_folder_and_a_glob(tmp_path, digest):
    data = tmp_path / "data"
    (data / "sub").mkdir(parents=True)
    (data / "b.csv").write_bytes(b"bb")
    (data / "a.csv").write_bytes(b"a")
    (data / "sub/c.txt").write_bytes(b"ccc")

    assert digest(file_input(data / "b.csv")) == OutputRecord(sha(b"bb"), 2, 1, "b.csv")
    assert digest(DirInput(str(data), "data")) == OutputRecord(digest_tree(data).digest, 6, 3, "data/")
    table = digest(FilesInput(str(data / "*.csv"), "data/*.csv"))
    assert (table.bytes, table.files, table.file) == (3, 2, "data/")
    assert digest(FilesInput(str(data / "**/*"), "x")) == digest(DirInput(str(data), "data"))
    (data / "a.csv").rename(data / "z.csv")
    assert digest(FilesInput(str(data / "*.csv"), "data/*.csv")).digest != table.digest


def test_a_link_in_a_folder_counts_as_what_it_leads_to(tmp_path, digest):
    data = tmp_path / "data"
    data.mkdir()
    (tmp_path / "beside").write_bytes(b"a")
    (data / "link").symlink_to("../beside")
    source = DirInput(str(data), "data")

    linked = digest(source)
    (data / "link").unlink()
    (data / "link").write_bytes(b"a")
    assert digest(source) == linked
    (data / "link").write_bytes(b"b")
    assert digest(source) != linked


def test_a_link_out_of_the_project_is_refused_with_the_folder_that_holds_it(tmp_path):
    project = tmp_path / "project"
    (project / "data").mkdir(parents=True)
    (tmp_path / "outside").write_bytes(b"a")
    (project / "data" / "link").symlink_to("../../outside")
    source = DirInput(str(project / "data"), "data")
    why = "the symbolic link 'link' leads out of the project, to '../../outside'"

    assert content_problem(source, project) == why
    with DigestMemory(project) as memory, pytest.raises(ContentError) as refused:
        digest_input(source, memory)
    assert str(refused.value) == f"'data' cannot be read: {why}"


def test_a_folder_outside_of_the_project_may_link_within_itself(tmp_path):
    data = tmp_path / "data"
    (data / "sub").mkdir(parents=True)
    (data / "sub" / "a").write_bytes(b"a")
    (data / "link").symlink_to("sub/a")

    assert content_problem(DirInput(str(data), "data"), tmp_path / "project") is None


def test_what_is_not_there_is_said_in_the_user_s_words(tmp_path, digest):
    with pytest.raises(UsageError, match=r"^there is no 'query.sql'$"):
        digest(FileInput(str(tmp_path / "query.sql"), "query.sql"))
    with pytest.raises(UsageError, match=r"^there is no 'data'$"):
        digest(DirInput(str(tmp_path / "data"), "data"))
    with pytest.raises(UsageError, match=r"^no file matches 'data/\*.csv'$"):
        digest(FilesInput(str(tmp_path / "data/*.csv"), "data/*.csv"))
    (tmp_path / "x").touch()
    with pytest.raises(UsageError, match=r"^'x' cannot be read: not a directory$"):
        digest(DirInput(str(tmp_path / "x"), "x"))


def test_what_is_no_content_is_refused(tmp_path, digest):
    os.mkfifo(tmp_path / "pipe")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path / "pipe")

    for source in (file_input(tmp_path / "pipe"), file_input(folder), DirInput(str(folder), "folder")):
        with pytest.raises(ContentError):
            digest(source)


def test_tells_what_exists(tmp_path):
    (tmp_path / "a.csv").touch()

    assert input_exists(file_input(tmp_path / "a.csv"))
    assert not input_exists(file_input(tmp_path))
    assert input_exists(DirInput(str(tmp_path), "."))
    assert not input_exists(DirInput(str(tmp_path / "a.csv"), "a.csv"))
    assert input_exists(FilesInput(str(tmp_path / "*.csv"), "*.csv"))
    assert not input_exists(FilesInput(str(tmp_path / "*.txt"), "*.txt"))
    assert input_exists(FileInput("nowhere://host/x", "x"))  # nobody is asked


def test_an_unchanged_file_is_read_once(tmp_path, digest, reads):
    path = tmp_path / "a.csv"
    path.write_bytes(b"a")
    age(path)

    assert [digest(file_input(path)) for _ in range(3)] == [OutputRecord(sha(b"a"), 1, 1, "a.csv")] * 3
    assert reads == ["a.csv"]


def test_a_young_file_is_read_again(tmp_path, digest, reads):
    path = tmp_path / "a.csv"
    path.write_bytes(b"a")
    first = digest(file_input(path))
    status = path.stat()
    path.write_bytes(b"b")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))  # within one tick of the clock

    assert digest(file_input(path)) != first
    assert reads == ["a.csv", "a.csv"]


@pytest.mark.parametrize("change", ["size", "time", "inode"])
def test_a_changed_file_is_read_again(tmp_path, digest, reads, change):
    path = tmp_path / "a.csv"
    path.write_bytes(b"a")
    age(path)
    digest(file_input(path))
    status = path.stat()
    if change == "inode":
        (tmp_path / "b.csv").write_bytes(b"c")
        (tmp_path / "b.csv").replace(path)
    else:
        path.write_bytes(b"cc" if change == "size" else b"c")
    if change != "time":
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    assert digest(file_input(path)).digest == sha(path.read_bytes())
    assert reads == ["a.csv", "a.csv"]


def test_an_edit_whose_time_was_put_back_is_seen(tmp_path, digest):
    path = tmp_path / "a.csv"
    path.write_bytes(b"a")
    age(path)
    with DigestMemory(tmp_path) as memory:
        memory._fresh[os.fsencode(path)] = (*digest_memory._identity(path), "0" * 64)
    assert digest(file_input(path)).digest == "0" * 64  # remembered
    status = path.stat()
    path.write_bytes(b"b")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    assert digest(file_input(path)).digest == sha(b"b")


@pytest.mark.parametrize("content", [b"", b"torn", b"SQLite format 3\0" + b"\xff" * 200, None])
def test_a_torn_or_deleted_memory_is_made_anew(tmp_path, digest, reads, content):
    path = tmp_path / "a.csv"
    path.write_bytes(b"a")
    age(path)
    digest(file_input(path))
    memory = tmp_path / ".pipespec/digests.sqlite"
    memory.unlink()
    if content is not None:
        memory.write_bytes(content)

    assert [digest(file_input(path)).digest for _ in range(2)] == [sha(b"a")] * 2
    assert reads == ["a.csv", "a.csv"]


def test_a_memory_with_other_columns_is_no_harm(tmp_path, digest):
    (tmp_path / ".pipespec").mkdir()
    with sqlite3.connect(tmp_path / ".pipespec/digests.sqlite") as connection:
        connection.execute("CREATE TABLE digests_1 (path TEXT)")
    path = tmp_path / "a.csv"
    path.write_bytes(b"a")
    age(path)

    assert digest(file_input(path)).digest == sha(b"a")


def test_a_locked_memory_is_done_without(tmp_path, digest, reads):
    path = tmp_path / "a.csv"
    path.write_bytes(b"a")
    age(path)
    digest(file_input(path))
    holder = sqlite3.connect(tmp_path / ".pipespec/digests.sqlite")
    holder.execute("BEGIN EXCLUSIVE")

    assert digest(file_input(path)).digest == sha(b"a")
    holder.close()
    assert digest(file_input(path)).digest == sha(b"a")


def test_a_state_folder_that_cannot_be_made_is_no_harm(tmp_path, digest):
    (tmp_path / ".pipespec").write_text("a file")
    path = tmp_path / "a.csv"
    path.write_bytes(b"a")
    age(path)

    assert digest(file_input(path)).digest == sha(b"a")


def test_names_that_are_no_utf8_are_remembered(tmp_path, digest):
    path = tmp_path / os.fsdecode(b"\xff.csv")
    try:
        path.write_bytes(b"a")
    except OSError:
        pytest.skip("this file system takes UTF-8 only")
    age(path)

    assert digest(FileInput(str(path), "x")).digest == sha(b"a")


def test_nothing_is_written_where_nothing_was_read(tmp_path):
    with DigestMemory(tmp_path):
        pass

    assert list(tmp_path.iterdir()) == []


def test_a_uri_is_digested_by_its_content_or_its_mark(tmp_path, digest):
    fsspec = pytest.importorskip("fsspec")
    memory = fsspec.filesystem("memory")
    memory.pipe({"/bucket/a.csv": b"a", "/bucket/sub/b.csv": b"bb"})

    assert digest(FileInput("memory://bucket/a.csv", "a.csv")) == OutputRecord(sha(b"a"), 1, 1, "a.csv")
    whole = digest(DirInput("memory://bucket", "bucket"))
    assert (whole.bytes, whole.files, whole.file) == (3, 2, "bucket/")
    assert digest(FilesInput("memory://bucket/*.csv", "*.csv")).files == 1
    with pytest.raises(UsageError, match=r"^there is nothing at 'z.csv'$"):
        digest(FileInput("memory://bucket/z.csv", "z.csv"))
    with pytest.raises(UsageError, match=r"^'nowhere://host' does not give 'x'"):
        digest(FileInput("nowhere://user:secret@host/x", "x"))
