"""Which pipeline a verb takes where FILE is left out, or is a folder, and what it says where that is not one."""

import os
import stat
from pathlib import Path

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipespec.cli import pipespec

PIPELINE = """\
pipespec: 1
steps:
  numbers: {call: "steps:numbers", outputs: {numbers: numbers.json}}
"""
SEVERAL = "name one, or set 'file' in [tool.pipespec] of pyproject.toml"
NONE = "'pipelines' there: no .yaml or .yml file has a top-level key 'pipespec'"
INIT = " or make an example with 'pipespec init'"
A_STEP = "if 'below' is a step, write FILE before it"


def named(folder, *paths):
    for path in paths:
        folder.write(path, PIPELINE)
        folder.write(str(Path(path).with_name("steps.py")), "def numbers() -> list:\n    return []\n")


def taken(folder, *words, cwd="."):
    """Return the file that `config --origin` reads, as it spells it, or the error."""
    (folder.folder / cwd).mkdir(parents=True, exist_ok=True)
    answer = folder.pipespec("config", "--origin", *words, cwd=folder.folder / cwd)
    if answer.code:
        assert answer.code == 2
        return answer.err.strip()
    return answer.out.splitlines()[0].partition("# ")[2].strip().removesuffix(":1")


READING = """\
pipespec: 1
include: [params.yaml]
steps:
  numbers: {call: "steps:numbers", inputs: {data: {file: data/a.csv}}, outputs: {numbers: numbers.json}}
"""


@pytest.mark.parametrize("words", [[], ["../a.yaml"], ["../data/../a.yaml"], ["link/../a.yaml"]])
def test_a_folder_below_the_pipeline_has_the_same_files_records_and_keys(empty_project, words):
    empty_project.write("a.yaml", READING)
    empty_project.write("params.yaml", "params: {}\n")
    empty_project.write("steps.py", "def numbers(data: bytes) -> list:\n    return []\n")
    empty_project.write("data/a.csv", "a\n1\n")
    (empty_project.folder / "data/link").symlink_to("../data", target_is_directory=True)
    below = empty_project.folder / "data"

    assert empty_project.pipespec("validate", *(words or ["../a.yaml"]), cwd=below).code == 0
    first = empty_project.pipespec("run", *words, "--format", "json", cwd=below).json
    again = empty_project.pipespec("run", "--format", "json").json

    assert [one["state"] for one in (*first["steps"], *again["steps"])] == ["ran", "reused"]
    assert first["store"] == again["store"] == f"sqlite:///{empty_project.folder}/mlflow.db"


@pytest.mark.parametrize(
    ("files", "cwd", "words", "expected"),
    [
        (["a.yaml"], ".", [], "a.yaml"),
        (["a.yml"], ".", [], "a.yml"),
        (["pipelines/a.yaml"], ".", [], "pipelines/a.yaml"),
        (["a.yaml", "pipelines/b.yaml"], ".", [], "a.yaml"),
        (["a.yaml", ".hidden.yaml", "below/b.yaml"], ".", [], "a.yaml"),
        (["a.yaml"], "src/deep", [], "../../a.yaml"),
        (["pipelines/a.yaml"], "src", [], "../pipelines/a.yaml"),
        (["a.yaml", "src/b.yaml"], "src", [], "b.yaml"),
        (["a.yaml", "below/b.yaml"], ".", ["below"], "below/b.yaml"),
        (["a.yaml", "below/pipelines/b.yaml"], ".", ["below"], "below/pipelines/b.yaml"),
        (["a.yaml", "b.yaml"], "src", ["../a.yaml"], "../a.yaml"),
    ],
)
def test_the_nearest_single_pipeline_is_taken(empty_project, files, cwd, words, expected):
    named(empty_project, *files)

    assert taken(empty_project, *words, cwd=cwd) == expected


@pytest.mark.parametrize(
    ("files", "cwd", "words", "expected"),
    [
        (
            ["a.yaml", "b.yaml"],
            ".",
            [],
            f"error: there are 2 pipelines to choose from: a.yaml, b.yaml; {SEVERAL}",
        ),
        (
            ["a.yaml", "pipelines/b.yaml", "pipelines/c.yml"],
            "pipelines",
            [],
            f"error: there are 2 pipelines to choose from: b.yaml, c.yml; {SEVERAL}",
        ),
        (
            ["below/a.yaml", "below/b.yaml"],
            ".",
            ["below"],
            f"error: there are 2 pipelines to choose from: below/a.yaml, below/b.yaml; {SEVERAL}; {A_STEP}",
        ),
        (
            ["below/a.yaml"],
            "other",
            [],
            f"error: there is no pipeline here, in a folder above up to the project root or in {NONE}; name its file,{INIT}",
        ),
        (
            ["a.yaml", "below/deep/b.yaml"],
            ".",
            ["below"],
            f"error: there is no pipeline in 'below' or in {NONE}; name the file of a pipeline; {A_STEP}",
        ),
    ],
)
def test_none_and_several_are_told(empty_project, files, cwd, words, expected):
    named(empty_project, *files)

    assert taken(empty_project, *words, cwd=cwd) == expected


def test_a_word_that_is_no_file_is_told_to_be_read_as_a_step(empty_project):
    answer = empty_project.pipespec("plan", "trian")

    assert answer.code == 2
    assert answer.err.endswith(
        "; 'trian' is read as a step, because a FILE ends in .yaml or .yml, or exists\n"
    )


def test_folders_above_the_project_are_not_looked_at(empty_project):
    named(empty_project, "a.yaml")
    empty_project.write("inner/pyproject.toml", "")

    assert taken(empty_project, cwd="inner/src").startswith("error: there is no pipeline here")


@pytest.mark.parametrize("cwd", [".", "pipelines", "src/deep"])
def test_the_file_that_pyproject_names_is_taken_from_every_folder(empty_project, cwd):
    empty_project.write("pyproject.toml", '[tool.pipespec]\nfile = "flows/b.yaml"\n')
    named(empty_project, "flows/a.yaml", "flows/b.yaml", "pipelines/c.yaml", "d.yaml")

    assert taken(empty_project, cwd=cwd) == os.path.relpath("flows/b.yaml", cwd)


def test_a_folder_with_a_pyproject_of_its_own_takes_its_file(empty_project):
    empty_project.write("inner/pyproject.toml", '[tool.pipespec]\nfile = "b.yaml"\n')
    named(empty_project, "inner/a.yaml", "inner/b.yaml")

    assert taken(empty_project, "inner") == "inner/b.yaml"


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ('file = "../b.yaml"', "'file' in [tool.pipespec] is '../b.yaml', which is outside of the project"),
        (
            'file = "/etc/b.yaml"',
            "'file' in [tool.pipespec] is '/etc/b.yaml', which is outside of the project",
        ),
        (
            'file = "link/b.yaml"',
            "'file' in [tool.pipespec] is 'link/b.yaml', which is outside of the project",
        ),
        ('file = "gone.yaml"', "'file' in [tool.pipespec] is 'gone.yaml', but there is no such file"),
        ('file = "queue.yaml"', "'file' in [tool.pipespec] is 'queue.yaml', but there is no such file"),
        ("file = 3", "'file' in [tool.pipespec] is 3; it must be a text"),
        ('file = ""', "'file' in [tool.pipespec] is ''; it must be a text"),
        ('file = "a\\u0000"', "'file' in [tool.pipespec] is 'a\\x00'; it must be a text"),
    ],
)
def test_a_file_that_pyproject_may_not_name_is_refused(empty_project, tmp_path_factory, table, expected):
    os.mkfifo(empty_project.folder / "queue.yaml")
    (empty_project.folder / "link").symlink_to(tmp_path_factory.mktemp("outside"))
    empty_project.write("pyproject.toml", f"[tool.pipespec]\n{table}\n")

    assert taken(empty_project).startswith(f"error: pyproject.toml: {expected}")


@pytest.mark.parametrize("content", ["not = [toml", "[tool]\npipespec = 3\n", "tool = 'pipespec'"])
def test_a_pyproject_that_is_broken_stops_no_search(empty_project, content):
    empty_project.write("pyproject.toml", content)
    named(empty_project, "a.yaml")

    if "= 3" in content:
        assert taken(empty_project).startswith("error: pyproject.toml: 'tool.pipespec' is no table")
    else:
        assert taken(empty_project) == "a.yaml"


def test_what_is_no_plain_file_is_no_candidate(empty_project):
    named(empty_project, "a.yaml")
    os.mkfifo(empty_project.folder / "b.yaml")
    (empty_project.folder / "c.yaml").mkdir()
    assert stat.S_ISFIFO((empty_project.folder / "b.yaml").stat().st_mode)

    assert taken(empty_project) == "a.yaml"


def test_a_run_from_a_sub_folder_is_the_run_of_the_file(project):
    project.write("pyproject.toml", "")
    (project.folder / "src").mkdir()

    first = project.pipespec("run", "total", "--format", "json", cwd=project.folder / "src")
    again = project.run()

    assert first.code == 0, first.err
    assert set(again.values()) == {"reused"}


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (["explain", "a", "b"], "Got unexpected extra argument (b)"),
        (["explain", "p.yaml", "a", "b"], "Got unexpected extra argument (b)"),
        (["get", "a.o", "to", "too", "far"], "Got unexpected extra arguments (too far)"),
        (["graph", "a"], "Got unexpected extra argument (a)"),
    ],
    ids=" ".join,
)
def test_words_too_many_are_told(empty_project, typed, expected):
    answer = empty_project.pipespec(*typed)

    assert (answer.code, answer.err.splitlines()[-1]) == (2, f"Error: {expected}")


@pytest.mark.parametrize(
    ("typed", "missing", "usage"),
    [
        (["explain", "p.yaml"], "STEP", "[FILE] STEP"),
        (["logs"], "STEP", "[FILE] STEP"),
        (["accept", "p.yaml"], "STEP...", "[FILE] STEP..."),
        (["get"], "STEP.OUTPUT", "[FILE] STEP.OUTPUT [PATH]"),
        (["baseline"], "set", "[FILE] set RUN"),
        (["baseline", "p.yaml"], "set", "[FILE] set RUN"),
        (["baseline", "set"], "RUN", "[FILE] set RUN"),
        (["completion"], "one of bash, zsh, fish", "{bash|zsh|fish}"),
        (["call"], "FUNCTION|[FILE] STEP", "FUNCTION|[FILE] STEP"),
    ],
    ids=" ".join,
)
def test_a_word_that_is_missing_is_named_with_the_usage(empty_project, typed, missing, usage):
    answer = empty_project.pipespec(*typed)

    verb = f"pipespec {typed[0]}"
    told = f"error: {missing} is missing: {verb} [OPTIONS] {usage}; '{verb} --help' explains it\n"
    assert (answer.code, answer.out, answer.err) == (2, "", told)


@pytest.mark.parametrize("typed", [["3fa9"], ["p.yaml", "3fa9"]])
def test_a_run_without_set_is_told_how_it_becomes_the_baseline(empty_project, typed):
    answer = empty_project.pipespec("baseline", *typed)

    assert (answer.code, answer.err) == (
        2,
        "error: write 'set' before the run: pipespec baseline set 3fa9\n",
    )


WORDS = st.lists(
    st.sampled_from(["p.yaml", "q.yml", "below", "train", "train[depth=4]", "tag:a", "a.o", "-"]), max_size=6
)
TAKING = {"run": "targets", "accept": "steps", "explain": "step", "get": "output", "graph": None}


@given(WORDS, st.sampled_from(sorted(TAKING)))
@settings(max_examples=200)
def test_each_word_comes_to_one_argument_in_order(typed, verb):
    """FILE takes the first word if that is one, and no other; what is too much is left over."""
    command = pipespec.get_command(click.Context(pipespec), verb)
    ctx = click.Context(command, resilient_parsing=True)  # too many words are refused otherwise
    values, rest, _ = command.make_parser(ctx).parse_args(list(typed))
    arguments = [one.name for one in command.params if isinstance(one, click.Argument)]
    taken = [values.get(name) for name in arguments]
    flat = [word for one in taken for word in (one if isinstance(one, tuple) else [one])]
    is_file = bool(typed) and typed[0] in ("p.yaml", "q.yml")

    assert [word for word in flat if isinstance(word, str)] + rest == typed
    assert isinstance(taken[0], str) == is_file
    if typed and not is_file and TAKING[verb] is not None:
        assert typed[0] in (values[TAKING[verb]], *values[TAKING[verb]])
