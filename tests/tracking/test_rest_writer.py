"""Writing to a tracking server whose answers are lost: nothing is done twice, and no run runs for ever."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from scripted_server import CUT, Asked, Said, ScriptedServer

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


TAGS = {"pipespec.owner": "me", "pipespec.claim." + "a" * 64: "1"}


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
    writer.create_run("1", tags=TAGS, params={f"p{number}": "1" for number in range(250)}, started=5)
    writer.close()
    batches = [asked.json for asked in server.asked if asked.path.endswith("log-batch")]
    assert [len(batch["params"]) for batch in batches] == [100, 100, 50]
    assert len(runs.made) == 1
    assert not [asked for asked in server.asked if asked.path.endswith("runs/search")]


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
