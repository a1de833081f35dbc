"""`reproduce` of a run that read registered models: with the versions that it read, wherever their aliases are now."""

import os
import shutil
import sqlite3
import subprocess

import pytest

STEPS = """
from pathlib import Path


def fit(model: Path, word: str) -> None:
    (model / "MLmodel").write_text("flavors: {}")
    (model / "words.txt").write_text(word)


def words(model: Path, ours: Path) -> str:
    return (model / "words.txt").read_text() + (ours / "words.txt").read_text()
"""
FITTING = """\
pipespec: 1
name: fitting
params: {word: ours}
steps:
  fit: {call: 'steps:fit', params: {word: "${params.word}"}, outputs: {model: model/}}
"""
READING = """\
pipespec: 1
name: reading
steps:
  words:
    call: steps:words
    inputs: {model: {model: theirs@champion}, ours: {model: ours/latest}}
    outputs: {words: words.txt}
"""


def git(folder, *arguments):
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    options = ["-c", "user.name=A", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"]
    subprocess.run(
        ["git", "-C", folder, *options, *arguments], check=True, capture_output=True, env=environment
    )


def ran(project, file):
    answer = project.pipespec("run", file, "--format", "json")
    assert answer.code == 0, answer.err
    return answer.json


def change(project, *statements):
    with sqlite3.connect(project.folder / "mlflow.db") as database:
        for statement, *values in statements:
            database.execute(statement, values)
    database.close()


def register(name, version, source, run_id=None):
    return (
        "insert into model_versions (name, version, source, run_id) values (?, ?, ?, ?)",
        name, version, str(source), run_id,
    )  # fmt: skip


@pytest.fixture(scope="module")
def recorded(tmp_path_factory, new_project_at):
    """A project, and the run of a step that read version 1 of two models: of one by another tool, and of one that a step made."""
    project = new_project_at(tmp_path_factory.mktemp("models") / "project")
    project.write("steps.py", STEPS)
    project.write("fitting.yaml", FITTING)
    project.write("reading.yaml", READING)
    project.write(".gitignore", "/mlflow.db\n/mlartifacts\n/.pipespec\n/models\n__pycache__\n")
    git(project.folder, "init")
    git(project.folder, "add", ".")
    git(project.folder, "commit", "-m", "First")
    fit = ran(project, "fitting.yaml")["steps"][0]["run_id"]
    for version in (1, 2):
        project.write(f"models/{version}/MLmodel", "flavors: {}")
        project.write(f"models/{version}/words.txt", f"theirs {version} ")
    ((place,),) = project.query("select artifact_uri from runs where run_uuid = ?", fit)
    change(
        project,
        ("insert into registered_models (name) values ('theirs'), ('ours')",),
        register("theirs", 1, project.folder / "models/1"),
        register("theirs", 2, project.folder / "models/2"),
        ("insert into registered_model_aliases (name, alias, version) values ('theirs', 'champion', 1)",),
        register("ours", 1, f"{place}/model", fit),
        ("insert into model_version_tags (name, version, key, value) values ('ours', 1, 'pipespec.output', 'model')",),
    )  # fmt: skip
    words = ran(project, "reading.yaml")["steps"][0]["run_id"]
    assert project.pipespec("get", "reading.yaml", "words.words", "-").out == "theirs 1 ours"
    return project, words


@pytest.fixture
def made(recorded, tmp_path):
    project, run = recorded
    return project.copied_to(tmp_path / "project"), run


def moved(project):
    """Both names mean other versions, and the one that a step made is gone from the registry."""
    change(
        project,
        ("update registered_model_aliases set version = 2",),
        ("delete from model_version_tags",),
        ("delete from model_versions where name = 'ours'",),
        register("ours", 2, project.folder / "models/2"),
    )


def deleted(project):
    change(project, ("delete from model_versions where name = 'theirs' and version = 1",))


def altered(project):
    change(
        project,
        (
            "update model_versions set source = ? where name = 'theirs' and version = 1",
            str(project.folder / "models/2"),
        ),
    )


def without_files(project):
    change(
        project,
        (
            "update model_versions set source = ? where name = 'theirs' and version = 1",
            str(project.folder / "models/none"),
        ),
    )


@pytest.mark.parametrize("changed", [lambda _: None, moved])
def test_a_run_reads_the_versions_again_that_it_read_whatever_their_names_mean_now(made, changed):
    project, run = made
    changed(project)
    before = project.query("select count(*) from model_versions")

    answer = project.pipespec("reproduce", "reading.yaml", run, "--format", "json")

    assert answer.code == 0, answer.err + answer.out
    (step,) = answer.json["steps"]
    assert (step["step"], step["run_id"], step["same_key"], step["error"]) == ("words", run, True, None)
    assert [one["result"] for one in step["outputs"]] == ["same"]
    assert project.query("select count(*) from model_versions") == before


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            deleted,
            "input 'theirs@champion' was version 1: model 'theirs/1': 'theirs' has no version 1; its versions are 2",
        ),
        (altered, "version 1 of model 'theirs' changed since: its files were "),
        (
            without_files,
            "input 'theirs@champion' was version 1: model 'theirs/1': the files of version 1 cannot be read: there is no '",
        ),
    ],
)
def test_a_version_that_is_gone_or_is_not_what_it_was_is_told_in_one_line(made, changed, said):
    project, run = made
    changed(project)

    answer = project.pipespec("reproduce", "reading.yaml", run)

    assert (answer.code, answer.out, answer.err.count("\n")) == (2, "", 1)
    assert answer.err.startswith(f"error: {said}")


@pytest.mark.slow
def test_a_model_that_the_run_registered_is_not_registered_again(empty_project):
    project = empty_project
    project.write("steps.py", STEPS)
    text = FITTING.replace("model: model/", "model: {file: model/, flavor: pyfunc, register: ours}")
    project.write("fitting.yaml", text)
    project.write(".gitignore", "/mlflow.db\n/mlartifacts\n/.pipespec\n__pycache__\n")
    git(project.folder, "init")
    git(project.folder, "add", ".")
    git(project.folder, "commit", "-m", "First")
    invocation = ran(project, "fitting.yaml")["invocation"]
    assert project.query("select name, version from model_versions") == [("ours", 1)]
    folder = project.folder.parent / "kept"

    answer = project.pipespec("reproduce", "fitting.yaml", invocation, "--keep", "--folder", str(folder))

    assert answer.code == 0, answer.err + answer.out
    (store,) = folder.rglob(".pipespec/private/mlflow.db")
    with sqlite3.connect(store) as database:
        assert database.execute("select count(*) from model_versions").fetchall() == [(0,)]
    database.close()
    shutil.rmtree(folder)
