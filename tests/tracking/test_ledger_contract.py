"""What every Ledger promises, however it reads: from the file, through MLflow's client, from a server."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipespec.errors import PipespecError
from pipespec.plan.model import OutputRecord
from pipespec.step.model import Failure
from pipespec.tracking import names
from pipespec.tracking.client_ledger import ClientLedger
from pipespec.tracking.ledger import open_ledger
from pipespec.tracking.recorder import Recorder

SERVERS = ("mlflow_on_sqlite", "mlflow_on_postgres")


@pytest.fixture(
    params=["file", "client", *(pytest.param(name, marks=pytest.mark.servers) for name in SERVERS)]
)
def world(request: pytest.FixtureRequest, project: Path) -> Iterator[Any]:
    kind = request.param
    uri = request.getfixturevalue(kind).url if kind in SERVERS else f"sqlite:///{project}/mlflow.db"
    log = project / "log.txt"
    recorder = Recorder.open(uri, root=project, log=log)
    if kind == "client":
        reader = lambda: ClientLedger(uri, root=project, log=log)
    else:
        reader = lambda: open_ledger(uri, root=project, log=log)
    name = "w" + hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:8]
    made = request.getfixturevalue("make_world")(project, recorder, reader, name=name, kind=kind)
    yield made
    made.close()


@pytest.fixture
def local(world):
    if world.kind in SERVERS:
        pytest.skip("a server's artifacts are looked at when they are read")
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


@pytest.mark.parametrize("status", ["RUNNING", "SCHEDULED", "FAILED", "KILLED"])
def test_only_finished_runs_count(world, status):
    record = world.publish()
    world.client.update_run(record.run_id, status=status)
    assert world.ledger().complete([world.key("one")]) == {}
    assert set(world.ledger().finished_before([f"{world.name}-train"])) == set()


def test_a_run_that_died_before_its_last_call_does_not_count(world):
    started = world.start()
    world.recorder._terminate = lambda run_id, status: 0.0  # the process dies before FINISHED
    world.recorder.publish(started, world.outcome(started, {"t.csv": b"1"}), manifest={})
    del world.recorder._terminate
    assert world.ledger().complete([world.key("one")]) == {}


def test_finished_by_a_hand_does_not_count(world):
    started = world.start()
    world.client.set_terminated(started.run_id)
    world.client.set_tag(started.run_id, names.KEY, world.key("one"))
    world.client.set_tag(started.run_id, names.key_tag(world.key("one")), "1")
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
        if tag.startswith(names.KEY) or tag in (names.OUTPUTS, names.GENERATION):
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
    world.client.set_tag(record.run_id, names.key_tag(world.key("other")), "1")
    assert world.ledger().complete([world.key("other")]) == {}
    world.client.set_tag(record.run_id, names.KEY, world.key("other"))
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
    with pytest.raises(PipespecError, match="is not accepted for key"):
        world.recorder.revoke(other.run_id, key)


def test_a_revoked_run_keeps_each_time_it_was_said(world):
    record, key = world.publish(), world.key("new")
    for why in ("first", "second"):
        world.recorder.accept(record, key, who="Ada", why=why)
        world.recorder.revoke(record.run_id, key, why=f"not {why}")
    tags = world.ledger().run(record.run_id).tags
    assert [(one["why"], one["accepted"]["why"]) for one in json.loads(tags[names.revoked_tag(key)])] == [
        ("not first", "first"),
        ("not second", "second"),
    ]
    assert names.accepted_tag(key) not in tags
    assert names.key_tag(key) not in tags


def test_an_acceptance_that_a_hand_wrote_counts_as_it_stands(world):
    record, key = world.publish(), world.key("new")
    world.client.set_tag(record.run_id, names.accepted_tag(key), "because")
    assert world.ledger().complete([key]) == {}
    world.client.set_tag(record.run_id, names.key_tag(key), "1")
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
    assert names.OUTPUTS not in ledger.run(record.run_id).tags
    assert ledger.complete([key]) == {key: record}


# ----------------------------------------------------------------------------------------- artifacts


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda folder: (folder / "table.csv").unlink(), "output 'table': 'table.csv' is gone"),
        (
            lambda folder: (folder / "table.csv").write_bytes(b"cut"),
            "output 'table': 'table.csv' has 3 bytes, not 4",
        ),
        (
            lambda folder: [(folder / "table.csv").unlink(), (folder / "table.csv").mkdir()],
            "output 'table': 'table.csv' is no file any more",
        ),
        (
            lambda folder: (folder / "model/sub/b.bin").unlink(),
            "output 'model': 'model/' has 1 files, not 2",
        ),
        (lambda folder: shutil.rmtree(folder / "model"), "output 'model': 'model/' is gone"),
        (lambda folder: (folder / "pipespec/step.json").unlink(), "'pipespec/step.json' is gone"),
        (shutil.rmtree, "'pipespec/step.json' is gone"),
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


def test_where_the_newest_files_are_lost_an_older_whole_run_counts(local):
    old = local.publish(generation=0)
    new = local.publish(generation=1)
    shutil.rmtree(local.folder(new))
    ledger = local.ledger()
    key = local.key("one")
    assert ledger.complete([key]) == {key: old}
    assert ledger.lost([key]) == {}


def test_an_outputs_tag_that_a_hand_changed_makes_its_run_incomplete(world):
    record = world.publish()
    key = world.key("one")
    for damaged in ("", "{", "[]", '{"t": 1}', '{"t": {"digest": "a", "bytes": 1, "files": 1}}'):
        world.client.set_tag(record.run_id, names.OUTPUTS, damaged)
        ledger = world.ledger()
        assert ledger.complete([key]) == {}
        assert record.run_id in ledger.lost([key])[key]
    escaping = '{"t": {"digest": "a", "bytes": 1, "files": 1, "file": "../../secret"}}'
    world.client.set_tag(record.run_id, names.OUTPUTS, escaping)
    assert world.ledger().complete([key]) == {}


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
    with pytest.raises(PipespecError, match="cannot be used: it is gone"):
        world.ledger().manifest(elsewhere)
    world.client.log_text(record.run_id, '{"outputs": {}}', names.MANIFEST_FILE)
    with pytest.raises(PipespecError, match="was altered"):
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


def test_attempts_can_be_of_one_pipeline(world):
    mine = world.start()
    theirs = world.start(pipeline=f"{world.name}-theirs")
    ledger = world.ledger()
    assert ledger.attempts([mine.step])[mine.step].run_id == theirs.run_id
    assert ledger.attempts([mine.step], world.name)[mine.step].run_id == mine.run_id
    assert ledger.attempts([mine.step], "nobody's") == {}


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
