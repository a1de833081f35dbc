"""Runs of processes that are dead, or were taken for dead: one of two results counts, and a whole one is not made again."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from pipespec import fault_points
from pipespec.errors import PipespecError, TakenOverError
from pipespec.step.step_job import Failure
from pipespec.tracking import record_names
from pipespec.tracking.process_owner import Owner
from pipespec.tracking.writing.dead_runs import settle_dead

DECIDE = """
import sys
from pathlib import Path
from conftest import open_recorder
kind, uri, root, value, *runs = sys.argv[1:]
with open_recorder(kind, uri, Path(root)) as recorder:
    print("ready", flush=True)
    sys.stdin.readline()
    print(*[int(recorder._writer.decide(run, "pipespec.outcome", value, {"by": value})) for run in runs])
"""


@pytest.fixture(params=["sqlite", "client", pytest.param("rest", marks=pytest.mark.servers)])
def world(request, project, make_world_of):
    uri = request.getfixturevalue("mlflow_on_sqlite").url if request.param == "rest" else None
    made = make_world_of(request.param, project, uri)
    made.name = f"world-{os.urandom(4).hex()}"
    yield made
    made.close()


def dead(world, started):
    """The run, as it is read when its process is gone."""
    [attempt] = [one for one in world.ledger().running() if one.run_id == started.run_id]
    return replace(attempt, owner=str(replace(Owner.here(), started="1")))


def settle(world, *attempts):
    return settle_dead(attempts, world.ledger(), world.recorder, world.root / "downloads")


def answer(world):
    found = world.ledger().complete([world.key("one")])
    return found[world.key("one")].run_id if found else None


def publish(world, started, *, in_doubt=lambda: True):
    outcome = world.outcome(started, {"table.csv": b"a,b\n"})
    return world.recorder.publish(started, outcome, manifest={"parts": {}}, in_doubt=in_doubt)


def stop_before_the_end(world, monkeypatch, started):
    """Publish all of a result but its end, as a process does that is cut off after its batch."""
    with monkeypatch.context() as patched:
        patched.setattr(fault_points, "_ARMED", ("publish.after-batch", 1, "raise"))
        patched.setattr(fault_points, "_passed", 0)
        with pytest.raises((PipespecError, OSError)):
            publish(world, started)


def status(world, started):
    return world.ledger().run(started.run_id).status


def test_of_processes_that_decide_a_run_differently_one_is_told_that_it_did(world, project):
    runs = [world.start(key=None).run_id for _ in range(12)]
    words = ["published", "taken over", "published", "taken over"]
    about = [world.kind, world.recorder.tracking_uri, str(project)]
    deciders = [
        subprocess.Popen(
            [sys.executable, "-c", DECIDE, *about, word, *runs],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([os.path.dirname(__file__), *sys.path])},
        )
        for word in words
    ]
    for process in deciders:
        assert process.stdout.readline() == "ready\n"
    for process in deciders:
        process.stdin.write("\n")
        process.stdin.flush()
    said = [process.communicate(timeout=120)[0].split() for process in deciders]

    for place, run_id in enumerate(runs):
        facts = world.ledger().run(run_id)
        winners = {word for word, told in zip(words, said, strict=True) if told[place] == "1"}
        assert winners == {facts.params["pipespec.outcome"]} == {facts.tags["by"]}


def test_a_result_that_comes_after_its_run_was_taken_over_counts_no_more(world):
    late = world.start()
    assert settle(world, dead(world, late)) == (late.run_id,)
    theirs = world.publish()

    with pytest.raises(TakenOverError, match=f"another process took run {late.run_id} over"):
        publish(world, late)

    assert (answer(world), status(world, late)) == (theirs.run_id, "KILLED")


@pytest.mark.parametrize("is_told", [True, False])
def test_a_late_result_that_dies_before_it_is_told_counts_no_more_either(world, is_told):
    late = world.start()
    settle(world, dead(world, late))
    theirs = world.publish()

    # Where its process dies, nobody is in doubt any more.
    with pytest.raises(TakenOverError) if world.kind == "sqlite" or is_told else _nothing():
        publish(world, late, in_doubt=lambda: is_told)
    if not is_told:  # its clock is wrong by decades
        world.client.set_terminated(late.run_id, "FINISHED", end_time=1)

    assert answer(world) == theirs.run_id


def test_a_run_whose_result_came_first_is_not_taken_over(world):
    slow = world.start()
    seen = dead(world, slow)
    publish(world, slow)

    assert settle(world, seen) == (slow.run_id,)

    assert (answer(world), status(world, slow)) == (slow.run_id, "FINISHED")


def test_a_run_that_ended_by_itself_is_left_as_it_ended(world):
    failed = world.start()
    seen = dead(world, failed)
    world.recorder.fail(failed, Failure("raised", "no"))

    assert settle(world, seen) == (failed.run_id,)

    assert status(world, failed) == "FAILED"


def test_a_run_that_was_decided_to_count_is_left_to_who_decided_it(world):
    slow = world.start()
    seen = dead(world, slow)
    assert world.recorder._writer.decide(slow.run_id, record_names.OUTCOME, record_names.PUBLISHED, {})

    assert settle(world, seen) == ()
    assert status(world, slow) == "RUNNING"
    publish(world, slow)

    assert answer(world) == slow.run_id


def test_a_lease_that_was_renewed_at_the_last_moment_is_left_alone(world):
    slow = world.start()
    seen = dead(world, slow)
    world.recorder.heartbeat([slow])

    assert settle(world, seen) == ()

    assert publish(world, slow).run_id == answer(world)


def test_a_result_of_which_all_but_its_end_was_written_is_finished(world, monkeypatch):
    if world.kind == "sqlite":
        pytest.skip("one write has no middle")
    started = world.start()
    stop_before_the_end(world, monkeypatch, started)
    assert answer(world) is None

    assert settle(world, dead(world, started)) == (started.run_id,)

    assert (answer(world), status(world, started)) == (started.run_id, "FINISHED")
    assert world.ledger().run(started.run_id).metrics["pipespec.seconds"] == 1.5
    publish(world, started)  # its process comes back
    assert answer(world) == started.run_id


@pytest.mark.parametrize("harmed", ["table.csv", "pipespec/step.json"])
def test_a_result_that_is_not_whole_is_not_finished(world, monkeypatch, harmed):
    if world.kind != "client":
        pytest.skip("its files are elsewhere, or one write has no middle")
    started = world.start()
    stop_before_the_end(world, monkeypatch, started)
    (world.folder(started) / harmed).write_bytes(b"a,c\n")

    assert settle(world, dead(world, started)) == (started.run_id,)

    assert (answer(world), status(world, started)) == (None, "KILLED")


def test_runs_without_a_key_are_ended_and_bear_no_decision(world):
    started = world.start(key=None)

    assert settle(world, dead(world, started)) == (started.run_id,)

    facts = world.ledger().run(started.run_id)
    assert (facts.status, record_names.OUTCOME in facts.params) == ("KILLED", False)


def test_who_is_in_no_doubt_leaves_no_param(world):
    started = world.start()
    publish(world, started, in_doubt=lambda: False)
    assert record_names.OUTCOME not in world.ledger().run(started.run_id).params


def _nothing():
    import contextlib

    return contextlib.nullcontext()
