"""Claims, generations and lost stores: several writers, one store."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pipespec.engine import attempts as attempts_module
from pipespec.engine.attempts import Attempts, Claim
from pipespec.engine.other_runs import FailedElsewhere
from pipespec.errors import TakenOverError
from pipespec.plan.records import StepRecord
from pipespec.spec.pipeline_spec import Retry
from pipespec.step.step_job import Failure, SavedOutput, StepOutcome
from pipespec.tracking.process_owner import Owner
from pipespec.tracking.writing.leases import LEASE_SECONDS
from pipespec.tracking.writing.recorder import Recorder


class Writer:
    """One invocation's hold on the store."""

    def __init__(self, engine):
        self.engine, self.ledger = engine, engine.ledger()
        self.plan = engine.plan(ledger=self.ledger)
        self.decision = self.plan.decisions["numbers"]
        self.attempts = Attempts(
            self.ledger, lambda: Recorder.open(None, root=engine.root), engine.settings(self.plan)
        )

    def claim(self, *, forced=False, waited=False):
        return self.attempts.claim(self.plan, self.decision, forced=forced, waited=waited)

    def publish(self, claim):
        digest = "0" * 64
        outcome = StepOutcome("numbers", 1.0, (SavedOutput("numbers", "numbers.json", digest, 0, 1),))
        folder = claim.started.artifact_uri.removeprefix("file://")
        os.makedirs(folder, exist_ok=True)
        with open(f"{folder}/numbers.json", "w"):
            pass
        result = self.attempts.result(
            claim,
            outcome,
            plan=self.plan,
            decision=self.decision,
            upstream={},
            log=self.engine.root / "log",
            staging=self.engine.root / "staging",
        )
        return self.attempts.publish(result)

    def close(self):
        self.attempts.close()
        self.ledger.close()


@pytest.fixture
def writers(sums):
    opened = []

    def make():
        opened.append(Writer(sums))
        return opened[-1]

    yield make
    for writer in opened:
        writer.close()


def test_nothing_is_written_before_the_first_claim(writers, sums):
    assert writers().attempts.invocation is None
    assert sums.query("select count(*) from runs") == [(0,)]


def test_while_one_computes_a_key_another_gets_no_claim(writers, sums):
    one, other = writers(), writers()

    first = one.claim()
    second = other.claim()

    assert isinstance(first, Claim)
    assert second is None
    assert other.claim(waited=True) is None
    assert sums.statuses("numbers") == ["RUNNING"]


def test_where_a_claim_is_no_transaction_who_begins_later_tells_who_was_there_and_searches(
    writers, sums, monkeypatch
):
    monkeypatch.setattr(Recorder, "joins", property(lambda _: False))
    one, other = writers(), writers()
    for writer in (one, other):
        monkeypatch.setattr(writer.ledger, "published_lately", tuple)
    asked = []
    standing = type(one.ledger).standing
    monkeypatch.setattr(
        type(one.ledger), "standing", lambda *about: asked.append(about[0]) or standing(*about)
    )

    first = one.claim()
    assert isinstance(first, Claim)
    assert asked == []
    assert other.claim() is None
    assert other.ledger in asked

    with sums.ledger() as ledger:
        assert ledger.run(one.attempts.invocation).tags["pipespec.met"] == "1"
        assert "pipespec.met" not in ledger.run(other.attempts.invocation).tags
    one.attempts.kill(first.started, "given up")
    asked.clear()
    assert isinstance(one.claim(), Claim)
    assert one.ledger in asked


def test_who_waited_gets_the_others_result(writers):
    one, other = writers(), writers()
    mine = one.claim()
    assert other.claim() is None

    published = one.publish(mine)
    found = other.claim(waited=True)

    assert published.is_ours
    assert isinstance(found, StepRecord)
    assert found.run_id == published.record.run_id


@pytest.mark.parametrize(
    ("kind", "about"),
    [("raised", {"forced": True}), ("raised", {"retry": Retry(1)}), ("cancelled", {}), ("store", {}), ("lost", {})],
)  # fmt: skip
def test_who_waited_takes_over_when_the_other_did_not_fail_for_it(writers, sums, kind, about):
    one, other = writers(), writers()
    if "retry" in about:
        other.decision = replace(other.decision, step=replace(other.decision.step, retry=about.pop("retry")))
    mine = one.claim()
    assert other.claim() is None

    one.attempts.fail(mine.started, Failure(kind, "no"), sums.root / "log")

    assert isinstance(other.claim(waited=True, **about), Claim)


def test_who_waited_fails_as_the_other_did_and_executes_when_it_is_asked_again(writers, sums):
    one, other = writers(), writers()
    mine = one.claim()
    assert other.claim() is None

    one.attempts.fail(mine.started, Failure("raised", "ValueError: no", "line 1"), sums.root / "log")

    found = other.claim(waited=True)
    run_id = mine.started.run_id
    assert found == FailedElsewhere(
        run_id, f"ValueError: no (in run {run_id[:8]} of process {os.getpid()})", "line 1"
    )
    assert sums.statuses("numbers") == ["FAILED"]
    assert isinstance(other.claim(waited=True), Claim)


def test_a_run_that_fails_before_another_begins_is_nothing_that_it_waited_for(writers, sums):
    one = writers()
    one.attempts.fail(one.claim().started, Failure("raised", "no"), sums.root / "log")

    assert isinstance(writers().claim(), Claim)


def test_a_claim_of_a_dead_process_does_not_count_and_its_run_is_marked_killed(writers, sums):
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path\n"
        "from conftest import Engine; from test_attempts import Writer\n"
        "Writer(Engine(Path(sys.argv[2]))).claim(); print('claimed', flush=True); sys.stdin.read()"
    )
    here = os.path.dirname(__file__)
    with subprocess.Popen(
        [sys.executable, "-c", code, here, sums.root], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as dead:
        assert dead.stdout.readline() == b"claimed\n"
        assert writers().claim() is None
        dead.send_signal(signal.SIGKILL)
        dead.wait()
    [(uri,)] = sums.query("select artifact_uri from runs where status = 'RUNNING' and name like 'numbers%'")
    half = Path(uri.removeprefix("file://"), "pipespec", ".pipespec-1f")
    half.parent.mkdir(parents=True, exist_ok=True)
    half.touch()

    assert isinstance(writers().claim(), Claim)
    assert not half.exists()
    assert sorted(sums.statuses("numbers")) == ["KILLED", "RUNNING"]


def test_a_claim_that_an_invocation_of_this_process_left_open_does_not_count(writers):
    left = writers()
    left.claim()
    left.attempts.close()

    assert isinstance(writers().claim(), Claim)


def test_of_two_results_for_one_generation_the_first_counts(writers, sums):
    one, other = writers(), writers()
    mine = one.claim()
    # A process that was stopped for longer than its lease comes back: its run was taken for dead meanwhile.
    one.attempts._sure[mine.started.run_id] -= LEASE_SECONDS
    with sums.ledger() as ledger:
        claims = ledger.claims(mine.started.key)
    assert [claim.owner for claim in claims] == [str(Owner.here())]
    other.attempts._writer.fail(mine.started, Failure("cancelled", "taken for dead"), status="KILLED")
    theirs = other.publish(other.claim())

    late = one.publish(mine)

    assert (theirs.is_ours, late.is_ours) == (True, False)
    assert late.record.run_id == theirs.record.run_id
    assert sorted(sums.statuses("numbers")) == ["FINISHED", "KILLED"]


def test_who_was_taken_over_waits_for_who_took_over(writers, sums):
    one, other = writers(), writers()
    mine = one.claim()
    one.attempts._sure[mine.started.run_id] -= LEASE_SECONDS
    other.attempts._writer.take_over(mine.started.run_id, has_key=True)
    theirs = other.claim()

    with pytest.raises(TakenOverError):
        one.publish(mine)

    assert one.claim(waited=True) is None
    published = other.publish(theirs)
    assert one.claim(waited=True).run_id == published.record.run_id
    assert sorted(sums.statuses("numbers")) == ["FINISHED", "KILLED"]


def test_a_renewal_that_came_too_late_leaves_doubt(writers, monkeypatch):
    one = writers()
    run_id = one.claim().started.run_id
    now = attempts_module._now()
    for seconds, in_doubt in ((14, False), (28, False), (44, True), (45, True)):
        monkeypatch.setattr(attempts_module, "_now", lambda: now + seconds)  # noqa: B023
        one.attempts._beat()
        assert one.attempts._is_in_doubt(run_id) == in_doubt


def test_while_nobody_can_have_taken_its_claim_a_result_is_published_without_another_look(
    writers, monkeypatch
):
    one = writers()
    mine = one.claim()
    monkeypatch.setattr(one.attempts._ledger, "complete", lambda keys: pytest.fail("it was looked up"))
    assert one.publish(mine).is_ours


def test_a_forced_result_comes_in_place_of_an_accepted_one(writers, sums):
    first = writers()
    old = first.publish(first.claim()).record
    key = "f" * 64
    with Recorder.open(None, root=sums.root) as recorder:
        recorder.accept(old, key, who="Ada", why="the same")
    forced = writers()
    forced.decision = replace(forced.decision, key=replace(forced.decision.key, hex=key))

    claim = forced.claim(forced=True)
    published = forced.publish(claim)

    assert published.is_ours
    assert (published.record.key, published.record.generation) == (key, 0)
    assert forced.ledger.complete([key])[key].run_id == published.record.run_id
    assert "pipespec.superseded" not in forced.ledger.run(old.run_id).tags


def test_a_forced_result_has_the_next_generation_and_the_earlier_run_is_told(writers, sums):
    one = writers()
    first = one.publish(one.claim()).record

    second = one.publish(one.claim(forced=True)).record

    assert (first.generation, second.generation) == (0, 1)
    with sums.ledger() as ledger:
        assert ledger.run(first.run_id).tags["pipespec.superseded"] == second.run_id


def test_a_result_that_the_disk_does_not_take_fails_the_step(sums, monkeypatch):
    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pipespec.tracking.writing.sqlite_writer.put", full)

    numbers = sums.run().steps[0]

    assert (numbers.state, numbers.error) == (
        "failed",
        "its result could not be recorded: [Errno 28] No space left on device",
    )
    assert sums.statuses("numbers") == ["FAILED"]


def test_a_run_that_somebody_deletes_while_it_executes_fails_the_step(sums):
    def delete():
        from mlflow import MlflowClient

        client = MlflowClient(f"sqlite:///{sums.root}/mlflow.db")
        for (run_id,) in sums.query("select run_uuid from runs where status = 'RUNNING'"):
            client.delete_run(run_id)

    sums.told.on_start["numbers"] = delete

    numbers = sums.run().steps[0]

    assert numbers.state == "failed"
    assert "could not be recorded" in numbers.error
