"""What every Ledger promises, however it reads: from the file, through MLflow's client, from a server."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipespec.errors import PipespecError
from pipespec.plan.records import OutputRecord
from pipespec.step.step_job import Failure
from pipespec.tracking import record_names
from pipespec.tracking.reading.mlflow_search import MlflowSearch
from pipespec.tracking.reading.open_ledger import open_ledger
from pipespec.tracking.reading.searching_ledger import SearchingLedger
from pipespec.tracking.started_run import NewInvocation
from pipespec.tracking.writing.recorder import Recorder

SERVERS = ("mlflow_on_sqlite", "mlflow_on_postgres", "mlflow_on_s3")
"""Tracking servers, which hand out artifacts: of a folder, or of S3 behind them."""
FAR = (*SERVERS, "artifacts_in_s3")
"""Where artifacts are not in a folder here."""


@pytest.fixture(params=["file", "client", *(pytest.param(name, marks=pytest.mark.servers) for name in FAR)])
def world(request: pytest.FixtureRequest, project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    kind = request.param
    uri = request.getfixturevalue(kind).url if kind in SERVERS else f"sqlite:///{project}/mlflow.db"
    location = None
    if kind == "artifacts_in_s3":
        bucket = request.getfixturevalue("bucket")
        location = f"{bucket.uri}/team/runs"
        for name, value in bucket.environment.items():
            monkeypatch.setenv(name, value)
    log = project / "log.txt"
    recorder = Recorder.open(uri, root=project, log=log, artifact_location=location)
    if kind == "client":
        reader = lambda: SearchingLedger(uri, root=project, search=MlflowSearch(uri, log))
    else:
        reader = lambda: open_ledger(uri, root=project, log=log)
    name = "w" + hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:8]
    made = request.getfixturevalue("make_world")(project, recorder, reader, name=name, kind=kind)
    yield made
    made.close()


@pytest.fixture
def local(world):
    if world.kind in FAR:
        pytest.skip("artifacts that are not local are looked at when they are read")
    return world


# ------------------------------------------------------------------------------ what counts as complete


def test_a_published_run_is_what_its_key_answers(world):
    record = world.publish(
        "train[depth=4]",
        files={"table.csv": b"a,b\n", "model/": b"xyz"},
        metrics={"accuracy": 0.5, "loss/val": -1e300},
        generation=3,
    )
    assert world.ledger().complete([world.key("one"), world.key("other")]) == {world.key("one"): record}
    assert record.step == f"{world.name}-train[depth=4]"
    assert record.generation == 3
    assert record.metrics == {
        "accuracy": 0.5,
        "loss/val": -1e300,
        "pipespec.seconds": 1.5,
        "pipespec.peak_bytes": 2048.0,
    }
    assert record.outputs["table"] == OutputRecord(
        digest=hashlib.sha256(b"a,b\n").hexdigest(), bytes=4, files=1, file="table.csv"
    )
    assert (record.outputs["model"].files, record.outputs["model"].bytes) == (2, 6)


def test_nothing_is_recorded_where_nothing_was_run(world):
    ledger = world.ledger()
    key, step = world.key("one"), f"{world.name}-train"
    assert ledger.complete([key]) == {}
    assert ledger.complete([]) == {}
    assert ledger.lost([key]) == {}
    assert set(ledger.finished_before([step])) == set()
    assert ledger.attempts([step]) == {}
    assert ledger.claims(key) == ()
    assert ledger.running(world.name) == ()
    assert ledger.generations([key]) == {}
    assert ledger.history([step]) == {}
    assert ledger.finished_runs(step) == ()
    assert ledger.run("0" * 32) is None
    assert ledger.runs_beginning("0" * 32) == ()


@pytest.mark.parametrize("status", ["RUNNING", "SCHEDULED", "FAILED", "KILLED"])
def test_only_finished_runs_count(world, status):
    record = world.publish()
    world.client.update_run(record.run_id, status=status)
    assert world.ledger().complete([world.key("one")]) == {}
    assert set(world.ledger().finished_before([f"{world.name}-train"])) == set()


def test_a_run_that_died_before_its_last_call_does_not_count(world):
    started = world.start()
    writer = world.recorder._writer
    # The process dies before FINISHED.
    writer.publish = lambda run_id, *, tags, **_: writer.set_tags(run_id, tags)
    world.recorder.publish(started, world.outcome(started, {"t.csv": b"1"}), manifest={})
    del writer.publish
    assert world.ledger().complete([world.key("one")]) == {}


def test_finished_by_a_hand_does_not_count(world):
    started = world.start()
    world.client.set_terminated(started.run_id)
    world.client.set_tag(started.run_id, record_names.KEY, world.key("one"))
    world.client.set_tag(started.run_id, record_names.key_tag(world.key("one")), "1")
    assert world.ledger().complete([world.key("one")]) == {}


def test_a_deleted_run_counts_again_when_it_is_restored(world):
    record = world.publish()
    world.client.delete_run(record.run_id)
    assert world.ledger().complete([world.key("one")]) == {}
    assert world.ledger().run(record.run_id) is None
    world.client.restore_run(record.run_id)
    assert world.ledger().complete([world.key("one")]) == {world.key("one"): record}


def test_runs_of_a_deleted_experiment_do_not_count(world):
    record = world.publish()
    experiment = world.client.get_run(record.run_id).info.experiment_id
    world.client.delete_experiment(experiment)
    ledger = world.ledger()
    assert ledger.complete([world.key("one")]) == {}
    assert ledger.attempts([record.step]) == {}
    assert ledger.run(record.run_id) is None


def test_a_key_copied_to_a_run_without_manifest_does_not_count(world):
    record = world.publish()
    copy = world.start("train", key=None)
    for tag, value in world.ledger().run(record.run_id).tags.items():
        if tag.startswith(record_names.KEY) or tag in (record_names.OUTPUTS, record_names.GENERATION):
            world.client.set_tag(copy.run_id, tag, value)
    world.client.set_terminated(copy.run_id)
    world.client.delete_run(record.run_id)
    assert world.ledger().complete([world.key("one")]) == {}


def test_all_tags_copied_to_a_run_without_files_do_not_count(local):
    record = local.publish()
    copy = local.start("train", key=None)
    for tag, value in local.ledger().run(record.run_id).tags.items():
        if not tag.startswith("mlflow."):
            local.client.set_tag(copy.run_id, tag, value)
    local.client.set_terminated(copy.run_id)
    local.client.delete_run(record.run_id)
    assert local.ledger().complete([local.key("one")]) == {}


def test_a_key_that_stands_in_one_tag_only_does_not_count(world):
    record = world.publish()
    world.client.set_tag(record.run_id, record_names.key_tag(world.key("other")), "1")
    assert world.ledger().complete([world.key("other")]) == {}
    world.client.set_tag(record.run_id, record_names.KEY, world.key("other"))
    assert set(world.ledger().complete([world.key("one"), world.key("other")])) == {world.key("other")}


def test_a_step_without_identity_is_recorded_and_answers_no_key(world):
    record = world.publish(key=None)
    ledger = world.ledger()
    assert record.key == ""
    assert ledger.attempts([record.step])[record.step].status == "FINISHED"
    assert set(ledger.finished_before([record.step])) == set()


def test_the_highest_generation_counts_and_in_it_the_earliest_to_end(world):
    zero = world.publish(generation=0)
    two = world.publish(generation=2)
    late = world.publish(generation=2)
    one = world.publish(generation=1)
    world.client.update_run(late.run_id, status="FINISHED")
    key = world.key("one")
    assert late.ended > two.ended
    assert world.ledger().complete([key])[key].run_id == two.run_id
    assert world.ledger().generations([key, world.key("other")]) == {key: 2}
    world.client.delete_run(two.run_id)
    assert world.ledger().complete([key])[key].run_id == late.run_id
    world.client.delete_run(late.run_id)
    assert world.ledger().complete([key])[key].run_id == one.run_id
    world.client.delete_run(one.run_id)
    assert world.ledger().complete([key])[key].run_id == zero.run_id


def test_a_run_that_a_later_generation_replaced_is_not_trusted_from_memory(world):
    key = world.key("one")
    old = world.publish()
    first = world.ledger()
    assert first.complete([key])[key].run_id == old.run_id
    first.close()
    started = world.start()
    new = world.recorder.publish(
        started,
        world.outcome(started, {"table.csv": b"c\n"}),
        manifest={},
        generation=1,
        supersedes=[old.run_id],
    )
    assert world.ledger().complete([key])[key].run_id == new.run_id


def test_an_accepted_key_is_answered_until_it_is_revoked(world):
    record = world.publish()
    world.recorder.accept(record, world.key("new"), who="Ada", why="only 'names' changed")
    assert world.ledger().complete([world.key("new")]) == {world.key("new"): record}
    assert world.ledger().complete([world.key("one")]) == {world.key("one"): record}
    own = world.publish(key="new")
    assert world.ledger().complete([world.key("new")])[world.key("new")].run_id == own.run_id
    world.client.delete_run(own.run_id)
    world.recorder.revoke(record.run_id, world.key("new"))
    assert world.ledger().complete([world.key("new")]) == {}


def test_an_accepted_answer_says_who_and_why(world):
    record, key = world.publish(), world.key("new")
    said = world.recorder.accept(record, key, who="Ada", why='it\'s "fine"\n{}')
    ledger = world.ledger()
    assert ledger.complete([key])[key].accepted == said
    assert (said.who, said.why) == ("Ada", 'it\'s "fine"\n{}')
    assert ledger.complete([world.key("one")])[world.key("one")].accepted is None
    assert [one.accepted for one in ledger.accepted([key, world.key("one")])[key]] == [said]
    assert set(ledger.accepted([key, world.key("one")])) == {key}
    assert ledger.generations([key]) == {}


def test_an_accepted_run_is_not_remembered_in_place_of_one_with_the_key(world):
    record, key = world.publish(), world.key("new")
    world.recorder.accept(record, key, who="Ada", why="the same")
    first = world.ledger()
    assert first.complete([key])[key].run_id == record.run_id
    first.close()  # what it learned is written down
    own = world.publish(key="new")
    assert world.ledger().complete([key])[key].run_id == own.run_id


def test_of_two_accepted_runs_one_counts_until_both_are_revoked(world):
    one, other, key = world.publish(), world.publish(key="two"), world.key("new")
    for record in (one, other):
        world.recorder.accept(record, key, who="Ada", why="the same")
    assert world.ledger().complete([key])[key].run_id == one.run_id
    assert [record.run_id for record in world.ledger().accepted([key])[key]] == [one.run_id, other.run_id]
    world.recorder.revoke(one.run_id, key)
    assert world.ledger().complete([key])[key].run_id == other.run_id
    world.recorder.revoke(other.run_id, key)
    assert world.ledger().complete([key]) == world.ledger().accepted([key]) == {}
    with pytest.raises(PipespecError, match="is no longer accepted for key"):
        world.recorder.revoke(other.run_id, key)


def test_a_revoked_run_keeps_each_time_it_was_said(world):
    record, key = world.publish(), world.key("new")
    for why in ("first", "second"):
        world.recorder.accept(record, key, who="Ada", why=why)
        world.recorder.revoke(record.run_id, key, why=f"not {why}")
    tags = world.ledger().run(record.run_id).tags
    assert [
        (one["why"], one["accepted"]["why"]) for one in json.loads(tags[record_names.revoked_tag(key)])
    ] == [
        ("not first", "first"),
        ("not second", "second"),
    ]
    assert record_names.accepted_tag(key) not in tags
    assert record_names.key_tag(key) not in tags


def test_an_acceptance_that_a_hand_wrote_counts_as_it_stands(world):
    record, key = world.publish(), world.key("new")
    world.client.set_tag(record.run_id, record_names.accepted_tag(key), "because")
    assert world.ledger().complete([key]) == {}
    world.client.set_tag(record.run_id, record_names.key_tag(key), "1")
    found = world.ledger().complete([key])[key].accepted
    assert (found.who, found.why, found.when) == ("somebody", "because", 0.0)


# ----------------------------------------------------------------------------------- texts and limits


def test_names_and_values_of_any_spelling_come_back(world):
    step = """it's "quoted".dotted' AND tags.x = 'y"""
    record = world.publish(
        step,
        experiment=f"{world.name}/quotes",
        params={"quote": """a'b"c""", "text": "日本語 \n\t"},
        metrics={"nan": math.nan},
    )
    ledger = world.ledger()
    key = world.key("one")
    found = ledger.complete([key])[key]
    assert (found.step, found.outputs) == (record.step, record.outputs)
    assert math.isnan(found.metrics["nan"])
    assert set(ledger.finished_before([record.step, "it's"])) == {record.step}
    assert list(ledger.attempts([record.step])) == [record.step]
    facts = ledger.run(record.run_id)
    assert facts.params == {"quote": """a'b"c""", "text": "日本語 \n\t"}


def test_an_id_longer_than_a_tag_is_still_found(world):
    step = f"train[text={'x' * 9000}]"
    record = world.publish(step, description="d" * 9000, tags={"team": "t" * 9000})
    ledger = world.ledger()
    facts = ledger.run(record.run_id)
    assert list(ledger.attempts([record.step])) == [record.step]
    assert len(facts.tags["team"]) == 8000
    assert facts.tags["team"].endswith("... (cut, 9000 characters)")
    assert len(facts.tags["mlflow.note.content"]) == 8000


def test_outputs_too_many_for_a_tag_are_read_from_the_manifest(world):
    record = world.publish(files={f"table_{number}.csv": b"x" * number for number in range(100)})
    ledger = world.ledger()
    key = world.key("one")
    assert record_names.OUTPUTS not in ledger.run(record.run_id).tags
    assert ledger.complete([key]) == {key: record}


# ----------------------------------------------------------------------------------------- artifacts


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda folder: (folder / "table.csv").unlink(), "output 'table': 'table.csv' no longer exists"),
        (
            lambda folder: (folder / "table.csv").write_bytes(b"cut"),
            "output 'table': 'table.csv' has 3 bytes, not 4",
        ),
        (
            lambda folder: [(folder / "table.csv").unlink(), (folder / "table.csv").mkdir()],
            "output 'table': 'table.csv' is no longer a file",
        ),
        (
            lambda folder: (folder / "model/sub/b.bin").unlink(),
            "output 'model': 'model/' has 1 file, not 2",
        ),
        (lambda folder: shutil.rmtree(folder / "model"), "output 'model': 'model/' no longer exists"),
        (lambda folder: (folder / "pipespec/step.json").unlink(), "'pipespec/step.json' no longer exists"),
        (shutil.rmtree, "'pipespec/step.json' no longer exists"),
    ],
)
def test_a_run_whose_files_are_gone_or_altered_does_not_count_and_says_so(local, damage, said):
    record = local.publish(files={"table.csv": b"a,b\n", "model/": b"xyz"})
    damage(local.folder(record))
    ledger = local.ledger()
    key = local.key("one")
    assert ledger.complete([key]) == {}
    assert ledger.lost([key, local.key("other")]) == {key: said}
    assert ledger.generations([key]) == {key: 0}


def test_where_the_newest_files_are_lost_no_older_run_counts(local):
    local.publish(generation=0)
    new = local.publish(generation=1)
    shutil.rmtree(local.folder(new))
    ledger = local.ledger()
    key = local.key("one")
    assert ledger.complete([key]) == {}
    assert ledger.lost([key]) == {key: "'pipespec/step.json' no longer exists"}


def test_a_run_that_a_reader_refused_does_not_count_nor_does_an_older_one(world):
    world.publish(generation=0)
    new = world.publish(generation=1)
    world.recorder.mark_damaged(new.run_id, "step 'b' refused it: input 'a'")
    ledger = world.ledger()
    key = world.key("one")
    assert ledger.complete([key]) == {}
    assert ledger.lost([key]) == {key: f"run {new.run_id}: step 'b' refused it: input 'a'"}
    assert ledger.generations([key]) == {key: 1}


def test_where_one_of_two_runs_of_a_generation_was_refused_the_other_counts(world):
    one, other = world.publish(generation=1), world.publish(generation=1)
    world.recorder.mark_damaged(one.run_id, "step 'b' refused it")
    key = world.key("one")
    assert world.ledger().complete([key])[key].run_id == other.run_id


def test_an_outputs_tag_that_a_hand_changed_makes_its_run_incomplete(world):
    record = world.publish()
    key = world.key("one")
    for damaged in ("", "{", "[]", '{"t": 1}', '{"t": {"digest": "a", "bytes": 1, "files": 1}}'):
        world.client.set_tag(record.run_id, record_names.stored(record_names.OUTPUTS), damaged)
        ledger = world.ledger()
        assert ledger.complete([key]) == {}
        assert record.run_id in ledger.lost([key])[key]
    escaping = '{"t": {"digest": "a", "bytes": 1, "files": 1, "file": "../../secret"}}'
    world.client.set_tag(record.run_id, record_names.stored(record_names.OUTPUTS), escaping)
    assert world.ledger().complete([key]) == {}


def spelt_as_before(world, run_id: str) -> None:
    """Spell all tags of a run as earlier versions did."""
    for tag, value in world.client.get_run(run_id).data.tags.items():
        if tag.startswith("mlflow.pipespec."):
            world.client.set_tag(run_id, tag.removeprefix("mlflow."), value)
            world.client.delete_tag(run_id, tag)


def test_records_of_earlier_versions_count_as_those_of_today(world):
    old, key = world.publish(metrics={"accuracy": 0.5}), world.key("one")
    spelt_as_before(world, old.run_id)
    new = world.publish("train", "two", files={"t.csv": b"2"})
    ledger = world.ledger()
    assert ledger.complete([key, world.key("two")]) == {key: old, world.key("two"): new}
    step = record_names.declared(old.step)
    assert ledger.finished_before([step]) == {step}
    assert [run.run_id for run in ledger.finished_runs(step)] == [new.run_id, old.run_id]
    assert len(ledger.history([step])[step]) == 2
    assert ledger.attempts([old.step])[old.step].run_id == new.run_id
    assert ledger.generations([key]) == {key: 0}

    another = world.key("another")
    world.recorder.accept(old, another, who="Ada", why="the same")
    assert world.ledger().complete([another])[another].run_id == old.run_id
    world.recorder.revoke(old.run_id, another)
    assert world.ledger().complete([another]) == {}
    world.recorder.mark_damaged(old.run_id, "cut short")
    ledger = world.ledger()
    assert ledger.complete([key]) == {}
    assert "cut short" in ledger.lost([key])[key]
    assert not [
        tag for tag in world.client.get_run(old.run_id).data.tags if tag.startswith("mlflow.pipespec.")
    ]


def test_runs_are_read_by_their_ids_however_many(world):
    records = [world.publish("train", name) for name in ("a", "b")]
    ids = [record.run_id for record in records]
    found = world.ledger().runs([*ids, "0" * 32])
    assert {run_id: run.tags[record_names.STEP] for run_id, run in found.items()} == {
        record.run_id: record.step for record in records
    }
    assert world.ledger().runs([]) == {}


def test_runs_of_a_step_are_those_of_one_pipeline_that_finished(world):
    mine = world.publish("train", "a")
    world.publish("train", "b", pipeline=f"{world.name} 'other'")
    without_key = world.publish("train", None)
    world.recorder.fail(world.start("train", "c"), Failure("raised", "no"))
    step = record_names.declared(mine.step)
    found = world.ledger().step_runs(step, world.name)
    assert [run.run_id for run in found] == [without_key.run_id, mine.run_id]
    assert [run.run_id for run in world.ledger().step_runs(step, world.name, latest=1)] == [
        without_key.run_id
    ]
    assert len(world.ledger().step_runs(step, f"{world.name} 'other'")) == 1


def test_invocations_are_those_of_one_pipeline_that_ended(world):
    recorder = world.recorder
    one, two, running = (
        recorder.start_invocation(NewInvocation(world.name, "pipespec run", params={"depth": depth}))
        for depth in "123"
    )
    recorder.start_invocation(NewInvocation(f"{world.name}-other", "pipespec run"))
    recorder.finish_invocation(one, status="FINISHED", files={}, metrics={"accuracy": 0.5})
    recorder.finish_invocation(two, status="FAILED", files={})
    found = world.ledger().invocations(world.name)
    assert {run.run_id: (run.status, run.params, run.metrics) for run in found} == {
        one.run_id: ("FINISHED", {"depth": "1"}, {"accuracy": 0.5}),
        two.run_id: ("FAILED", {"depth": "2"}, {}),
    }
    recorder.finish_invocation(running, status="KILLED", files={})


def test_runs_are_found_by_a_tag_of_a_users(world):
    name = f"baseline of {world.name}"
    good, gone, other = (world.publish("train", key) for key in ("a", "b", "c"))
    world.recorder.mark(good.run_id, {name: "abc"})
    world.recorder.mark(gone.run_id, {name: "abd"})
    world.client.delete_run(gone.run_id)
    ledger = world.ledger()
    assert [run.run_id for run in ledger.marked(name)] == [good.run_id]
    assert [run.run_id for run in ledger.marked(name, "ab")] == [good.run_id]
    assert ledger.marked(name, "abd") == ()
    assert [run.run_id for run in ledger.marked(name, deleted=True)] == [gone.run_id]
    assert other.run_id in {run.run_id for run in ledger.published()}
    world.recorder.unmark(good.run_id, name)
    assert world.ledger().marked(name) == ()
    for refused in ("a'b", "a`b", 'a"b', ""):
        with pytest.raises(ValueError, match="no name of a tag"):
            ledger.marked(refused)


def test_the_manifest_says_what_was_made(world):
    record = world.publish(files={"model/": b"xyz"}, metrics={"nan": math.nan, "accuracy": 1.0})
    manifest = world.ledger().manifest(record)
    output = record.outputs["model"]
    part = hashlib.sha256(b"xyz").hexdigest()
    assert manifest == {
        "parts": {"call": "shop.model:train"},
        "format": 1,
        "run_id": record.run_id,
        "step": record.step,
        "key": world.key("one"),
        "generation": 0,
        "seconds": 1.5,
        "outputs": {
            "model": {
                "digest": output.digest,
                "bytes": 6,
                "files": 2,
                "file": "model/",
                "manifest": {"a.bin": part, "sub/b.bin": part},
            }
        },
        "metrics": {"nan": "nan", "accuracy": 1.0},
    }


def test_a_manifest_that_is_gone_or_altered_is_refused(world):
    record = world.publish()
    elsewhere = replace(record, artifact_uri=record.artifact_uri.replace("artifacts", "missing"))
    if world.kind in SERVERS:
        elsewhere = replace(record, artifact_uri=record.artifact_uri + "/missing")
    with pytest.raises(PipespecError, match="cannot be used: it no longer exists"):
        world.ledger().manifest(elsewhere)
    world.client.log_text(record.run_id, '{"outputs": {}}', record_names.MANIFEST_FILE)
    with pytest.raises(PipespecError, match="was changed"):
        world.ledger().manifest(record)
    with pytest.raises(PipespecError, match="cannot be used"):
        world.ledger().manifest(replace(record, run_id="0" * 32))


# ------------------------------------------------------------------------------- attempts and history


def test_attempts_are_the_latest_run_of_each_variant_in_any_state(world):
    world.publish("train[depth=4]", "four")
    failed = world.start("train[depth=4]", "four")
    world.recorder.fail(failed, Failure("raised", "ValueError: no"))
    eight = world.publish("train[depth=8]", "eight", metrics={"accuracy": 0.5})
    going = world.start("other", "other")
    ids = [failed.step, eight.step, going.step, f"{world.name}-never"]
    found = world.ledger().attempts(ids)
    assert {step: (one.run_id, one.status, one.key) for step, one in found.items()} == {
        failed.step: (failed.run_id, "FAILED", world.key("four")),
        eight.step: (eight.run_id, "FINISHED", world.key("eight")),
        going.step: (going.run_id, "RUNNING", world.key("other")),
    }
    assert found[eight.step].metrics["accuracy"] == 0.5
    assert found[failed.step].ended is not None
    assert found[going.step].ended is None
    assert found[going.step].owner == str(world.recorder._owner)


def test_deleted_runs_are_told_by_key_and_by_id(world):
    kept, gone, later = (
        world.publish("train", "one"),
        world.publish("train", "two"),
        world.publish("train", "two"),
    )
    before = time.time()
    for record in (gone, later):
        world.client.delete_run(record.run_id)
    keys = [world.key("one"), world.key("two"), world.key("never")]

    found = world.ledger().deleted(keys)
    by_id = world.ledger().deleted_runs([kept.run_id, gone.run_id, "0" * 32, "no id at all'"])

    assert {key: one.run_id for key, one in found.items()} == {world.key("two"): later.run_id}
    assert {run_id: one.run_id for run_id, one in by_id.items()} == {gone.run_id: gone.run_id}
    for one in (*found.values(), *by_id.values()):
        assert one.when is None or before - 1 <= one.when <= time.time() + 1
    assert world.ledger().deleted([]) == {}
    assert world.ledger().deleted_runs([]) == {}


def test_runs_of_ours_are_found_by_the_beginning_of_their_ids(world):
    published, running = world.publish(), world.start("other")
    deleted = world.start("third")
    world.client.delete_run(deleted.run_id)
    foreign = world.client.create_run(world.client.get_run(published.run_id).info.experiment_id)
    ledger = world.ledger()

    def found(prefix):
        return [run.run_id for run in ledger.runs_beginning(prefix)]

    assert (found(published.run_id[:12]), found(running.run_id[:31])) == (
        [published.run_id],
        [running.run_id],
    )
    assert (found(deleted.run_id[:12]), found(foreign.info.run_id[:12])) == ([], [])
    assert ledger.runs_beginning(published.run_id[:12]) == (ledger.run(published.run_id),)
    every = {run_id for digit in "0123456789abcdef" for run_id in found(digit)}
    assert {published.run_id, running.run_id} <= every


def test_all_runs_that_bear_a_tag_are_told_in_whatever_state(world):
    published, running = world.publish(), world.start("other")
    deleted = world.start("third")
    world.client.delete_run(deleted.run_id)
    foreign = world.client.create_run(world.client.get_run(published.run_id).info.experiment_id)
    ledger = world.ledger()

    found = {run.run_id: run for run in ledger.bearing(record_names.PIPELINE)}

    assert {published.run_id, running.run_id} <= found.keys()
    assert {deleted.run_id, foreign.info.run_id} & found.keys() == set()
    assert found[published.run_id] == ledger.run(published.run_id)
    assert {published.run_id, running.run_id} & {
        run.run_id for run in ledger.bearing(record_names.IMPORTED)
    } == set()


def test_attempts_can_be_of_one_pipeline(world):
    mine = world.start()
    theirs = world.start(pipeline=f"{world.name}-theirs")
    ledger = world.ledger()
    assert ledger.attempts([mine.step])[mine.step].run_id == theirs.run_id
    assert ledger.attempts([mine.step], world.name)[mine.step].run_id == mine.run_id
    assert ledger.attempts([mine.step], "nobody's") == {}


def test_attempts_can_be_of_finished_runs_with_a_key_or_without(world):
    kept = world.publish("train", key=None)
    world.recorder.fail(world.start("train", key=None), Failure("raised", "no"))
    world.start("other", key=None)
    steps = [f"{world.name}-train", f"{world.name}-other"]

    ledger = world.ledger()

    assert {step: one.status for step, one in ledger.attempts(steps).items()} == dict(
        zip(steps, ("FAILED", "RUNNING"), strict=True)
    )
    found = ledger.attempts(steps, world.name, finished=True)
    assert {step: one.run_id for step, one in found.items()} == {steps[0]: kept.run_id}


def test_claims_are_of_running_runs_the_earliest_first(world):
    first, second, third = world.start(), world.start(), world.start(key="other")
    ledger = world.ledger()
    both = sorted([first, second], key=lambda run: (run.started, run.run_id))
    assert [one.run_id for one in ledger.claims(world.key("one"))] == [run.run_id for run in both]
    world.recorder.fail(first, Failure("raised", "no"))
    world.recorder.publish(second, world.outcome(second, {}), manifest={})
    assert ledger.claims(world.key("one")) == ()
    assert [one.run_id for one in ledger.claims(world.key("other"))] == [third.run_id]
    assert [one.run_id for one in ledger.running(world.name)] == [third.run_id]


def test_history_is_of_complete_runs_the_newest_first(world):
    records = [world.publish(f"train[depth={depth}]", f"{depth}") for depth in range(3)]
    world.recorder.fail(world.start("train[depth=9]", "9"), Failure("raised", "no"))
    ledger = world.ledger()
    step = f"{world.name}-train"
    seconds = [pytest.approx(record.seconds, abs=0.002) for record in reversed(records)]
    assert list(ledger.history([step, "never"])) == [step]
    assert list(ledger.history([step])[step]) == seconds
    assert list(ledger.history([step], latest=2)[step]) == seconds[:2]
    assert set(ledger.finished_before([step, "never"])) == {step}


def test_finished_runs_come_with_params_and_metrics_to_compare(world):
    world.publish("train[depth=4]", "4", params={"depth": 4}, metrics={"accuracy": 0.5})
    world.publish("train[depth=8]", "8", params={"depth": 8}, metrics={"accuracy": 0.6})
    runs = world.ledger().finished_runs(f"{world.name}-train")
    assert [(run.params, run.metrics["accuracy"]) for run in runs] == [
        ({"depth": "8"}, 0.6),
        ({"depth": "4"}, 0.5),
    ]
    assert world.ledger().finished_runs(f"{world.name}-train", latest=1) == runs[:1]


def test_runs_of_a_pipeline_are_found_whatever_their_steps_are_called(world):
    first = world.publish("train", "1")
    second = world.publish("rest", "2")
    assert [run.run_id for run in world.ledger().finished_in(world.name)] == [second.run_id, first.run_id]
    assert [run.run_id for run in world.ledger().finished_in(world.name, latest=1)] == [second.run_id]
    assert world.ledger().finished_in("another pipeline") == ()
