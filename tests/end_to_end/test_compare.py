"""`pipespec compare`, `baseline` and `lineage` by the installed command, on real records; and what runs bear for them."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sqlite3
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

SCHEMAS = Path(__file__).parents[2] / "schemas"

STEPS = """\
def table(rows: int) -> list:
    return list(range(rows))


def train(table: list, depth: int, seed: int) -> dict:
    return {"depth": depth, "rows": len(table), "seed": seed}


def score(model: dict) -> dict:
    return {"accuracy": model["depth"] / 10, "loss": 1 - model["depth"] / 10}


def use(table: list) -> int:
    return len(table)
"""

PIPELINE = """\
pipespec: 1
name: shop
description: Sells things.
params: {depth: 4, seed: 0}
steps:
  table: {call: "steps:table", params: {rows: 3}, outputs: {table: table.json}}
  train:
    call: steps:train
    description: Trains it.
    inputs: {table: table}
    params: {depth: "${params.depth}", seed: "${params.seed}"}
    outputs: {model: model.json}
  score:
    call: steps:score
    inputs: {model: train}
    outputs: {metrics: metrics.json}
    metrics: metrics
    checks: {accuracy: {min_delta: -0.1}}
"""

OTHER = """\
pipespec: 1
name: reads
steps:
  use: {call: "steps:use", inputs: {table: {pipeline: pipeline.yaml, output: table.table}}, outputs: {n: n.json}}
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory, project_at):
    """A pipeline that ran with three values, and one of another name that read its table."""
    folder = tmp_path_factory.mktemp("shop") / "project"
    folder.mkdir()
    made = project_at(folder)
    made.write("pyproject.toml", '[project]\nname = "trial"\nversion = "0.1.0"\n')
    made.write("steps.py", STEPS)
    made.write("pipeline.yaml", PIPELINE)
    made.write("reads.yaml", OTHER)
    for depth in (4, 5, 6):
        made.run("--set", f"params.depth={depth}")
    assert made.pipespec("run", "reads.yaml").code == 0
    return made


@pytest.fixture
def copied_shop(shop, tmp_path, project_at):
    """The same, to be run again."""
    shutil.copytree(shop.folder, tmp_path / "project")
    return project_at(tmp_path / "project")


def told(project, verb, *arguments, code=0):
    answer = project.pipespec(verb, *arguments, "--format", "json")
    assert answer.code == code, answer.err
    schema = json.loads((SCHEMAS / f"{verb}.schema.json").read_bytes())
    Draft202012Validator(schema).validate(answer.json)
    return answer.json


def runs_of(project, step):
    """Ids of a step's runs, the oldest first; of invocations for None."""
    key, value = ("pipespec.step", step) if step else ("pipespec.command", None)
    return [
        run_id
        for (run_id,) in project.query(
            "select r.run_uuid from runs r join tags t on t.run_uuid = r.run_uuid and t.key = ?"
            " join tags p on p.run_uuid = r.run_uuid and p.key = 'pipespec.pipeline' and p.value = 'shop'"
            " where ? is null or t.value = ? order by r.start_time, r.rowid",
            key, value, value,
        )
    ]  # fmt: skip


def test_an_invocation_bears_what_was_set_and_what_came_of_it(shop):
    run_id = runs_of(shop, None)[0]
    assert dict(shop.query("select key, value from params where run_uuid = ?", run_id)) == {
        "depth": "4", "seed": "0", "table.rows": "3",
    }  # fmt: skip
    metrics = dict(shop.query("select key, value from latest_metrics where run_uuid = ?", run_id))
    assert metrics == {"accuracy": 0.4, "loss": 0.6}


def test_a_steps_run_bears_the_params_upstream_and_a_name_that_tells_it_apart(shop):
    run_id = runs_of(shop, "score")[1]
    assert dict(shop.query("select key, value from params where run_uuid = ?", run_id)) == {
        "train.depth": "5", "train.seed": "0", "table.rows": "3",
    }  # fmt: skip
    names = [name for (name,) in shop.query("select name from runs order by start_time, rowid")]
    assert [name.rpartition(" 20")[0] for name in names[:4]] == [
        "shop depth=4", "table depth=4", "train depth=4", "score depth=4",
    ]  # fmt: skip
    notes = dict(
        shop.query(
            "select e.name, t.value from experiment_tags t join experiments e using (experiment_id) where e.name like 'shop%'"
        )
    )
    assert notes["shop/train"] == "Runs of the step `train` of the pipeline `shop`. Trains it."
    assert set(notes) == {"shop", "shop/table", "shop/train", "shop/score"}


def test_no_tag_that_mlflow_shows_has_a_name_of_one_run(shop):
    shown = shop.query("select key, count(*) from tags where key not like 'mlflow.%' group by key")
    assert {key for key, _ in shown} == {
        "pipespec.command", "pipespec.key", "pipespec.manifest", "pipespec.pipeline", "pipespec.step", "pipespec.upstream",
    }  # fmt: skip


def test_invocations_and_runs_of_a_step_stand_side_by_side(shop):
    invocations = told(shop, "compare", "pipeline.yaml")
    assert [run["run_id"] for run in invocations["runs"]] == runs_of(shop, None)[::-1]
    assert invocations["differing_params"] == ["depth"]
    assert [run["params"]["depth"] for run in invocations["runs"]] == ["6", "5", "4"]
    assert [run["metrics"]["accuracy"] for run in invocations["runs"]] == [0.6, 0.5, 0.4]

    steps = told(shop, "compare", "pipeline.yaml", "score", "--latest", "2")
    assert [run["run_id"] for run in steps["runs"]] == runs_of(shop, "score")[:0:-1]
    assert steps["differing_params"] == ["train.depth"]

    first, last = runs_of(shop, "score")[0], runs_of(shop, "score")[-1]
    named = told(shop, "compare", "pipeline.yaml", f"run:{first}", f"run:{last}")
    assert [run["run_id"] for run in named["runs"]] == [first, last]


def test_a_table_of_it_is_text_markdown_csv_and_a_page(shop):
    text = shop.pipespec("compare", "pipeline.yaml", "score").out.splitlines()
    assert text[0] == "runs of step 'score' of pipeline 'shop', the newest first"
    assert text[2].split() == ["run", "age", "train.depth", "accuracy", "loss", "seconds"]
    marked = shop.pipespec("compare", "pipeline.yaml", "score", "--format", "markdown").out
    assert "| run | age | train.depth | accuracy | loss | seconds |" in marked
    rows = list(csv.DictReader(io.StringIO(shop.pipespec("compare", "pipeline.yaml", "--format", "csv").out)))
    assert [(row["param.depth"], row["metric.accuracy"]) for row in rows] == [
        ("6", "0.6"),
        ("5", "0.5"),
        ("4", "0.4"),
    ]
    assert shop.pipespec("compare", "pipeline.yaml", "--html", "c.html").code == 0
    page = (shop.folder / "c.html").read_text()
    assert page.count("<path ") == 3


def test_a_run_that_is_worse_than_the_baseline_allows_exits_with_1(shop):
    first, _, last = runs_of(shop, "score")
    named = [f"run:{first}"]
    better = told(shop, "compare", "pipeline.yaml", *named, "--baseline", first)
    assert better["regressions"] == []
    worse = told(shop, "compare", "pipeline.yaml", *named, "--baseline", last, code=1)
    assert worse["regressions"] == [
        {"metric": "accuracy", "problem": "accuracy is 0.4, -0.2 from the baseline, below its min_delta -0.1"}
    ]
    assert worse["runs"][0]["deltas"]["accuracy"] == pytest.approx(-0.2)
    asked = ("compare", "pipeline.yaml", *named, "--baseline", f"run:{last}", "--min-delta", "accuracy=-0.2")
    assert told(shop, *asked)["regressions"] == []
    assert len(told(shop, *asked, "--max-delta", "loss=0.1", code=1)["regressions"]) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nothing",), "'nothing'"),
        (("score", "run:0123"), "steps and runs cannot be compared with each other"),
        (("table", "train"), "means 2 steps: table, train"),
        (("--baseline", "run:0123"), "there is no run '0123' in the tracking store"),
        (("--baseline", "tag:baseline"), "write it as 'tag:baseline=prod'"),
        (("--baseline", "tag:a`b=c"), "no name of a tag"),
        (("--baseline", "tag:baseline=prod"), "no finished run has the tag 'baseline' with the value 'prod'"),
        (("--baseline", "@nothing"), "revision 'nothing'"),
        (("--min-delta", "accuracy=0"), "there is no baseline of invocations of pipeline 'shop' to judge by"),
        (("--points",), "no invocation of it is a sweep"),
        (("--min-delta", "accuracy"), "'accuracy' is no metric with a number, such as accuracy=-0.01"),
        (("--max-delta", "accuracy=nan"), "'accuracy=nan' is no metric with a number"),
    ],
)
def test_what_is_not_there_is_one_clear_line(shop, arguments, said):
    answer = shop.pipespec("compare", "pipeline.yaml", *arguments)
    assert answer.code == 2
    assert said in answer.err
    assert len([line for line in answer.err.splitlines() if "rror: " in line]) == 1
    assert "Traceback" not in answer.err


def deleted(project, run_id, stage="deleted"):
    with sqlite3.connect(project.folder / "mlflow.db") as database:
        database.execute("update runs set lifecycle_stage = ? where run_uuid = ?", (stage, run_id))
    database.close()


def test_a_baseline_is_marked_moved_named_and_missed_when_it_is_deleted(shop):
    one, two, three = runs_of(shop, "score")
    set_ = shop.pipespec("baseline", "pipeline.yaml", "set", one[:12], "--as", "prod")
    assert (
        set_.out == f"run {one[:8]} is now the baseline 'prod' of runs of step 'score' of pipeline 'shop'\n"
    )
    moved = shop.pipespec("baseline", "pipeline.yaml", "set", two, "--as", "prod", "--format", "json").json
    assert (moved["run_id"], moved["replaced"]) == (two, [one])
    assert (
        told(shop, "compare", "pipeline.yaml", "score", "--baseline", "tag:baseline=prod")["baseline"] == two
    )

    assert (
        shop.pipespec("baseline", "set", one).code == 0
    )  # of several pipelines none is meant: the project's own store
    assert told(shop, "compare", "pipeline.yaml", "score")["baseline"] == one
    assert told(shop, "compare", "pipeline.yaml")["baseline"] is None
    deleted(shop, one)
    answer = shop.pipespec("compare", "pipeline.yaml", "score")
    assert answer.code == 2
    assert f"is run {one[:8]}, which was deleted in MLflow" in answer.err
    assert "was deleted in MLflow" in shop.pipespec("baseline", "set", one).err
    deleted(shop, one, "active")
    with sqlite3.connect(shop.folder / "mlflow.db") as database:
        database.execute("delete from tags where key = 'baseline'")
    database.close()
    assert three != two


def test_another_tools_run_and_one_that_failed_are_no_baselines(shop):
    with sqlite3.connect(shop.folder / "mlflow.db") as database:
        experiment, uri = database.execute("select experiment_id, artifact_uri from runs limit 1").fetchone()
        database.execute(
            "insert into runs (run_uuid, name, status, start_time, lifecycle_stage, artifact_uri, experiment_id)"
            " values (?, 'x', 'FINISHED', 1, 'active', ?, ?)", ("e" * 32, uri, experiment),
        )  # fmt: skip
    database.close()
    for verb in (
        ("baseline", "set", "e" * 32),
        ("lineage", "e" * 32),
        ("compare", "pipeline.yaml", f"run:{'e' * 32}"),
    ):
        answer = shop.pipespec(*verb)
        assert answer.code == 2
        assert "run eeeeeeee was not recorded by pipespec" in answer.err
    with sqlite3.connect(shop.folder / "mlflow.db") as database:
        database.execute("delete from runs where name = 'x'")
    database.close()


# --------------------------------------------------------------------------------------------- lineage


def steps_of(answer, edges):
    names = {run["run_id"]: f"{run['pipeline']}/{run['step']}" for run in answer["runs"]}
    return {(names[edge["run_id"]], edge["output"], names[edge["reader"]]) for edge in answer[edges]}


def test_what_came_of_a_table_is_told_through_other_pipelines(shop):
    table = runs_of(shop, "table")[0]
    answer = told(shop, "lineage", table)
    assert steps_of(answer, "down") == {
        ("shop/table", "table", "shop/train"),
        ("shop/train", "model", "shop/score"),
        ("shop/table", "table", "reads/use"),
    }
    assert len(answer["down"]) == 7
    assert answer["up"] == []
    text = shop.pipespec("lineage", table).out.splitlines()
    assert text[0].startswith(f"shop/table  run {table[:8]}  ")
    assert text[2] == "used by:"


def test_what_made_a_model_is_told_and_a_run_that_is_gone_keeps_its_place(shop):
    table, train, score = (runs_of(shop, step)[0] for step in ("table", "train", "score"))
    answer = told(shop, "lineage", "pipeline.yaml", score, "--up")
    assert steps_of(answer, "up") == {
        ("shop/train", "model", "shop/score"), ("shop/table", "table", "shop/train"),
    }  # fmt: skip
    assert answer["down"] == []
    deleted(shop, table)
    states = {run["run_id"]: run["state"] for run in told(shop, "lineage", score, "--up")["runs"]}
    assert states == {score: "finished", train: "finished", table: "deleted"}
    deleted(shop, table, "active")
    mermaid = shop.pipespec("lineage", score, "--format", "mermaid").out
    assert f'  r{train[:12]} -->|"model"| r{score[:12]}\n' in mermaid


def test_records_of_earlier_versions_tell_by_their_manifests(shop):
    with sqlite3.connect(shop.folder / "mlflow.db") as database:
        database.execute("create table kept as select * from tags where key = 'mlflow.pipespec.inputs'")
        database.execute("delete from tags where key = 'mlflow.pipespec.inputs'")
    database.close()
    try:
        assert len(told(shop, "lineage", runs_of(shop, "table")[0])["down"]) == 7
    finally:
        with sqlite3.connect(shop.folder / "mlflow.db") as database:
            database.execute("insert into tags select * from kept")
            database.execute("drop table kept")
        database.close()


def test_lineage_is_of_a_steps_run(shop):
    answer = shop.pipespec("lineage", runs_of(shop, None)[0])
    assert answer.code == 2
    assert "is an invocation of pipeline 'shop'; lineage is asked of a step's run" in answer.err


def test_a_run_that_made_the_same_again_has_what_read_the_first(copied_shop):
    project = copied_shop
    table = runs_of(project, "table")[0]
    assert project.ran("table", "--force", "table") == {"table"}
    again = runs_of(project, "table")[1]
    assert again != table
    assert len(told(project, "lineage", again)["down"]) == len(told(project, "lineage", table)["down"]) == 7


def test_the_points_of_a_sweep_stand_side_by_side(copied_shop):
    answer = copied_shop.pipespec(
        "run", "pipeline.yaml", "--sweep", "params.seed=1,2", "--sweep", "params.depth=6,7"
    )
    assert answer.code == 0, answer.err
    found = told(copied_shop, "compare", "pipeline.yaml", "--points")
    assert found["differing_params"] == ["seed", "depth"]
    assert [(run["label"], run["metrics"]["accuracy"]) for run in found["runs"]] == [
        ("seed=1 depth=6", 0.6), ("seed=1 depth=7", 0.7), ("seed=2 depth=6", 0.6), ("seed=2 depth=7", 0.7),
    ]  # fmt: skip
    params = dict(
        copied_shop.query("select key, value from params where run_uuid = ?", runs_of(copied_shop, None)[-1])
    )
    assert params == {"depth": "6,7", "seed": "1,2", "table.rows": "3"}


def test_diff_of_two_runs_tells_their_metrics(shop):
    first, _, last = runs_of(shop, None)
    answer = shop.pipespec("diff", f"run:{first}", f"run:{last}", "--format", "json")
    assert answer.json["metrics"] == {
        "accuracy": {"old": 0.4, "new": 0.6}, "loss": {"old": 0.6, "new": 0.4},
    }  # fmt: skip
    lines = shop.pipespec("diff", f"run:{first}", f"run:{last}").out.splitlines()
    assert "  accuracy  0.4 -> 0.6  (+0.2)" in lines
