"""A registered model as an input: which version is meant, and when a step that reads it runs again."""

import sqlite3

import pytest

STEPS = """
import sqlite3
from pathlib import Path


def numbers(moves: int) -> list:
    if moves:
        with sqlite3.connect("mlflow.db") as database:
            database.execute("update registered_model_aliases set version = ?", (moves,))
        database.close()
    return [1, 2]


def words(model: Path, number: int) -> str:
    return (model / "words.txt").read_text() * number
"""

PIPELINE = """\
pipespec: 1
name: words
params: {moves: 0}
steps:
  numbers: {call: 'steps:numbers', params: {moves: "${params.moves}"}, outputs: {numbers: numbers.json}}
  words:
    call: steps:words
    matrix: {number: numbers}
    inputs: {model: {model: news-classifier@champion}}
    outputs: {words: words.txt}
"""


@pytest.fixture
def project(empty_project):
    """Two versions of a model that other tools registered, of which `champion` means the first."""
    empty_project.write("steps.py", STEPS)
    empty_project.write("pipeline.yaml", PIPELINE)
    empty_project.run("numbers")  # which makes a store
    with sqlite3.connect(empty_project.folder / "mlflow.db") as database:
        database.execute("insert into registered_models (name) values ('news-classifier')")
        for version, word in ((1, "one"), (2, "two")):
            empty_project.write(f"models/{version}/MLmodel", "flavors: {}")
            empty_project.write(f"models/{version}/words.txt", word)
            database.execute(
                "insert into model_versions (name, version, source) values ('news-classifier', ?, ?)",
                (version, str(empty_project.folder / f"models/{version}")),
            )
        database.execute(
            "insert into registered_model_aliases (name, alias, version) values ('news-classifier', 'champion', 1)"
        )
    database.close()
    return empty_project


def words(project):
    return [project.pipespec("get", "pipeline.yaml", f"words[number={n}].words", "-").out for n in (1, 2)]


def test_an_alias_that_moves_during_a_run_changes_nothing_of_it_and_runs_the_next(project):
    assert project.ran("--set", "params.moves=2") == {"numbers", "words[number=1]", "words[number=2]"}

    plan = project.pipespec("plan", "pipeline.yaml", "words")
    assert "input model: 'news-classifier@champion' is version 2 now, it was 1" in plan.out
    assert project.ran() == {"words[number=1]", "words[number=2]"}
    assert words(project) == ["two", "twotwo"]
    with sqlite3.connect(project.folder / "mlflow.db") as database:
        database.execute("update registered_model_aliases set version = 1")
    database.close()
    assert project.ran() == set()
    assert words(project) == ["one", "oneone"]


@pytest.mark.parametrize(
    ("text", "word", "told"),
    [
        ("news-classifier/2", "two", "model 'news-classifier/2': version 2"),
        ("news-classifier/latest", "two", "model 'news-classifier/latest': version 2"),
        ("news-classifier@champion", "one", "model 'news-classifier@champion': version 1"),
    ],
)
def test_a_version_is_meant_by_its_number_by_an_alias_or_as_the_latest(project, text, word, told):
    project.edit("pipeline.yaml", "news-classifier@champion", text)

    answer = project.pipespec("run", "pipeline.yaml", "--report", "report.html")

    assert answer.code == 0, answer.err
    assert f"uses {told}\n" in answer.out
    assert f"model {text} ({told.partition(': ')[2]})" in (project.folder / "report.html").read_text()
    assert words(project) == [word, word * 2]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("news-clasifier@champion", "there is no model 'news-clasifier'; did you mean 'news-classifier'?"),
        ("elsewhere@champion", "there is no model 'elsewhere'; models are 'news-classifier'"),
        ("news-classifier@chmpion", "'news-classifier' has no alias 'chmpion'; did you mean 'champion'?"),
        ("news-classifier@prod", "'news-classifier' has no alias 'prod'; its aliases are 'champion'"),
        ("news-classifier/7", "'news-classifier' has no version 7; its versions are 1, 2"),
    ],
)
def test_a_version_that_is_not_there_is_told_with_near_names(project, text, why):
    project.edit("pipeline.yaml", "news-classifier@champion", text)

    answer = project.pipespec("plan", "pipeline.yaml")

    assert (answer.code, answer.err) == (2, f"error: model '{text}': {why}\n")


def test_a_deleted_version_and_files_that_are_gone_are_told_in_one_line(project):
    project.edit("pipeline.yaml", "news-classifier@champion", "news-classifier/2")
    (project.folder / "models/2").rename(project.folder / "models/elsewhere")
    gone = project.pipespec("plan", "pipeline.yaml")
    with sqlite3.connect(project.folder / "mlflow.db") as database:
        database.execute("update model_versions set current_stage = 'Deleted_Internal' where version = 2")
    database.close()
    deleted = project.pipespec("plan", "pipeline.yaml")

    place = project.folder / "models/2"
    assert (gone.code, gone.err) == (
        1,
        f"error: model 'news-classifier/2': the files of version 2 cannot be read: there is no '{place}'\n",
    )
    assert (deleted.code, deleted.err) == (
        2,
        "error: model 'news-classifier/2': 'news-classifier' has no version 2; its versions are 1\n",
    )


def test_without_a_store_no_model_is_registered(empty_project):
    empty_project.write("steps.py", STEPS)
    empty_project.write("pipeline.yaml", PIPELINE)

    answer = empty_project.pipespec("plan", "pipeline.yaml")

    assert (answer.code, answer.err) == (
        2,
        "error: model 'news-classifier@champion': there is no model 'news-classifier'; no model is registered\n",
    )
    assert not (empty_project.folder / "mlflow.db").exists()
