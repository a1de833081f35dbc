"""Whatever writes a step, the store holds the same: every row of every table, but for ids and times.

One story is told to each writer, in a store of its own. MLflow's client is what the others are compared with.
"""

from __future__ import annotations

import json
import math
import re
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from services import mlflow_server

from pipespec.errors import PipespecError
from pipespec.step.step_job import Failure, StepOutcome
from pipespec.tracking.run_datasets import outside_datasets
from pipespec.tracking.started_run import NewInvocation
from pipespec.tracking.writing.sqlite_writer import artifact_uri_below

LARGE = 1.7976931348623157e308
HOSTILE = "día 'quoted' \"twice\" \\ % _ ; -- \n\t🐟"
SAID_AT = re.compile(r'(?<="when": )\d+')
NAMED_AT = re.compile(r" \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\b")
RUN_ID = re.compile(r"\b[0-9a-f]{32}\b")


def every_row(database: Path, root: Path) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables in an order of their own; runs are numbered as they began, times only told to be there."""
    connection = sqlite3.connect(database)
    began = connection.execute("SELECT run_uuid FROM runs ORDER BY rowid").fetchall()
    number = {run_id: f"run {place}" for place, (run_id,) in enumerate(began)}
    number |= {
        dataset: f"dataset {name} of experiment {experiment}"
        for dataset, experiment, name in connection.execute(
            "SELECT dataset_uuid, experiment_id, name FROM datasets"
        )
    }
    number |= {
        edge: f"{number[dataset]} of {number[run_id]}"
        for edge, dataset, run_id in connection.execute(
            "SELECT input_uuid, source_id, destination_id FROM inputs"
        )
    }

    def plain(column: str, value: Any) -> Any:
        if column.endswith(("_time", "timestamp")) and value is not None:
            return "a time" if isinstance(value, int) and value > 1_600_000_000_000 else value
        if not isinstance(value, str):
            return value
        value = NAMED_AT.sub(" a time", SAID_AT.sub("a time", value))
        return RUN_ID.sub(lambda found: number.get(found[0], found[0]), value.replace(str(root), "ROOT"))

    tables = [
        name
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    ]
    found = {}
    for table in tables:
        cursor = connection.execute(f'SELECT * FROM "{table}"')
        columns = [column[0] for column in cursor.description]
        rows = [
            tuple(plain(column, value) for column, value in zip(columns, row, strict=True))
            for row in cursor.fetchall()
        ]
        # A manifest names its run, so its digest differs.
        found[table] = sorted(
            (
                ("pipespec.manifest", "a digest", *row[2:]) if row[0] == "pipespec.manifest" else row
                for row in rows
            ),
            key=repr,
        )
    connection.close()
    return found


def tell(world) -> None:
    """All that a recorder can do, with names and values at MLflow's limits."""
    from mlflow.entities import Dataset, DatasetInput

    recorder = world.recorder
    invocation = recorder.start_invocation(
        NewInvocation(
            "world",
            f"pipespec run {HOSTILE}",
            params={"depth": "4", "text": HOSTILE},
            tags={"team": HOSTILE},
            label="depth=4",
            source="news.yaml",
            description="Of the whole.",
        )
    )
    params = {
        "model": {"epochs": 3, "rate": 0.1, "empty": {}},
        "text": HOSTILE,
        "long": "x" * 7000,
        "n" * 300: 1,
        "a?b": 1,
        "a!b": 2,
        "none": None,
        "nothing": "",
        "true": True,
        **{f"many {place}": place for place in range(230)},
    }
    tags = {"mlflow.runName": "not this", "pipespec.tag.model": "1", "long": "x" * 9000, "a/../b": "1"}
    started = world.start(
        "train[depth=4]", params=params, tags=tags, description="Trains.", invocation=invocation.run_id,
        source="news.yaml", git_commit="c0ffee", git_branch="main", git_remote="https://host.test/news.git",
    )  # fmt: skip
    metrics = {
        "nan": math.nan, "up": math.inf, "down": -math.inf, "zero": 0.0, "below": -0.0, "tiny": 5e-324, "large": LARGE,
        "a?c": 1.0, "m" * 300: 2.0, **{f"many {place}": float(place) for place in range(120)},
    }  # fmt: skip
    world.client.log_metric(started.run_id, "zero", 7.0, step=3)
    world.client.log_metric(started.run_id, "tiny", 7.0, timestamp=1)
    world.client.set_tag(started.run_id, "mlflow.pipespec.generation", "of the user's")
    world.client.log_param(started.run_id, "split.seed", "the user's own")
    world.client.log_inputs(
        started.run_id, [DatasetInput(Dataset("of the user's", "0123456789abcdef", "local", "{}"))]
    )
    recorder.heartbeat([started, invocation])
    first = recorder.publish(
        started,
        world.outcome(started, {"t.csv": b"1"}, metrics),
        manifest={
            "params": {},
            "upstream": {"split.seed": "1", **{f"split.p{place}": HOSTILE for place in range(99)}},
            "inputs": {
                "x": [
                    {
                        "step": "split",
                        "output": "a",
                        "file": "a.csv",
                        "run_id": invocation.run_id,
                        "digest": "f" * 64,
                    },
                    {
                        "step": "split",
                        "output": "a",
                        "file": "a.csv",
                        "run_id": invocation.run_id,
                        "digest": "f" * 64,
                    },
                ],
                "y": {"external": "s3://bucket/b.csv", "digest": "e" * 64, "bytes": 1},
                "z": {"external": "n" * 600, "digest": "d" * 64, "bytes": 1},
                "theirs": {"external": "of the user's", "digest": "0123456789abcdef" + "c" * 48, "bytes": 1},
            },
        },
    )
    again = world.start("train[depth=4]", params={"epochs": 1})
    second = recorder.publish(
        again,
        world.outcome(again, {"t.csv": b"2"}),
        manifest={"inputs": {"y": {"external": "s3://bucket/b.csv", "digest": "e" * 64, "bytes": 1}}},
        generation=1,
        supersedes=[first.run_id],
    )
    recorder.publish(world.start("other", None), StepOutcome("world-other", 1.0), manifest={})
    recorder.accept(second, world.key("new"), who="Ada", why=HOSTILE)
    recorder.accept(second, world.key("newer"), who="Ada", why="the same")
    recorder.revoke(second.run_id, world.key("new"), why="no")
    recorder.fail(world.start("other", "f"), Failure("raised", "no"))
    recorder.fail(world.start("other", "k"), Failure("cancelled", "no"), status="KILLED")
    left = world.start("other", "left")
    for kind, value, more in (
        ("one", "a", {}),
        ("one", "b", {"no": "1"}),
        ("other", HOSTILE, {"yes": HOSTILE}),
    ):
        recorder._writer.decide(left.run_id, f"decided {kind}", value, more)
    assert recorder.take_over(world.start("other", "taken").run_id, has_key=True)
    assert recorder.roll_forward(world.start("other", "forward").run_id)
    deleted = world.start("gone", "gone")
    world.client.delete_experiment(deleted.experiment_id)
    with pytest.raises(PipespecError):
        recorder.fail(deleted, Failure("raised", "no"))
    world.recorder.close()
    world.recorder = world.reopened()
    world.recorder.fail(world.start("gone", "gone again"), Failure("raised", "no"))
    world.recorder.finish_invocation(
        invocation,
        status="FINISHED",
        files={},
        metrics={"pipespec.seconds": 2.0},
        datasets=outside_datasets([{"y": {"external": "data.csv", "digest": "e" * 64, "bytes": 1}}]),
    )
    assert left.run_id != deleted.run_id


@pytest.fixture
def told(tmp_path, empty_store, make_world_of):
    def tell_to(kind: str) -> dict[str, list[tuple[Any, ...]]]:
        root = tmp_path / kind
        root.mkdir()
        shutil.copy(empty_store, root / "mlflow.db")
        world = make_world_of(kind, root)
        world.recorder._owner = "an owner"
        tell(world)
        world.close()
        return every_row(root / "mlflow.db", root)

    return tell_to


def test_every_row_of_every_table_is_as_mlflows_client_leaves_it(told):
    own, reference = told("sqlite"), told("client")
    assert {table: len(rows) for table, rows in own.items()} == {
        table: len(rows) for table, rows in reference.items()
    }
    for table, rows in reference.items():
        assert own[table] == rows, table
    assert len(reference["runs"]) == 11
    assert len(reference["latest_metrics"]) > 130
    assert [len(reference[table]) for table in ("datasets", "inputs", "input_tags")] == [7, 8, 7]


@pytest.mark.servers
def test_a_server_leaves_the_rows_that_it_leaves_when_mlflows_client_speaks_to_it(
    tmp_path, empty_store, make_world_of
):
    def tell_to(kind: str) -> dict[str, list[tuple[Any, ...]]]:
        root = tmp_path / kind
        root.mkdir()
        shutil.copy(empty_store, root / "mlflow.db")
        with mlflow_server(root, f"sqlite:///{root}/mlflow.db") as server:
            world = make_world_of(kind, root, server.url)
            tell(world)
            world.close()
        return every_row(root / "mlflow.db", root)

    own, reference = tell_to("rest"), tell_to("client")
    for table, rows in reference.items():
        assert own[table] == rows, table
    assert len(reference["runs"]) == 11


@pytest.mark.parametrize(
    "location",
    [
        "file:///a/b", "file:///a b/ü%20", "file:/a/b", "file:a/b", "/a/b", "/a/b/", "a/b", "./mlruns/1", "s3://bucket",
        "s3://bucket/", "s3://bucket/a/b/", "s3://bucket/a?region=x", "gs://b/a#part", "mlflow-artifacts:/1",
        "mlflow-artifacts://host:5000/1", "dbfs:/a", "wasbs://c@h.net/a", "hdfs://h:8020/a;b", "hdfs:/a", "abfss://c@h/a",
        "", "C:/a",
    ],
)  # fmt: skip
def test_a_run_lies_where_mlflow_would_put_it(location):
    from mlflow.utils.uri import append_to_uri_path

    run_id = "0" * 32
    assert artifact_uri_below(location, run_id) == append_to_uri_path(location, run_id, "artifacts")


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("runs://x/artifacts", "cannot be a runs:/ URI"),
        ("s3://bucket/" + "a" * 2050, "Invalid artifact path length"),
    ],
)
def test_a_location_that_mlflow_refuses_is_refused(world_of_each_writer, location, said):
    with pytest.raises(PipespecError, match=said):
        world_of_each_writer.recorder._writer.make_experiment("new", location)


def test_mlflows_own_client_reads_what_was_written(world_of_each_writer):
    world = world_of_each_writer
    started = world.start("train", params={"epochs": 3}, tags={"team": "nlp"}, description="Trains.")
    outcome = world.outcome(started, {"t.csv": b"1"}, {"accuracy": 0.5, "loss": math.nan})
    record = world.recorder.publish(started, outcome, manifest={})
    (run,) = world.client.search_runs(
        [started.experiment_id], "metrics.accuracy > 0.4 and params.epochs = '3'"
    )
    assert (run.info.run_id, run.info.status) == (record.run_id, "FINISHED")
    assert (run.info.start_time / 1000, run.info.end_time / 1000) == (record.started, record.ended)
    assert run.data.params == {"epochs": "3"}
    assert run.data.metrics["accuracy"] == 0.5
    assert math.isnan(run.data.metrics["loss"])
    assert run.data.tags["team"] == "nlp"
    (history,) = world.client.get_metric_history(record.run_id, "accuracy")
    assert (history.value, history.step, history.timestamp / 1000) == (0.5, 0, record.ended)
    files = {file.path for file in world.client.list_artifacts(record.run_id)}
    assert files == {"t.csv", "pipespec"}
    assert json.loads((world.folder(record) / "pipespec/step.json").read_text())["run_id"] == record.run_id
