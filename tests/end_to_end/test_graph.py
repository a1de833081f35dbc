"""`graph` through the installed command: where its results go, what a page tells, what it keeps to itself."""

import json
import re

import pytest

FORMATS = ["text", "mermaid", "dot", "json", "svg", "html"]


def data_of(page):
    return json.loads(re.search(r'<script type="application/json" id="data-graph">(.*?)</script>', page)[1])


@pytest.mark.parametrize("form", FORMATS)
def test_a_result_goes_to_stdout_or_to_a_file(project, form):
    shown = project.pipespec("graph", "pipeline.yaml", "--format", form)
    written = project.pipespec("graph", "pipeline.yaml", "--format", form, "-o", "drawn")

    assert (shown.code, shown.err, written.code, written.out, written.err) == (0, "", 0, "", "")
    assert (project.folder / "drawn").read_text(encoding="utf-8") == shown.out
    assert "squares" in shown.out
    assert not (project.folder / "mlflow.db").exists()


@pytest.mark.parametrize(("place", "why"), [("no/such.html", "No such file"), (".", "")])
def test_a_file_that_cannot_be_written_is_one_line(project, place, why):
    before = sorted(project.folder.iterdir())

    answer = project.pipespec("graph", "pipeline.yaml", "-o", place)

    assert (answer.code, answer.out, len(answer.err.splitlines())) == (2, "", 1)
    assert answer.err.startswith(f"error: '{place}' cannot be written: {why}")
    assert sorted(project.folder.iterdir()) == before


def test_a_page_tells_where_functions_stand_and_params_were_set(project):
    project.write("over.yaml", "params: {count: 7}\n")

    page = project.pipespec("graph", "pipeline.yaml", "-f", "over.yaml", "--format", "html").out
    steps = {step["step"]: step for step in data_of(page)["steps"]}

    assert steps["numbers"] == {
        "step": "numbers",
        "name": "numbers",
        "variant": {},
        "call": "steps:numbers",
        "place": "steps.py:7",
        "description": None,
        "params": {"count": {"value": 7, "file": "over.yaml", "line": 1, "layer": "overlay"}},
        "inputs": {},
        "outputs": ["numbers"],
        "files": {"numbers": "numbers.json"},
        "tags": [],
        "state": None,
        "run": None,
    }
    assert steps["total"]["inputs"] == {"squares": "squares.squares"}


def test_with_status_a_page_tells_of_the_runs(project):
    project.run()
    project.edit("steps.py", "number**power", "number ** power + 0")
    project.edit("pipeline.yaml", "call: steps:squares", 'call: "steps:squares"\n    params: {power: 3}')

    page = project.pipespec("graph", "pipeline.yaml", "--status", "--format", "html").out
    steps = {step["step"]: step for step in data_of(page)["steps"]}

    assert {name: step["state"] for name, step in steps.items()} == {
        "numbers": "complete",
        "squares": "stale",
        "total": "stale",
    }
    ((run_id,),) = project.query(
        "SELECT r.run_uuid FROM runs r JOIN tags t ON t.run_uuid = r.run_uuid "
        "WHERE t.key = 'pipespec.step' AND t.value = 'numbers'"
    )
    run = steps["numbers"]["run"]
    assert (run["run_id"], run["url"], run["open"]) == (
        run_id,
        None,
        f"mlflow ui --backend-store-uri sqlite:///{project.folder}/mlflow.db",
    )
    assert run["seconds"] >= 0
    assert steps["total"]["run"]["metrics"] == {"total": 30.0}


def test_references_and_passwords_stay_what_they_are(project):
    project.edit("pipeline.yaml", "name: all", 'name: "${env:USER_NAME, nobody}", token: "${secret:TOKEN}"')
    project.edit("steps.py", "squares: list, name: str", "squares: list, name: str, token: str")
    project.edit("steps.py", "count: int", "count: str")
    project.edit("steps.py", "range(count)", "range(len(count))")
    address = "params.count=postgresql://ada:hunter2@host/db"
    secrets = {"USER_NAME": "ada lovelace", "TOKEN": "hunter3"}

    for form in FORMATS:
        answer = project.pipespec("graph", "pipeline.yaml", "--format", form, "--set", address, **secrets)
        assert answer.code == 0, answer.err
        assert not re.search(r"hunter|lovelace", answer.out)
    steps = project.pipespec("graph", "pipeline.yaml", "--format", "json", "--set", address).json["steps"]
    assert steps[0]["params"]["count"] == {
        "value": "postgresql://ada:***@host/db",
        "file": "--set params.count=postgresql://ada:***@host/db",
        "line": 1,
        "layer": "set",
    }
    assert steps[2]["params"]["token"]["value"] == "${secret:TOKEN}"
