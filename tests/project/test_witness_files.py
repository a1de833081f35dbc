"""A project's witnesses looked at again: what holds, what does not, and what no path of a store may bring about."""

import os
import socket

import pytest

from pipespec.plan.witness import Touched, Trace, TraceChange, Witness
from pipespec.project import witness_files
from pipespec.project.witness_files import WitnessFiles
from pipespec.step.content_digest import digest_file
from pipespec.step.witness.take_witness import WitnessTaking
from pipespec.step.witness.witness_job import WitnessJob


def taken(root, act):
    """The witness of what `act` touches, as a step's process takes it."""
    with WitnessTaking(WitnessJob(str(root))) as taking:
        act()
        return taking.witness()


def differences(root, witness):
    return [(change.path, change.difference) for change in WitnessFiles(root).changes(witness)]


def old(path):
    os.utime(path, ns=(10**18, 10**18))
    return path


def test_a_file_holds_while_its_content_does(tmp_path):
    file = tmp_path / "a.txt"
    file.write_text("1")
    witness = taken(tmp_path, file.read_text)

    assert [(each.path, each.trace) for each in witness.touched] == [("a.txt", Trace.FILE)]
    assert differences(tmp_path, witness) == []
    os.utime(file, (1, 1))
    assert differences(tmp_path, witness) == []
    file.write_text("2")
    assert differences(tmp_path, witness) == [("a.txt", TraceChange.CHANGED)]
    file.unlink()
    assert differences(tmp_path, witness) == [("a.txt", TraceChange.GONE)]


def test_a_large_file_counts_by_size_and_time(tmp_path, monkeypatch):
    monkeypatch.setattr("pipespec.step.witness.take_witness.LARGEST", 10)
    file = tmp_path / "large.bin"
    file.write_bytes(b"0123456789ab")
    witness = taken(tmp_path, file.read_bytes)

    assert [each.trace for each in witness.touched] == [Trace.LARGE]
    assert differences(tmp_path, witness) == []
    os.utime(file, (1, 1))
    assert differences(tmp_path, witness) == [("large.bin", TraceChange.CHANGED)]


def test_of_many_files_their_folder_counts(tmp_path, monkeypatch):
    monkeypatch.setattr("pipespec.step.witness.take_witness._MOST", 20)
    for name in ("images", "images/more", "text"):
        (tmp_path / name).mkdir()
    files = [tmp_path / "images" / f"{n}.png" for n in range(30)] + [tmp_path / "images/more/x.png"]
    files += [tmp_path / "text" / f"{n}.txt" for n in range(5)]
    for file in files:
        file.write_text(file.name)
    witness = taken(tmp_path, lambda: [file.read_text() for file in files])

    assert [(each.path, each.trace) for each in witness.touched] == [
        ("images", Trace.TREE),
        *((f"text/{n}.txt", Trace.FILE) for n in range(5)),
    ]
    assert differences(tmp_path, witness) == []
    (tmp_path / "images/more/x.png").write_text("other")
    assert differences(tmp_path, witness) == [("images", TraceChange.CHANGED)]


def test_files_of_the_project_root_are_never_gathered_to_the_whole_project(tmp_path, monkeypatch):
    monkeypatch.setattr("pipespec.step.witness.take_witness._MOST", 3)
    files = [tmp_path / f"{n}.txt" for n in range(6)]
    for file in files:
        file.write_text("1")

    witness = taken(tmp_path, lambda: [file.read_text() for file in files])

    assert [each.path for each in witness.touched] == [file.name for file in files]


def test_an_unchanged_file_is_not_read_again(tmp_path, monkeypatch):
    file = tmp_path / "a.txt"
    file.write_text("1")
    witness = taken(tmp_path, file.read_text)
    read = []
    monkeypatch.setattr(
        "pipespec.project.digest_memory.digest_file", lambda path: read.append(path) or digest_file(path)
    )
    check = WitnessFiles(tmp_path)

    for _ in range(3):
        assert check.changes(witness) == ()
    assert len(read) == 1


HOSTILE = {
    "a pipe": os.mkfifo,
    "a folder": lambda path: path.mkdir(),
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a link to itself": lambda path: path.symlink_to(path),
    "a file below a file": lambda path: None,
}


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("trace", [trace for trace in Trace if trace is not Trace.MISSING])
def test_what_a_store_names_is_neither_waited_for_nor_followed(tmp_path, kind, trace):
    place = tmp_path / "x"
    HOSTILE[kind](place)
    path = "x" if kind != "a file below a file" else "y/z"
    (tmp_path / "y").write_text("")

    found = WitnessFiles(tmp_path).changes(Witness((Touched(path, trace, "0" * 64),)))

    assert [change.path for change in found] == [path]
    assert not (tmp_path / ".pipespec").exists()


def test_a_file_that_grew_beyond_the_bound_is_not_read(tmp_path, monkeypatch):
    file = tmp_path / "a.txt"
    file.write_text("1")
    witness = taken(tmp_path, file.read_text)
    os.truncate(file, 300 << 20)
    monkeypatch.setattr("pipespec.project.digest_memory.digest_file", lambda _: pytest.fail("it is read"))

    assert differences(tmp_path, witness) == [("a.txt", TraceChange.CHANGED)]


def test_a_socket_that_was_a_file_is_a_change(tmp_path):
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        assert differences(tmp_path, Witness((Touched("s", Trace.FILE, "0" * 64),))) == [
            ("s", TraceChange.CHANGED)
        ]


def test_all_of_this_imports_nothing_of_the_project(tmp_path):
    module = tmp_path / "explosive.py"
    module.write_text("raise SystemExit(1)\n")
    found = WitnessFiles(tmp_path).changes(
        Witness((Touched("explosive.py", Trace.MODULE, "0" * 64, "0" * 64),))
    )

    assert [change.text for change in found] == ["raise SystemExit(1)\n"]
    assert witness_files.__name__ == "pipespec.project.witness_files"
