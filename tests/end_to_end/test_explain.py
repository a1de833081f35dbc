"""`pipespec explain`: of each kind of change exactly the cause, by the installed command on a real project."""

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

SCHEMAS = Path(__file__).parents[2] / "schemas"

STEPS = '''
"""Numbers -> squares -> total."""

from words import shout

LIMIT = 100


def numbers(count: int, table: str) -> list:
    """Count."""
    return list(range(min(count, LIMIT))) + [len(table)]


def squares(numbers: list, power: int = 2) -> list:
    return [number**power for number in numbers]


def total(squares: list, name: str) -> dict:
    return {"name": shout(name), "total": sum(squares)}
'''

WORDS = """
def shout(text: str) -> str:
    return text.upper()
"""

PIPELINE = """\
pipespec: 1
name: sums
params: {count: 5}
steps:
  numbers:
    call: steps:numbers
    inputs: {table: {file: table.txt}}
    params: {count: "${params.count}"}
    outputs: {numbers: numbers.json}
  squares:
    call: steps:squares
    matrix: {power: [2, 3]}
    inputs: {numbers: numbers}
    outputs: {squares: squares.json}
  total:
    call: steps:total
    inputs: {squares: "squares[power=2]"}
    params: {name: all}
    outputs: {total: total.json}
    identity: {packages: [imaginary]}
"""


def install(folder, version):
    info = folder / f"imaginary-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: imaginary\nVersion: {version}\n")
    return str(folder)


@pytest.fixture(scope="module")
def finished(tmp_path_factory, project_at):
    """A project whose steps are all complete, made once; each test takes a copy."""
    folder = tmp_path_factory.mktemp("finished") / "project"
    folder.mkdir()
    project = project_at(folder)
    project.write("pyproject.toml", '[project]\nname = "trial"\nversion = "0.1.0"\n')
    project.write("steps.py", STEPS)
    project.write("words.py", WORDS)
    project.write("table.txt", "abc")
    project.write("pipeline.yaml", PIPELINE)
    site = install(folder / "site", "1.0")
    assert project.ran(PYTHONPATH=site) == {"numbers", "squares[power=2]", "squares[power=3]", "total"}
    return folder


@pytest.fixture
def trial(finished, empty_project):
    import shutil

    shutil.rmtree(empty_project.folder)
    shutil.copytree(finished, empty_project.folder)
    return empty_project


def explained(project, step, *args, site="site"):
    answer = project.pipespec(
        "explain",
        "pipeline.yaml",
        step,
        "--format",
        "json",
        *args,
        PYTHONPATH=str(project.folder / site),
    )
    assert answer.code == 0, answer.err
    Draft202012Validator(json.loads((SCHEMAS / "explain.schema.json").read_bytes())).validate(answer.json)
    return answer.json


def explained_in_words(project, step, *args, site="site"):
    answer = project.pipespec("explain", "pipeline.yaml", step, *args, PYTHONPATH=str(project.folder / site))
    assert answer.code == 0, answer.err
    return answer.out


def differing(text):
    """Return the rows below `what differs:`, each on one line with single spaces."""
    _, _, section = text.partition("what differs:\n")
    rows = re.split(r"\n  (?! )", "\n" + section.partition("\n\n")[0])[1:]
    return [" ".join(row.split()) for row in rows]


def causes(answer):
    return [(change["part"], change["detail"], change["place"]) for change in answer["changes"]]


def edit(name, old, new):
    return lambda project: project.edit(name, old, new)


def upgrade(project):
    install(project.folder / "other", "2.0")


CHANGES = {
    "param": (
        edit("pipeline.yaml", "{name: all}", "{name: some}"),
        ("total", (), "site"),
        [("param", "param name: all -> some", "pipeline.yaml:18")],
    ),
    "param that a reference brings": (
        edit("pipeline.yaml", "{count: 5}", "{count: 6}"),
        ("numbers", (), "site"),
        [("param", "param count: 5 -> 6", "pipeline.yaml:3")],
    ),
    "overlay": (
        lambda project: project.write("more.yaml", "steps:\n  total:\n    params: {name: every}\n"),
        ("total", ("-f", "more.yaml"), "site"),
        [("param", "param name: all -> every", "more.yaml:3, overlay")],
    ),
    "option": (
        lambda project: None,
        ("numbers", ("--set", "params.count=7"), "site"),
        [("param", "param count: 5 -> 7", "--set params.count=7")],
    ),
    "helper": (
        edit("words.py", "text.upper()", "text.title()"),
        ("total", (), "site"),
        [("code", "code words:shout changed", "words.py:2")],
    ),
    "constant": (
        edit("steps.py", "LIMIT = 100", "LIMIT = 50"),
        ("numbers", (), "site"),
        [("code", "code steps:LIMIT changed", "steps.py:6")],
    ),
    "docstring": (edit("steps.py", '"""Count."""', '"""Count up."""'), ("numbers", (), "site"), []),
    "annotation": (
        edit("steps.py", "name: str) -> dict", "name: object) -> dict"),
        ("total", (), "site"),
        [("code", "code steps:total changed", "steps.py:18")],
    ),
    "file": (
        lambda project: project.write("table.txt", "abcd"),
        ("numbers", (), "site"),
        [("input", "input table: content of 'table.txt' changed", "pipeline.yaml:7")],
    ),
    "package version": (
        upgrade,
        ("total", (), "other"),
        [("package", "package imaginary: 1.0 -> 2.0", "pipeline.yaml:20")],
    ),
    "matrix value": (
        edit("pipeline.yaml", "[2, 3]", "[2, 4]"),
        ("squares[power=4]", (), "site"),
        [("param", "param power: 3 -> 4", "pipeline.yaml:12")],
    ),
    "renamed step": (
        edit("pipeline.yaml", "  total:\n    call", "  sum:\n    call"),
        ("sum", (), "site"),
        [("name", "renamed: this was step 'total'", "pipeline.yaml:15")],
    ),
    "output": (
        edit("pipeline.yaml", "{total: total.json}", "{total: sum.json}"),
        ("total", (), "site"),
        [("output", "output total: 'total.json' -> 'sum.json'", "pipeline.yaml:19")],
    ),
    "which input is read": (
        edit("pipeline.yaml", "squares[power=2]", "squares[power=3]"),
        ("total", (), "site"),
        [("input", "input squares: 'squares[power=2]' -> 'squares[power=3]'", "pipeline.yaml:17")],
    ),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_explain_names_exactly_the_cause(trial, kind):
    change, (step, args, site), expected = CHANGES[kind]
    change(trial)

    answer = explained(trial, step, *args, site=site)

    assert causes(answer) == expected
    assert answer["action"] == ("run" if expected else "reuse")
    text = explained_in_words(trial, step, *args, site=site)
    assert differing(text) == [f"{detail} {place}" for _, detail, place in expected]
    assert text.splitlines()[0] == f"{step}: {'runs' if expected else 'is reused'}"


def test_upstream_code_with_the_same_bytes_may_stop(trial):
    trial.edit("steps.py", "number**power", "pow(number, power)")

    answer = explained(trial, "total")

    assert (answer["action"], answer["may_stop"], causes(answer)) == ("wait", True, [])
    assert [(one["step"], one["argument"], one["action"]) for one in answer["upstream"]] == [
        ("squares[power=2]", "squares", "run")
    ]
    assert answer["upstream"][0]["reasons"] == [
        {"kind": "changed", "detail": "code steps:squares changed (steps.py:14)"}
    ]
    text = explained_in_words(trial, "total")
    assert text.splitlines()[:3] == [
        "total: waits for the steps before it",
        "  input 'squares' comes from 'squares[power=2]', which runs first",
        "  it may be reused: the known parts of its key have not changed",
    ]
    assert differing(text) == []
    assert "input 'squares'; code steps:squares changed (steps.py:14)" in " ".join(text.split())
    trial.ran(PYTHONPATH=str(trial.folder / "site"))
    assert explained(trial, "total")["action"] == "reuse"


def test_upstream_with_other_bytes_is_named_once_it_ran(trial):
    trial.edit("steps.py", "number**power for", "number**power + 1 for")
    site = str(trial.folder / "site")
    trial.ran("squares", PYTHONPATH=site)

    assert causes(explained(trial, "total")) == [
        ("input", "input squares: 'squares[power=2]' produced different content", "pipeline.yaml:17")
    ]


def test_diff_of_changed_code_is_shown(trial):
    trial.edit("words.py", "text.upper()", "text.title()")

    (change,) = explained(trial, "total")["changes"]
    text = trial.pipespec("explain", "pipeline.yaml", "total", PYTHONPATH=str(trial.folder / "site")).out

    lines = change["diff"].splitlines()
    assert lines[2:] == [
        "@@ -1,2 +1,2 @@",
        " def shout(text: str) -> str:",
        "-    return text.upper()",
        "+    return text.title()",
    ]
    assert "\n  +    return text.title()\n" in text


def test_complete_step_names_the_run_that_counts_and_what_counts(trial):
    site = str(trial.folder / "site")
    trial.ran("--force", "total", PYTHONPATH=site)

    answer = explained(trial, "total")

    assert answer["run_id"] == answer["nearest"]["run_id"]
    assert [run["generation"] for run in (answer["nearest"], *answer["passed_over"])] == [1, 0]
    assert [piece["name"] for piece in answer["code"][0]["counted"]] == [
        "steps:total",
        "steps:total annotations",
        "words:shout",
    ]
    assert answer["parts"]["packages"] == {"imaginary": "1.0"}


def test_step_that_never_ran_says_so(empty_project):
    empty_project.write("steps.py", STEPS)
    empty_project.write("words.py", WORDS)
    empty_project.write("table.txt", "abc")
    empty_project.write("pipeline.yaml", PIPELINE)

    answer = explained(empty_project, "numbers")

    assert (answer["nearest"], answer["changes"], answer["reasons"][0]["kind"]) == (None, [], "never-ran")
    assert not (empty_project.folder / "mlflow.db").exists()


def test_plan_says_what_changed(trial):
    trial.edit("pipeline.yaml", "{name: all}", "{name: some}")
    trial.edit("words.py", "text.upper()", "text.title()")
    site = str(trial.folder / "site")

    answer = trial.pipespec("plan", "pipeline.yaml", "--format", "json", PYTHONPATH=site).json

    assert answer["steps"][-1]["reasons"] == [
        {"kind": "changed", "detail": "code words:shout changed (words.py:2)"},
        {"kind": "changed", "detail": "param name: all -> some (pipeline.yaml:18)"},
    ]


def test_runs_of_another_pipeline_count_as_past_only_where_they_called_the_same_function(trial):
    trial.write("other.py", "def total(numbers: list) -> dict:\n    return {'total': len(numbers)}\n")
    trial.write("table2.txt", "abcd")
    trial.write(
        "other.yaml",
        """\
pipespec: 1
name: others
steps:
  numbers:
    call: steps:numbers
    inputs: {table: {file: table2.txt}}
    params: {count: 5}
    outputs: {numbers: numbers.json}
  total:
    call: other:total
    inputs: {numbers: numbers}
    outputs: {total: total.json}
""",
    )
    trial.ran("numbers", file="other.yaml", PYTHONPATH=str(trial.folder / "site"))

    answers = {
        step: trial.pipespec("explain", "other.yaml", step, "--set", *changed, "--format", "json").json
        for step, changed in {
            "numbers": ["steps.numbers.inputs.table.file=table.txt", "--set", "steps.numbers.params.count=6"],
            "total": ["name=others"],
        }.items()
    }

    assert [change["detail"] for change in answers["numbers"]["changes"]] == ["param count: 5 -> 6"]
    assert (answers["total"]["nearest"], answers["total"]["changes"]) == (None, [])
    assert answers["total"]["reasons"] == [{"kind": "never-ran", "detail": "it has no finished run yet"}]


def test_manifest_that_is_gone_makes_the_answer_less_specific(trial):
    trial.edit("pipeline.yaml", "{name: all}", "{name: some}")
    for manifest in (trial.folder / "mlartifacts").rglob("step.json"):
        if json.loads(manifest.read_text())["step"] == "total":
            manifest.unlink()

    answer = explained(trial, "total")

    assert (answer["nearest"], answer["changes"]) == (None, [])
    assert answer["reasons"] == [{"kind": "changed", "detail": "no finished run has its key"}]


def test_unknown_step_is_wrong_usage(trial):
    answer = trial.pipespec("explain", "pipeline.yaml", "totl")

    assert (answer.code, answer.out) == (2, "")
    assert "did you mean 'total'" in answer.err
