"""A pipeline that says what its data has to be: what fails, what runs again, and what of the network is asked (nothing)."""

import importlib.util
import json
import re
import subprocess
from pathlib import Path

import pytest

STEPS = """\
def score(cities: list, best: float) -> list:
    return [{"name": one, "score": best} for one in cities]


def total(scores: list) -> dict:
    return {"total": sum(one["score"] for one in scores)}
"""

PIPELINE = """\
pipespec: 1
name: contracts
params: {best: 0.5}
steps:
  score:
    call: steps:score
    inputs: {cities: {file: cities.json, schema: schemas/cities.json}}
    params: {best: "${params.best}"}
    outputs: {scores: {file: scores.jsonl, schema: schemas/score.json}}
  total:
    call: steps:total
    inputs: {scores: score}
    outputs: {total: total.json}
"""

SCORE = {"properties": {"score": {"type": "number", "maximum": 1}, "name": {"$ref": "types.json#/name"}}}


def with_contracts(project):
    project.write("steps.py", STEPS)
    project.write("pipeline.yaml", PIPELINE)
    project.write("cities.json", '["Oslo", "Rome"]')
    project.write("schemas/cities.json", '{"items": {"type": "string"}}')
    project.write("schemas/score.json", json.dumps(SCORE))
    project.write("schemas/types.json", '{"name": {"type": "string"}}')
    return project


@pytest.fixture
def contracts(empty_project):
    return with_contracts(empty_project)


@pytest.fixture(scope="module")
def first_run(tmp_path_factory, new_project_at):
    """A project that has run once."""
    project = with_contracts(new_project_at(tmp_path_factory.mktemp("contracts") / "project"))
    assert project.ran() == {"score", "total"}
    return project


@pytest.fixture
def finished(first_run, tmp_path):
    return first_run.copied_to(tmp_path / "project")


def failures(answer):
    assert answer.code == 1
    return {step["step"]: step["error"] for step in answer.json["steps"] if step["state"] == "failed"}


def failed_run(project, *options):
    return failures(project.pipespec("run", "pipeline.yaml", "--format", "json", *options))


def test_an_output_that_does_not_fit_is_kept_aside_and_never_recorded(contracts):
    told = failed_run(contracts, "--set", "params.best=1.5")

    start = "output 'scores': it does not fit the schema 'schemas/score.json': "
    assert told == {"score": f"{start}line 1, $.score: 1.5 is greater than the maximum of 1 (and 1 more)"}
    (kept,) = (contracts.folder / ".pipespec/failed").iterdir()
    assert [json.loads(line)["score"] for line in (kept / "scores.jsonl").read_text().splitlines()] == [
        1.5,
        1.5,
    ]
    assert contracts.query("SELECT count(*) FROM runs WHERE status = 'FINISHED' AND name LIKE 'score%'") == [
        (0,)
    ]
    assert contracts.ran() == {"score", "total"}


def test_an_input_that_does_not_fit_fails_the_step_that_reads_it(contracts):
    contracts.write("cities.json", '["Oslo", 3]')

    assert failed_run(contracts) == {
        "score": "input 'cities': it does not fit the schema 'schemas/cities.json': $[1]: 3 is not of type 'string'"
    }


@pytest.mark.parametrize(
    ("name", "old", "new", "reason"),
    [
        ("schemas/score.json", "maximum", "exclusiveMaximum", "output scores: its schema changed"),
        ("schemas/types.json", '"string"', '["string", "null"]', "output scores: its schema changed"),
        ("schemas/cities.json", "string", 'string", "title": "a city', "input cities: its schema changed"),
        ("pipeline.yaml", ", schema: schemas/cities.json", "", "input cities: has no schema any more"),
        ("pipeline.yaml", "schema: schemas/score.json", "schema: schemas/types.json", "output scores: its schema changed"),
    ],
)  # fmt: skip
def test_a_step_runs_again_where_what_its_data_has_to_be_changed(finished, name, old, new, reason):
    assert finished.ran() == set()

    finished.edit(name, old, new)

    planned = finished.pipespec("plan", "pipeline.yaml", "--format", "json").json["steps"]
    reasons = {step["step"]: [one["detail"] for one in step["reasons"]] for step in planned}
    (told,) = reasons["score"]
    assert told.partition(" (")[0] == reason
    assert finished.ran() == {"score"}


@pytest.mark.parametrize(("old", "new"), [("{", "{ \n"), ("schemas/cities.json", "other.json")])
def test_the_layout_and_the_place_of_a_schema_count_for_nothing(finished, old, new):
    if "json" in new:
        (finished.folder / old).rename(finished.folder / new)
        finished.edit("pipeline.yaml", old, new)
    else:
        text = (finished.folder / "schemas/cities.json").read_text()
        finished.write("schemas/cities.json", text.replace(old, new))

    assert finished.ran() == set()


def test_what_was_planned_is_what_is_checked(contracts):
    """A step that changes its own schema is judged by the one that was there before."""
    spoil = (
        "    from pathlib import Path\n\n    Path('schemas/score.json').write_text('{\"type\": \"null\"}')\n"
    )
    contracts.edit("steps.py", "best: float) -> list:\n", f"best: float) -> list:\n{spoil}")

    assert contracts.ran() == {"score", "total"}
    assert json.loads((contracts.folder / "schemas/score.json").read_text()) == {"type": "null"}
    told = failed_run(contracts, "score")
    assert "line 1, $: {" in told["score"]


def test_what_counts_names_schemas(finished):
    told = finished.pipespec("explain", "pipeline.yaml", "score").out

    rows = {line.split()[1]: line for line in told.splitlines() if line.startswith(("  input", "  output"))}
    assert re.fullmatch(r"  input +cities +sha256 [0-9a-f]{16}, schema sha256 [0-9a-f]{16}", rows["cities"])
    assert re.fullmatch(r"  output +scores +scores.jsonl, schema sha256 [0-9a-f]{16}", rows["scores"])


def test_points_of_a_sweep_are_each_judged(contracts):
    contracts.write("params.json", '{"properties": {"best": {"maximum": 1}}}')
    contracts.edit("pipeline.yaml", "name: contracts\n", "name: contracts\nparams_schema: params.json\n")

    answer = contracts.pipespec("run", "pipeline.yaml", "--sweep", "params.best=0.5,2")

    assert answer.code == 2
    assert (
        "'params.best' does not fit the schema 'params.json': 2 is greater than the maximum of 1"
        in answer.err
    )


def test_an_overlay_that_reads_something_else_leaves_the_schema_of_the_file_behind(contracts):
    contracts.edit(
        "pipeline.yaml",
        "  total:\n",
        "  first: {call: 'steps:first', outputs: {cities: first.json}}\n  total:\n",
    )
    contracts.write("over.yaml", "steps: {score: {inputs: {cities: first}}}")
    contracts.write("steps.py", f"{STEPS}\n\ndef first() -> list:\n    return [3]\n")

    assert contracts.pipespec("validate", "pipeline.yaml", "-f", "over.yaml").code == 0


def test_a_difference_tells_that_a_schema_changed(contracts):
    contracts.write("old.yaml", PIPELINE)
    contracts.write("schemas/other.json", "true")
    contracts.edit("pipeline.yaml", "schemas/cities.json", "schemas/other.json")

    told = contracts.pipespec("diff", "old.yaml", "pipeline.yaml").out

    assert "input cities: its schema changed" in told


def test_the_page_on_contracts_tells_what_pandera_says(empty_project):
    if importlib.util.find_spec("pandera") is None:
        pytest.skip("pandera is not installed")
    page = (Path(__file__).parents[2] / "docs/contracts.md").read_text()
    for name, text in re.findall(r"<!-- file: frames/(.*?) -->\n```\w+\n(.*?)```", page, re.DOTALL):
        empty_project.write(name, text)
    (said,) = re.findall(r"```text\n(.*)\n```", page)

    assert failed_run(empty_project) == {"rate": said}


def test_a_difference_to_a_revision_knows_the_schemas_of_that_revision(contracts):
    git = ["git", "-C", str(contracts.folder), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"]):
        subprocess.run([*git, *arguments], check=True, capture_output=True, timeout=60)
    same = contracts.pipespec("diff", "pipeline.yaml@HEAD", "pipeline.yaml").out
    contracts.edit("schemas/types.json", "string", "integer")

    told = contracts.pipespec("diff", "pipeline.yaml@HEAD", "pipeline.yaml").out

    assert "schema" not in same
    assert "output scores: its schema changed" in told


PANDERA = """\
import pandas as pd
import pandera.pandas as pa
from pandera.typing import DataFrame


class Scores(pa.DataFrameModel):
    score: float = pa.Field(le=1)


def score(best: float) -> DataFrame[Scores]:
    return pd.DataFrame({"score": [best]})
"""


def test_a_change_of_the_model_of_a_frame_is_a_change_of_the_step(empty_project):
    if (
        importlib.util.find_spec("pandera") is None
    ):  # imported here, it would change the environment of all tests
        pytest.skip("pandera is not installed")
    empty_project.write("steps.py", PANDERA)
    step = "{call: 'steps:score', params: {best: 1.0}, outputs: {scores: scores.csv}}"
    empty_project.write("pipeline.yaml", f"pipespec: 1\nname: frames\nsteps:\n  score: {step}\n")
    assert empty_project.ran() == {"score"}

    empty_project.edit("steps.py", "le=1", "lt=1")

    assert failed_run(empty_project) == {
        "score": "output 'scores': it does not fit 'Scores': column 'score', row 0: '1.0' does not pass less_than(1)"
    }
