"""Writing to a tracking server whose answers are lost: nothing is done twice, and no run runs for ever."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from scripted_server import CUT, Asked, Said, ScriptedServer

from pipespec.errors import PipespecError
from pipespec.tracking.writing.rest_writer import RestWriter


class Runs:
    """The part of a tracking server that creates runs and finds them; its answers may be lost."""

    def __init__(self, server: ScriptedServer) -> None:
        self.made: list[dict[str, Any]] = []
        self.lose: Callable[[str], bool] = lambda _: False
        self.delay_next = False
        self._late: list[dict[str, Any]] = []
        server.rule = self

    def __call__(self, asked: Asked) -> Any:
        answer = self.do(asked.path.rpartition("/mlflow/")[2].partition("?")[0], asked)
        return CUT if self.lose(asked.path) else answer

    def do(self, endpoint: str, asked: Asked) -> Said:
        if endpoint == "runs/create":
            run = self.run(asked.json)
            if self.delay_next:
                self.delay_next = False
                self._late.append(run)
            else:
                self.made += [run, *self._late]
                self._late = []
            return Said(200, json.dumps({"run": run}).encode())
        if endpoint == "runs/search":
            return Said(200, json.dumps({"runs": self.made}).encode())
        if endpoint == "runs/update":
            for run in self.made:
                if run["info"]["run_id"] == asked.json["run_id"]:
                    run["info"]["status"] = asked.json["status"]
        return Said()

    def run(self, new: dict[str, Any]) -> dict[str, Any]:
        number = len(self.made) + len(self._late) + 1
        info = {"run_id": f"{number:032x}", "experiment_id": new["experiment_id"], "status": "RUNNING"}
        return {
            "info": {
                **info,
                "start_time": new["start_time"],
                "artifact_uri": f"mlflow-artifacts:/1/{number}",
            },
            "data": {"tags": new["tags"]},
        }


@pytest.fixture
def runs(server) -> Runs:
    return Runs(server)


TAGS = {"pipespec.owner": "me", "mlflow.pipespec.key." + "a" * 64: "1"}
PARAMS = {f"p{number}": "1" for number in range(250)}


def test_a_run_whose_answer_was_lost_is_found_and_taken(server, client, runs, pauses):
    lost: list[str] = []
    runs.lose = lambda path: path.endswith("runs/create") and not lost and lost.append(path) is None
    runs.made.append(runs.run({"experiment_id": "1", "start_time": 5, "tags": []}))  # another's
    writer = RestWriter(server.url, client)
    created = writer.create_run("1", tags=TAGS, params={}, started=5)
    writer.close()
    assert lost
    assert [run["info"]["run_id"] for run in runs.made] == [f"{1:032x}", f"{2:032x}"]
    assert created.run_id == f"{2:032x}"
    assert [run["info"]["status"] for run in runs.made] == ["RUNNING", "RUNNING"]


def test_a_run_that_a_slow_server_made_after_all_does_not_run_for_ever(server, client, runs, pauses):
    runs.delay_next = True  # it makes the run when it was asked again
    lost: list[str] = []
    runs.lose = lambda path: path.endswith("runs/create") and not lost and lost.append(path) is None
    writer = RestWriter(server.url, client)
    created = writer.create_run("1", tags=TAGS, params={}, started=5)
    assert len(runs.made) == 2
    writer.close()
    status = {run["info"]["run_id"]: run["info"]["status"] for run in runs.made}
    assert status.pop(created.run_id) == "RUNNING"
    assert [*status.values()] == ["KILLED"]


def test_a_run_is_created_once_where_nothing_is_lost(server, client, runs):
    writer = RestWriter(server.url, client)
    created = writer.create_run("1", tags=TAGS, params=dict(PARAMS), started=5)
    writer.close()
    assert created.pending == PARAMS
    assert not [asked for asked in server.asked if asked.path.endswith("log-batch")]
    assert len(runs.made) == 1
    assert not [asked for asked in server.asked if asked.path.endswith("runs/search")]


@pytest.mark.parametrize(
    "tell",
    [
        lambda writer: writer.publish("1", tags={"a": "b"}, metrics={"c": 1.0}, ended=5, pending=PARAMS),
        lambda writer: writer.end("1", "FAILED", ended=5, metrics={"c": 1.0}, pending=PARAMS),
        lambda writer: writer.set_tags("1", {"a": "b"}, PARAMS),
    ],
    ids=["publish", "end", "heartbeat"],
)
def test_pending_params_come_with_whatever_is_written_next(server, client, runs, tell):
    tell(RestWriter(server.url, client))
    batches = [asked.json for asked in server.asked if asked.path.endswith("log-batch")]
    assert [len(batch["params"]) for batch in batches] == [100, 100, 50]
    assert {row["key"] for batch in batches for row in batch["params"]} == PARAMS.keys()
    assert [batch.keys() & {"tags", "metrics"} for batch in batches[:-1]] == [set(), set()]
    assert batches[-1].keys() & {"tags", "metrics"}


def test_what_a_function_logs_does_not_take_the_place_of_a_param_of_its_step(server, client):
    has = [{"key": "depth", "value": "7"}, {"key": "up.depth", "value": "8"}]

    def rule(asked):
        if asked.path.endswith("log-batch") and any(
            row["key"] in ("depth", "up.depth") for row in asked.json.get("params", ())
        ):
            return Said(400, b'{"error_code": "INVALID_PARAMETER_VALUE", "message": "already logged"}')
        info = {"run_id": "1", "experiment_id": "1", "status": "RUNNING"}
        return Said(200, json.dumps({"run": {"info": info, "data": {"params": has}}}).encode())

    server.rule = rule
    writer = RestWriter(server.url, client)
    told = {"tags": {}, "metrics": {}, "ended": 5}
    with pytest.raises(
        PipespecError, match="param 'depth' of the step is '4', but the function logged it as '7'"
    ):
        writer.publish("1", **told, params={"up.depth": "9"}, pending={"depth": "4"})
    assert not [asked for asked in server.asked if asked.path.endswith("runs/update")]
    writer.publish("1", **told, params={"up.depth": "9"}, pending={"depth": "7", "new": "1"})
    writer.end("1", "FAILED", ended=5, pending={"depth": "4"})
    (first, second) = [asked.json for asked in server.asked if asked.path.endswith("log-batch")][2::2]
    assert first["params"] == [{"key": "new", "value": "1"}]
    assert "params" not in second
    assert len([asked for asked in server.asked if asked.path.endswith("runs/update")]) == 2


@pytest.mark.parametrize("was_applied", [True, False])
def test_a_tag_that_is_gone_although_the_answer_was_lost_is_no_error(server, client, pauses, was_applied):
    left = {"pipespec.key": "1"}

    def rule(asked):
        if asked.path.endswith("delete-tag"):
            first = len([one for one in server.asked if one.path.endswith("delete-tag")]) == 1
            if was_applied or not first:
                if asked.json["key"] not in left:
                    return Said(404, b'{"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no such tag"}')
                del left[asked.json["key"]]
            return CUT if first else Said()
        tags = [{"key": name, "value": value} for name, value in left.items()]
        info = {"run_id": "1", "experiment_id": "1", "status": "RUNNING"}
        return Said(200, json.dumps({"run": {"info": info, "data": {"tags": tags}}}).encode())

    server.rule = rule
    RestWriter(server.url, client).delete_tags("1", ["pipespec.key"])
    assert left == {}
