import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from pipespec.errors import PipespecError, StoreUnavailableError
from pipespec.step import formats
from pipespec.step.arguments.input_loading import fan_in_names, load_input
from pipespec.step.content_digest import digest_tree
from pipespec.step.failure import StepError
from pipespec.step.step_job import Artifact, InputJob


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def artifact(path: Path, *, checked: bool = True) -> Artifact:
    if path.is_dir():
        return Artifact(f"{path}/", digest_tree(path).digest if checked else None, path.name)
    return Artifact(str(path), sha(path.read_bytes()) if checked else None, path.name)


def job(*paths: Path, kind="one", argument="it", **fields) -> InputJob:
    return InputJob(argument, kind, tuple(map(artifact, paths)), **fields)


@pytest.fixture
def ids(tmp_path):
    path = tmp_path / "ids.csv"
    path.write_text("id\n1\n")
    return path


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "model" / "deep").mkdir(parents=True)
    (tmp_path / "model" / "deep" / "w").write_bytes(b"w")
    (tmp_path / "model" / "empty").mkdir()
    return tmp_path / "model"


def load(made: InputJob, annotation, tmp_path, **options):
    return load_input(made, annotation, tmp_path / "private", **options)


def test_a_file_is_loaded_as_annotated_without_a_copy(ids, tmp_path):
    assert load(job(ids), list, tmp_path) == [{"id": "1"}]
    assert load(job(ids), pd.DataFrame | None, tmp_path).to_dict("list") == {"id": [1]}
    assert load(job(ids), None, tmp_path).to_dict("list") == {"id": [1]}
    assert not (tmp_path / "private").exists()


@pytest.mark.parametrize(("annotation", "how"), [(Path, None), (pd.DataFrame, "path")])
def test_a_path_is_a_copy_that_may_be_changed(ids, tmp_path, annotation, how):
    ids.chmod(0o400)

    path = load(job(ids, load=how), annotation, tmp_path)

    assert path == tmp_path / "private" / "ids.csv"
    path.write_text("changed")
    assert ids.read_text() == "id\n1\n"


def test_a_directory_is_a_copy_of_its_files(folder, tmp_path):
    path = load(job(folder), None, tmp_path)

    assert path == tmp_path / "private" / "model"
    assert [str(found.relative_to(path)) for found in sorted(path.rglob("*"))] == ["deep", "deep/w"]
    (path / "deep" / "w").write_bytes(b"changed")
    assert (folder / "deep" / "w").read_bytes() == b"w"


def test_a_directory_is_never_loaded(folder, tmp_path):
    with pytest.raises(
        StepError,
        match=r"^input 'it': 'model' is a directory, which can only be passed as a Path, not as pandas.DataFrame$",
    ):
        load(job(folder), pd.DataFrame, tmp_path)
    assert load(job(folder), Path, tmp_path).is_dir()


def test_a_part_of_a_directory_is_a_file(folder, tmp_path):
    made = InputJob("it", "one", (Artifact(f"{folder}/deep/w", sha(b"w"), "w"),))

    assert load(made, bytes, tmp_path) == b"w"


def test_files_are_a_list_of_copies_in_order(tmp_path):
    for name in ("b.csv", "a.csv"):
        (tmp_path / name).write_text(name)

    paths = load(job(tmp_path / "b.csv", tmp_path / "a.csv", kind="files"), list[Path], tmp_path)

    assert [(path.relative_to(tmp_path / "private").as_posix(), path.read_text()) for path in paths] == [
        ("b.csv", "b.csv"),
        ("a.csv", "a.csv"),
    ]


def test_files_of_one_name_are_kept_apart(tmp_path):
    for place in ("x", "y"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "a.csv").write_text(place)

    paths = load(job(tmp_path / "x" / "a.csv", tmp_path / "y" / "a.csv", kind="files"), None, tmp_path)

    assert [(path.name, path.read_text()) for path in paths] == [("a.csv", "x"), ("a.csv", "y")]


def test_an_own_function_gets_copies(ids, folder, tmp_path):
    assert load(job(ids), pd.DataFrame, tmp_path / "1", call=lambda path: path.name) != "x"
    assert (
        load(job(ids, load_call="m:f"), pd.DataFrame, tmp_path / "2", call=lambda path: path.read_text())
        == "id\n1\n"
    )
    assert (
        load(job(folder, load_call="m:f"), pd.DataFrame, tmp_path / "3", call=lambda path: path.is_dir())
        is True
    )
    assert load(job(ids, kind="files", load_call="m:f"), None, tmp_path / "4", call=len) == 1


def test_options_are_the_formats_and_work_on_a_copy(tmp_path):
    import numpy as np

    np.save(tmp_path / "a.npy", np.arange(3))

    array = load(job(tmp_path / "a.npy", load={"mmap_mode": "r+"}), None, tmp_path)
    array[0] = 9
    array.flush()

    assert np.load(tmp_path / "a.npy").tolist() == [0, 1, 2]


@dataclass
class Scores:
    f1: float


def test_a_dataclass_is_made_from_a_json_object(tmp_path):
    (tmp_path / "s.json").write_text('{"f1": 1}')
    (tmp_path / "bad.json").write_text('{"f1": "x"}')

    assert load(job(tmp_path / "s.json"), Scores | None, tmp_path) == Scores(1)
    with pytest.raises(
        StepError, match=r"^input 'it': value 'bad.json.f1' is 'x', which does not fit 'float'$"
    ):
        load(job(tmp_path / "bad.json"), Scores, tmp_path)


# Fan-in


@pytest.fixture
def variants(tmp_path):
    paths = []
    for n in range(2):
        (tmp_path / str(n)).mkdir()
        paths.append(tmp_path / str(n) / "s.json")
        paths[-1].write_text(f'{{"f1": {n}}}')
    return paths


ONE_AXIS = ((("depth", 4),), (("depth", 8),))
TWO_AXES = ((("depth", 4), ("rate", 0.1)), (("depth", 4), ("rate", 0.01)))


@pytest.mark.parametrize(
    ("annotation", "points", "expected"),
    [
        (None, ONE_AXIS, {"4": {"f1": 0}, "8": {"f1": 1}}),
        (dict, TWO_AXES, {"depth=4,rate=0.01": {"f1": 1}, "depth=4,rate=0.1": {"f1": 0}}),
        (dict[str, Scores], ONE_AXIS, {"4": Scores(0), "8": Scores(1)}),
        (dict[str, bytes], ONE_AXIS, {"4": b'{"f1": 0}', "8": b'{"f1": 1}'}),
        (list, ONE_AXIS, [({"depth": 4}, {"f1": 0}), ({"depth": 8}, {"f1": 1})]),
        (
            list[tuple[dict, Scores]] | None,
            TWO_AXES,
            [({"depth": 4, "rate": 0.01}, Scores(1)), ({"depth": 4, "rate": 0.1}, Scores(0))],
        ),
    ],
)
def test_a_fan_in_has_every_variant(variants, tmp_path, annotation, points, expected):
    loaded = load(job(*variants, kind="fan_in", points=points), annotation, tmp_path)

    assert loaded == expected
    assert list(loaded) == list(expected)


def test_a_fan_in_of_paths_has_a_copy_of_each(variants, tmp_path):
    loaded = load(job(*variants, kind="fan_in", points=ONE_AXIS), dict[str, Path], tmp_path)

    assert {name: (path.name, path.read_text()) for name, path in loaded.items()} == {
        "4": ("s.json", '{"f1": 0}'),
        "8": ("s.json", '{"f1": 1}'),
    }
    assert len(set(loaded.values())) == 2


def test_variants_of_a_fan_in_are_named_by_the_open_axes():
    def names(*values):
        return fan_in_names([(("axis", value),) for value in values])

    assert names("adam", 4, 0.1, True, None, "a b", [1, {"b": 2}]) == (
        "adam",
        "4",
        "0.1",
        "true",
        "null",
        "a b",
        '[1, {"b": 2}]',
    )
    assert names("1", 1, "x") == ('"1"', "1", "x")
    assert fan_in_names([()]) == ("",)
    assert fan_in_names([(("a", "x y"), ("b", 1))]) == ('a="x y",b=1',)


# Content that is not what was recorded


def damaged(path: Path, how: str) -> None:
    content = path.read_bytes()
    match how:
        case "cut":
            path.write_bytes(content[:-1])
        case "flipped":
            path.write_bytes(bytes([content[0] ^ 1]) + content[1:])
        case "zeroed":
            path.write_bytes(bytes(len(content)))


@pytest.mark.parametrize("annotation", [list, Path, bytes, None, "call"])
@pytest.mark.parametrize("how", ["cut", "flipped", "zeroed"])
def test_damaged_content_reaches_nobody(ids, tmp_path, monkeypatch, how, annotation):
    made = job(ids, load_call="m:f" if annotation == "call" else None)
    damaged(ids, how)
    monkeypatch.setattr(
        formats, "load", lambda *_: pytest.fail("was loaded") if annotation in (Path, "call") else None
    )
    call = (lambda path: pytest.fail("was called")) if annotation == "call" else None

    with pytest.raises(StepError) as refused:
        load(made, annotation, tmp_path, call=call)

    assert refused.value.kind == "inputs"
    assert str(refused.value) == (
        f"input 'it': 'ids.csv' at '{ids}' differs from what was recorded: "
        f"its sha256 is {sha(ids.read_bytes())}, expected {sha(b'id' + bytes([10]) + b'1' + bytes([10]))}"
    )


@pytest.mark.parametrize("how", ["cut", "flipped", "more", "fewer"])
def test_a_damaged_directory_reaches_nobody(folder, tmp_path, how):
    made = job(folder)
    match how:
        case "more":
            (folder / "x").touch()
        case "fewer":
            (folder / "deep" / "w").unlink()
        case _:
            damaged(folder / "deep" / "w", how)

    with pytest.raises(
        StepError, match=r"^input 'it': 'model' at '.*/model/' differs from what was recorded: its sha256 is "
    ):
        load(made, Path, tmp_path)


@pytest.mark.parametrize("annotation", [list, Path])
def test_what_is_gone_is_told(ids, tmp_path, annotation):
    made = job(ids)
    ids.unlink()

    with pytest.raises(StepError, match=f"^input 'it': 'ids.csv' no longer exists at '{ids}'$"):
        load(made, annotation, tmp_path)


@pytest.mark.parametrize("annotation", [list, Path])
def test_a_directory_in_the_place_of_a_file_is_told(ids, tmp_path, annotation):
    made = job(ids)
    ids.unlink()
    ids.mkdir()

    with pytest.raises(StepError, match=r"is a directory, not a regular file$"):
        load(made, annotation, tmp_path)


@pytest.mark.parametrize("annotation", [list, Path])
def test_a_pipe_in_the_place_of_a_file_does_not_hang(ids, tmp_path, annotation):
    made = job(ids)
    ids.unlink()
    os.mkfifo(ids)

    with pytest.raises(StepError, match=r"is a named pipe, not a regular file$"):
        load(made, annotation, tmp_path)


def test_a_link_in_a_directory_is_refused(folder, tmp_path):
    (folder / "link").symlink_to("/etc/passwd")
    made = InputJob("it", "one", (Artifact(f"{folder}/", None, "model"),))

    with pytest.raises(StepError, match=r"'link' is a symbolic link, not a regular file$"):
        load(made, Path, tmp_path)


def test_content_that_changes_while_it_is_read_fails(ids, tmp_path, monkeypatch):
    def slow(path, *_):
        path.write_text("id\n2\n")
        return "read"

    monkeypatch.setattr(formats, "load", slow)

    with pytest.raises(StepError, match=f"^input 'it': 'ids.csv' changed while it was read, at '{ids}'$"):
        load(job(ids), list, tmp_path)


def test_content_that_is_only_touched_while_it_is_read_does_not_fail(ids, tmp_path, monkeypatch):
    def slow(path, *_):
        path.chmod(0o600)
        return "read"

    monkeypatch.setattr(formats, "load", slow)

    assert load(job(ids), list, tmp_path) == "read"


def test_content_without_a_record_is_read_as_it_is(ids, tmp_path):
    made = InputJob("it", "one", (artifact(ids, checked=False),))

    assert load(made, list, tmp_path) == [{"id": "1"}]


def test_a_file_uri_is_a_local_file(tmp_path):
    path = tmp_path / "a b.json"
    path.write_text("1")
    made = InputJob("it", "one", (Artifact(path.as_uri(), sha(b"1"), "a b.json"),))

    assert load(made, int, tmp_path) == 1


def test_a_fetched_artifact_is_checked_like_any_other(ids, tmp_path):
    far = Artifact("s3://bucket/ids.csv", sha(b"other"), "ids.csv")

    with pytest.raises(StepError, match="differs from what was recorded"):
        load(
            InputJob("it", "one", (far,)),
            list,
            tmp_path,
            localise=lambda _: Artifact(str(ids), far.digest, far.name),
        )


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (StoreUnavailableError("no answer"), "store", "'x.csv' cannot be downloaded: no answer"),
        (
            PipespecError("it was altered"),
            "inputs",
            "input 'it': 'x.csv' cannot be downloaded: it was altered",
        ),
        (
            OSError(28, "No space left on device"),
            "inputs",
            "input 'it': 'x.csv' cannot be downloaded: [Errno 28] No space left on device",
        ),
    ],
)
def test_what_cannot_be_fetched_is_told(tmp_path, error, kind, message):
    def fail(_):
        raise error

    with pytest.raises(StepError) as refused:
        load(InputJob("it", "one", (Artifact("s3://b/x.csv", None, "x.csv"),)), list, tmp_path, localise=fail)

    assert (refused.value.kind, str(refused.value)) == (kind, message)


def test_a_mistake_of_the_format_names_the_input(ids, tmp_path):
    with pytest.raises(StepError) as refused:
        load(job(ids), dict, tmp_path)

    assert str(refused.value).startswith(
        "input 'it': 'ids.csv' cannot be loaded as dict: a '.csv' file is loaded as 'pandas.DataFrame', "
    )


def test_nothing_malicious_runs_before_the_digest_was_checked(tmp_path):
    import pickle

    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "canary"),)

    (tmp_path / "m.joblib").write_bytes(pickle.dumps(1))
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(1))
    made = [job(tmp_path / name) for name in ("m.joblib", "m.pkl")]
    for name in ("m.joblib", "m.pkl"):
        (tmp_path / name).write_bytes(pickle.dumps(Bomb()))

    for one in made:
        with pytest.raises(StepError, match="differs from what was recorded"):
            load(one, None, tmp_path)

    assert not (tmp_path / "canary").exists()
