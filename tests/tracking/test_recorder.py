"""Writing runs: what stands in the store from the start, at the end, and when something goes wrong between."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from pipespec import fault_points
from pipespec.errors import PipespecError, StoreUnavailableError
from pipespec.step.step_job import Failure, StepOutcome
from pipespec.tracking import record_names
from pipespec.tracking.process_owner import Owner
from pipespec.tracking.read_inputs import ReadInput, decode_inputs
from pipespec.tracking.reading.open_ledger import open_ledger
from pipespec.tracking.run_facts import contenders
from pipespec.tracking.started_run import NewInvocation
from pipespec.tracking.writing import leases
from pipespec.tracking.writing.dead_runs import settle_dead
from pipespec.tracking.writing.recorder import Recorder

NAMED = r"world-train\[depth=4\] seed=1 \d{4}-\d\d-\d\d \d\d:\d\d:\d\d"


def run_python(
    code: str, *arguments: str, timeout: float = 120, **environment: str
) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, **environment},
    )


@pytest.fixture
def world(world_of_each_writer):
    return world_of_each_writer


def settle(world, attempts):
    return settle_dead(attempts, world.ledger(), world.recorder, world.root / "downloads")


def facts(world, started):
    return world.ledger().run(started.run_id)


# ------------------------------------------------------------------------------------------- opening

OPEN = """
    import sys
    from pathlib import Path
    from pipespec.tracking.writing.recorder import Recorder
    root = Path(sys.argv[1])
    with Recorder.open(None, root=root, log=root / "log.txt") as recorder:
        with recorder._experiments.named("shared") as experiment:
            pass
    print(experiment)
"""


@pytest.mark.slow
def test_eight_processes_may_open_a_fresh_store_at_once(tmp_path):
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(OPEN), str(tmp_path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")},
        )
        for _ in range(8)
    ]
    answers = [process.communicate(timeout=250) for process in processes]
    assert answers == [("1\n", "")] * 8
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "log.txt", "mlflow.db"]
    assert len(list(tmp_path.glob("cache/pipespec/*"))) == 1


@pytest.mark.slow
def test_a_process_killed_while_it_makes_the_store_leaves_no_half_of_one(tmp_path):
    dying = """
        import os, signal, sys
        import mlflow.store.tracking.sqlalchemy_store as module
        original = module.mlflow.store.db.utils._initialize_tables
        def half(engine):
            module.mlflow.store.db.utils.InitialBase.metadata.create_all(engine)
            os.kill(os.getpid(), signal.SIGKILL)
        module.mlflow.store.db.utils._initialize_tables = half
    """
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    killed = run_python(textwrap.dedent(dying) + textwrap.dedent(OPEN), str(tmp_path), **cache)
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "mlflow.db").exists()
    assert run_python(OPEN, str(tmp_path), **cache).stdout == "1\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "log.txt", "mlflow.db"]
    assert len(list(tmp_path.glob("cache/pipespec/*"))) == 1


def test_what_mlflow_says_goes_to_the_log_and_nowhere_else(tmp_path):
    code = (
        OPEN
        + """
    import logging, os
    from pipespec.tracking.writing.client_writer import ClientWriter
    writer = ClientWriter.open(recorder.tracking_uri, log=root / "log.txt")
    logging.getLogger("mlflow.store").warning("a word of mlflow")
    logging.getLogger("alembic.runtime").warning("a word of alembic")
    writer.close()
    print(sorted(name for name in os.environ if name.startswith("MLFLOW_HTTP")))
    """
    )
    done = run_python(code, str(tmp_path), XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert (done.stdout, done.stderr) == ("1\n[]\n", "")
    log = (tmp_path / "log.txt").read_text()
    assert "Creating initial MLflow database tables" in log
    assert "a word of mlflow" in log
    assert "a word of alembic" in log


def test_a_folder_that_cannot_be_written_is_told_at_once(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreUnavailableError, match=r"[Nn]ot a directory|File exists"):
        Recorder.open("sqlite:///file/mlflow.db", root=tmp_path, log=tmp_path / "log.txt")


# ------------------------------------------------------------------------------------------- a start


def test_a_started_run_bears_everything_but_its_key(world):
    started = world.start(
        "train[depth=4]",
        params={
            "model": {"epochs": 3, "rate": 0.005},
            "shuffle": True,
            "names": ["a", 1],
            "none": None,
            "empty": {},
        },
        tags={"team": "nlp", "pipespec.tag.model": "1"},
        description="Trains it.",
        invocation="f" * 32,
        label="seed=1",
        source="pipelines/news.yaml",
        git_commit="c0ffee",
    )
    run = world.client.get_run(started.run_id)
    assert run.info.status == "RUNNING"
    assert re.fullmatch(NAMED, run.info.run_name)
    assert run.info.start_time / 1000 == started.started
    assert run.data.params == {
        "model.epochs": "3",
        "model.rate": "0.005",
        "shuffle": "True",
        "names": "['a', 1]",
        "none": "None",
        "empty": "{}",
    }
    tags = dict(run.data.tags)
    assert tags.pop("mlflow.runName") == run.info.run_name
    assert Owner.parse(tags.pop("mlflow.pipespec.owner")) == Owner.here()
    assert tags.pop("mlflow.user")
    assert tags == {
        "pipespec.pipeline": "world",
        "pipespec.step": "world-train[depth=4]",
        f"mlflow.{record_names.name_tag('world-train')}": "1",
        "mlflow.pipespec.call": "shop.model:train",
        "mlflow.pipespec.invocation": "f" * 32,
        "mlflow.pipespec.lease": "0",
        f"mlflow.{record_names.key_tag(world.key('one'))}": "1",
        "team": "nlp",
        "pipespec.tag.model": "1",
        "mlflow.note.content": "Trains it.",
        "mlflow.source.name": "pipelines/news.yaml",
        "mlflow.source.type": "LOCAL",
        "mlflow.source.git.commit": "c0ffee",
    }


def test_a_published_run_bears_the_params_upstream_beside_its_own_and_says_whose_they_are(world):
    started = world.start(params={"seed": 1})
    world.client.log_param(started.run_id, "split.share", "the function's own")
    inputs = {
        "examples": [{"step": "split", "output": "train", "run_id": "a" * 32, "digest": "b" * 64}],
        "query": {"external": "news/articles.sql", "digest": "c" * 64, "bytes": 3},
    }
    upstream = {"split.seed": "0", "split.share": "0.25", "titles.column": "title"}
    outcome = world.outcome(started, {"t.csv": b"1"}, {f"m{number}": 1.0 for number in range(900)})
    world.recorder.publish(started, outcome, manifest={"inputs": inputs, "upstream": upstream})
    run = facts(world, started)
    assert run.params == {**upstream, "seed": "1", "split.share": "the function's own"}
    assert run.tags["pipespec.upstream"] == "split, titles"
    assert len(run.metrics) == 902
    assert decode_inputs(run.tags["pipespec.inputs"]) == (
        ReadInput("examples", "train", "b" * 16, "a" * 32),
        ReadInput("query", "news/articles.sql", "c" * 16),
    )


def test_mlflows_page_shows_at_most_five_tags_of_ours_beside_the_words_of_a_step(world):
    invocation = world.recorder.start_invocation(
        NewInvocation("world", "pipespec run", tags={"pipespec.sweep.params.a": "1,2"})
    )
    started = world.start(tags={"pipespec.point": "a=1"}, invocation=invocation.run_id)
    outcome = replace(world.outcome(started, {"t.csv": b"1"}))
    world.recorder.publish(started, outcome, manifest={"inputs": {}, "upstream": {"split.seed": "0"}})

    def shown(run_id: str) -> list[str]:
        tags = world.client.get_run(run_id).data.tags
        return sorted(tag for tag in tags if not tag.startswith("mlflow."))

    assert shown(started.run_id) == [
        "pipespec.key", "pipespec.manifest", "pipespec.pipeline", "pipespec.step", "pipespec.upstream",
    ]  # fmt: skip
    assert shown(invocation.run_id) == ["pipespec.command", "pipespec.pipeline", "pipespec.sweep.params.a"]


def test_experiments_are_described_by_what_makes_them(world):
    invocation = world.recorder.start_invocation(
        NewInvocation("world", "pipespec run", description="All of it.")
    )
    own = world.recorder.start(
        replace(world.new("train"), step="train", experiment="world/train", description="Trains it.")
    )
    shared = world.start(experiment="everything")

    def note(run) -> str:
        return world.client.get_experiment(run.experiment_id).tags["mlflow.note.content"]

    assert note(own) == "Runs of the step `train` of the pipeline `world`. Trains it."
    assert note(shared) == "Runs of steps of the pipeline `world`."
    assert note(invocation).startswith("Invocations of the pipeline `world`: ")
    assert note(invocation).endswith(" All of it.")


def test_a_run_lies_below_its_invocation_only_in_one_experiment(world):
    apart = world.start(invocation="f" * 32)
    together = world.start(invocation="f" * 32, experiment="world")
    assert "mlflow.parentRunId" not in facts(world, apart).tags
    assert facts(world, together).tags["mlflow.parentRunId"] == "f" * 32


def test_params_of_any_name_and_length_are_taken(world):
    started = world.start(
        params={
            "a=b?": 1,
            "..": 2,
            "/x": 3,
            "a_b_": 4,
            "k" * 300: 5,
            "nested": {"nested.deep": 6},
            "nested.nested.deep": 7,
            "long": "v" * 7000,
            "odd": "\ud800 and \0",
            **{f"p{number}": number for number in range(150)},
        }
    )
    params = facts(world, started).params
    assert len(params) == 159
    assert params["a_b_"] == "1"
    assert params["a_b__2"] == "4"
    assert (params["nested.nested.deep"], params["nested.nested.deep_2"]) == ("6", "7")
    assert len(params["long"]) == 6000
    assert params["long"].endswith("... (cut, 7000 characters)")
    assert params["odd"] == "\\ud800 and \\x00"
    assert {"2", "3", "5"} <= set(params.values())


def test_experiments_keep_artifacts_beside_the_database(world):
    started = world.start()
    experiment = world.client.get_experiment(started.experiment_id)
    assert experiment.name == "world/train"
    assert experiment.artifact_location == (world.root / "mlartifacts" / "world-train").as_uri()
    assert started.artifact_uri == f"{experiment.artifact_location}/{started.run_id}/artifacts"


def test_experiments_keep_artifacts_where_the_pipeline_says(project, tmp_path, make_world):
    recorder = Recorder.open(None, root=project, log=project / "log.txt", artifact_location="../elsewhere")
    world = make_world(project, recorder, lambda: open_ledger(None, root=project))
    record = world.publish()
    assert (tmp_path / "elsewhere" / "world-train" / record.run_id / "artifacts" / "table.csv").is_file()
    assert world.ledger().complete([world.key("one")]) == {world.key("one"): record}
    world.close()


def test_a_deleted_experiment_is_never_restored(world):
    first = world.start()
    world.client.delete_experiment(first.experiment_id)
    again = world.reopened()
    second = again.start(world.new())
    assert world.client.get_experiment(second.experiment_id).name == "world/train~2"
    world.client.delete_experiment(second.experiment_id)
    again.close()
    again = world.reopened()
    third = again.start(world.new())
    assert world.client.get_experiment(third.experiment_id).name == "world/train~3"
    assert world.client.get_experiment(first.experiment_id).lifecycle_stage == "deleted"
    again.close()


# ------------------------------------------------------------------------------------ the end of a run


def test_a_published_run_has_its_key(world):
    started = world.start()
    log = world.root / "step.log"
    log.write_text("what the step said\n")
    record = world.recorder.publish(
        started,
        world.outcome(started, {"table.csv": b"a,b\n"}, {"accuracy": 0.5}),
        manifest={"inputs": {}},
        generation=2,
        log=log,
    )
    run = facts(world, started)
    manifest = (world.folder(record) / "pipespec/step.json").read_bytes()
    new = {tag: value for tag, value in run.tags.items() if tag not in world_tags(world)}
    assert new == {
        "pipespec.key": world.key("one"),
        "pipespec.generation": "2",
        "pipespec.inputs": "[]",
        "pipespec.manifest": hashlib.sha256(manifest).hexdigest(),
        "pipespec.outputs": json.dumps(
            {
                "table": {
                    "digest": record.outputs["table"].digest,
                    "bytes": 4,
                    "files": 1,
                    "file": "table.csv",
                }
            },
            separators=(",", ":"),
        ),
    }
    assert (run.status, run.ended) == ("FINISHED", record.ended)
    assert (world.folder(record) / "pipespec/log.txt").read_text() == "what the step said\n"
    assert sorted(
        str(path.relative_to(world.folder(record))) for path in world.folder(record).rglob("*.*")
    ) == [
        "pipespec/log.txt",
        "pipespec/step.json",
        "table.csv",
    ]
    assert log.is_file()


def world_tags(world) -> set[str]:
    return {*facts(world, world.start("other", "other")).tags, record_names.key_tag(world.key("one"))} | {
        record_names.name_tag("world-train")
    }


def test_a_failed_run_keeps_its_log_its_error_and_what_it_tried(world):
    started = world.start()
    log = world.root / "step.log"
    log.write_text("half way\n")
    failure = Failure("raised", "ValueError: no such column", "  File news.py, line 3\n")
    world.recorder.fail(started, failure, log=log)
    run = facts(world, started)
    folder = Path(started.artifact_uri.removeprefix("file://"))
    assert (run.status, run.ended is not None) == ("FAILED", True)
    assert record_names.key_tag(world.key("one")) in run.tags
    assert (folder / "pipespec/log.txt").read_text() == "half way\n"
    assert (folder / "pipespec/error.txt").read_text() == (
        "raised: ValueError: no such column\n\n  File news.py, line 3\n"
    )
    world.recorder.fail(world.start("other"), Failure("cancelled", "interrupted"), status="KILLED")
    assert world.ledger().attempts(["world-other"])["world-other"].status == "KILLED"


def test_a_run_is_ended_even_where_its_log_cannot_be_kept(world):
    started = world.start()
    folder = Path(started.artifact_uri.removeprefix("file://"))
    folder.parent.mkdir(parents=True)
    folder.write_text("in the way")
    (world.root / "step.log").write_text("x")
    world.recorder.fail(started, Failure("raised", "no"), log=world.root / "step.log")
    assert facts(world, started).status == "FAILED"


def test_the_beginning_and_the_end_of_a_long_log_are_kept(world, monkeypatch):
    monkeypatch.setattr("pipespec.tracking.writing.log_excerpt._PART", 10)
    started = world.start()
    log = world.root / "step.log"
    log.write_text("beginning." + "x" * 100 + "the end...")
    world.recorder.fail(started, Failure("raised", "no"), log=log)
    kept = Path(started.artifact_uri.removeprefix("file://"), "pipespec/log.txt").read_text()
    assert kept == "beginning.\n... (100 bytes left out) ...\nthe end..."


def test_a_param_that_user_code_logged_first_does_not_make_our_batch_fail(world):
    started = world.start(params={"epochs": 3})
    world.client.log_param(started.run_id, "rounds", "7")
    with pytest.raises(Exception, match="Changing param values"):
        world.client.log_param(started.run_id, "epochs", "4")
    record = world.recorder.publish(started, world.outcome(started, {"t.csv": b"1"}), manifest={})
    assert facts(world, started).params == {"epochs": "3", "rounds": "7"}
    assert world.ledger().complete([world.key("one")]) == {world.key("one"): record}


def test_a_run_that_was_deleted_meanwhile_is_an_error_of_one_line(world):
    started = world.start()
    outcome = world.outcome(started, {"t.csv": b"1"})
    world.client.delete_run(started.run_id)
    with pytest.raises(PipespecError, match="must be in the 'active' state") as refused:
        world.recorder.publish(started, outcome, manifest={})
    assert "\n" not in str(refused.value)
    assert not isinstance(refused.value, StoreUnavailableError)


def test_a_store_that_breaks_while_it_is_written_is_said_to_be_unavailable(world, monkeypatch):
    started = world.start()
    holder = sqlite3.connect(world.root / "mlflow.db", isolation_level=None)
    holder.execute("ALTER TABLE tags RENAME TO taken")
    holder.close()
    with pytest.raises(StoreUnavailableError, match="no such table") as refused:
        world.recorder.heartbeat([started])
    assert "\n" not in str(refused.value)


def test_an_executed_step_costs_few_calls_of_mlflows_client(world_of_client, monkeypatch):
    world = world_of_client
    world.publish("train", "warm up")
    store = world.recorder._writer._session.client._tracking_client.store
    calls: list[str] = []
    for name in (
        "create_run",
        "log_batch",
        "set_tag",
        "delete_tag",
        "update_run_info",
        "get_run",
        "get_experiment",
        "get_experiment_by_name",
        "search_runs",
        "log_param",
        "log_metric",
    ):
        original = getattr(store, name)
        spied = lambda *given, _name=name, _original=original, **more: (
            calls.append(_name),
            _original(*given, **more),
        )[1]
        monkeypatch.setattr(store, name, spied)
    world.publish("train", "one", params={"epochs": 3}, metrics={"accuracy": 1.0})
    # create_run looks at its experiment by itself.
    assert [name for name in calls if name != "get_experiment"] == [
        "create_run",
        "log_batch",
        "log_batch",
        "update_run_info",
    ]
    calls.clear()
    world.publish("train", key=None)
    assert [name for name in calls if name != "get_experiment"] == [
        "create_run",
        "log_batch",
        "update_run_info",
    ]


def test_asynchronous_logging_is_for_users_and_not_for_records(world_of_client, monkeypatch):
    world = world_of_client
    monkeypatch.setenv("MLFLOW_ENABLE_ASYNC_LOGGING", "true")
    store = type(world.recorder._writer._session.client._tracking_client.store)
    monkeypatch.setattr(store, "log_batch_async", lambda *_, **__: pytest.fail("was put off"))
    record = world.publish(params={"epochs": 3})
    world.recorder.heartbeat([world.start("train", "two")])
    assert world.ledger().complete([world.key("one")]) == {world.key("one"): record}


@pytest.mark.parametrize(
    ("point", "complete"),
    [
        ("run.before-create", False),
        ("run.after-create", False),
        ("run.after-params", False),
        ("publish.after-upload", False),
        ("publish.after-manifest", False),
        ("publish.before-batch", False),
        ("publish.after-batch", False),
        ("publish.after-finish", True),
    ],
)
def test_a_process_killed_at_any_point_has_published_all_or_nothing(world, monkeypatch, point, complete):
    world.publish("train", "warm up")
    pid = os.fork()
    if pid == 0:
        from pipespec.tracking.writing.user_logging import _drop_inherited_connections

        try:
            _drop_inherited_connections()
            monkeypatch.setattr(fault_points, "_ARMED", (point, 1, "kill9"))
            monkeypatch.setattr(fault_points, "_passed", 0)
            world.recorder = world.reopened()
            world.publish(params={"epochs": 3})
        finally:
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
    key = world.key("one")
    ledger = world.ledger()
    assert (key in ledger.complete([key])) == complete
    left = ledger.running()
    # Where a start is one transaction, nothing of it is there before its end.
    nothing = ("run.before-create", "run.after-create") if world.kind == "sqlite" else ("run.before-create",)
    assert len(left) == (0 if complete or point in nothing else 1)
    assert settle(world, left) == tuple(run.run_id for run in left)
    # All of the result is there but its end, where that is a write of its own.
    is_whole = complete or (point == "publish.after-batch" and world.kind == "client")
    assert (key in world.ledger().complete([key])) == is_whole
    again = world.publish(generation=1)
    assert world.ledger().complete([key]) == {key: again}


def test_a_run_that_was_deleted_is_no_obstacle_to_sweeping_the_others(world):
    gone, left = world.start(), world.start()
    claims = [
        replace(claim, owner=str(replace(Owner.here(), started="1")))
        for claim in world.ledger().claims(world.key("one"))
    ]
    world.client.delete_run(gone.run_id)
    assert set(settle(world, claims)) == {gone.run_id, left.run_id}
    assert world.ledger().run(left.run_id).status == "KILLED"


# ------------------------------------------------------------------------------------ other processes


def test_of_two_claims_every_process_sees_the_same_one_first(world):
    first, second = world.start(), world.start()
    claims = world.ledger().claims(world.key("one"))
    ahead = [claim.run_id for claim in claims]
    assert set(ahead) == {first.run_id, second.run_id}
    assert contenders(claims, ahead[0]) == ()
    assert [claim.run_id for claim in contenders(claims[::-1], ahead[1])] == ahead[:1]
    assert [claim.run_id for claim in contenders(claims, "0" * 32)] == ahead


def test_a_heartbeat_renews_the_leases_of_its_runs(world):
    one, two = world.start(), world.start("other")
    world.recorder.heartbeat([one])
    world.recorder.heartbeat([one])
    assert facts(world, one).tags["pipespec.lease"] == "2"
    assert facts(world, two).tags["pipespec.lease"] == "0"


def test_the_run_of_a_process_that_is_gone_is_marked_killed_at_once(world):
    code = """
        import os, sys
        from pathlib import Path
        from pipespec.tracking.started_run import NewAttempt
        from pipespec.tracking.writing.recorder import Recorder
        recorder = Recorder.open(None, root=Path(sys.argv[1]), log=Path(sys.argv[1]) / "log.txt")
        print(recorder.start(NewAttempt("world", "world-train", "m:f", "world/train", sys.argv[2])).run_id, flush=True)
        os.kill(os.getpid(), 9)
    """
    dead = run_python(code, str(world.root), world.key("one")).stdout.strip()
    mine = world.start()
    claims = world.ledger().claims(world.key("one"))
    assert {claim.run_id for claim in claims} == {dead, mine.run_id}
    assert settle(world, claims) == (dead,)
    assert world.ledger().run(dead).status == "KILLED"
    assert [claim.run_id for claim in world.ledger().claims(world.key("one"))] == [mine.run_id]
    assert settle(world, world.ledger().running()) == ()


def test_a_process_is_told_by_more_than_its_number(world):
    started = world.start()
    (claim,) = world.ledger().claims(world.key("one"))
    here = Owner.here()
    judge = leases.Leases()
    assert not judge.has_died(claim)
    assert judge.has_died(replace(claim, owner=str(replace(here, started="1"))))
    assert judge.has_died(replace(claim, owner=str(replace(here, pid=2**22 + 1))))
    assert not judge.has_died(replace(claim, status="FINISHED", owner=str(replace(here, started="1"))))
    assert started.run_id == claim.run_id


@pytest.mark.parametrize("owner", ["", "{", "[]", '{"pid": 1}', "elsewhere"])
def test_a_process_elsewhere_is_dead_when_its_lease_stands_still_for_thirty_seconds(world, owner):
    world.start()
    (claim,) = world.ledger().claims(world.key("one"))
    if owner == "elsewhere":
        owner = str(replace(Owner.here(), host="elsewhere", pid=1))
    now = [1000.0]
    judge = leases.Leases(clock=lambda: now[0])
    theirs = replace(claim, owner=owner)
    assert not judge.has_died(theirs)
    now[0] += 29
    assert not judge.has_died(theirs)
    renewed = replace(theirs, lease="1")
    now[0] += 2
    assert not judge.has_died(renewed)
    now[0] += 29
    assert not judge.has_died(renewed)
    now[0] += 1
    assert judge.has_died(renewed)


# --------------------------------------------------------------------------------------- invocations


def test_an_invocation_has_a_run_of_its_own_with_what_was_run(world):
    started = world.recorder.start_invocation(
        NewInvocation(
            pipeline="world",
            command="pipespec run news.yaml",
            files={"pipespec/pipeline.yaml": "name: world\n", "pipespec/git.patch": "día\n"},
            tags={"team": "nlp"},
            description="Classify news.",
            source="news.yaml",
            git_commit="c0ffee",
        )
    )
    (running,) = world.ledger().running("world")
    assert (running.run_id, running.step, running.status) == (started.run_id, "", "RUNNING")
    world.recorder.finish_invocation(
        started, status="FINISHED", files={"pipespec/report.json": "{}"}, metrics={"pipespec.seconds": 2.0}
    )
    run = facts(world, started)
    folder = Path(started.artifact_uri.removeprefix("file://"))
    assert world.client.get_experiment(started.experiment_id).name == "world"
    assert (run.status, run.metrics) == ("FINISHED", {"pipespec.seconds": 2.0})
    assert (run.tags["pipespec.command"], run.tags["team"]) == ("pipespec run news.yaml", "nlp")
    assert run.tags["mlflow.note.content"] == "Classify news."
    assert {path.name: path.read_text() for path in (folder / "pipespec").iterdir()} == {
        "pipeline.yaml": "name: world\n",
        "git.patch": "día\n",
        "report.json": "{}",
    }


def test_an_outcome_with_a_failure_is_never_published(world):
    started = world.start()
    outcome = StepOutcome(started.step, 1.0, failure=Failure("raised", "no"))
    with pytest.raises(AssertionError):
        world.recorder.publish(started, outcome, manifest={})
    assert facts(world, started).status == "RUNNING"
