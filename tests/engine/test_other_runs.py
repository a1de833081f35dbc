"""Who may compute a key: two invocations whose requests to the store come in any order."""

from __future__ import annotations

from itertools import combinations
from types import SimpleNamespace

import pytest

from pipespec.engine import other_runs
from pipespec.engine.other_runs import OtherRuns, may_share, step_names
from pipespec.plan.records import Attempt
from pipespec.tracking import record_names
from pipespec.tracking.reading.ledger import Standing

KEY = "k"


class Store:
    """What a tracking server has of runs, each request at one moment."""

    def __init__(self):
        self.runs = {}

    def create(self, run_id, step, key=None):
        self.runs[run_id] = {
            "status": "RUNNING",
            "step": step,
            "key": key,
            "tags": {},
            "started": len(self.runs),
        }

    def _attempt(self, run_id):
        run = self.runs[run_id]
        return Attempt(run_id, run["step"], run["status"], run["key"], "", "", run["started"], None, "")

    def running(self):
        return [self._attempt(run_id) for run_id, run in self.runs.items() if run["status"] == "RUNNING"]

    def run(self, run_id):
        found = self.runs[run_id]
        return SimpleNamespace(status=found["status"], tags=found["tags"])

    def standing(self, key, _experiment):
        return Standing(tuple(one for one in self.running() if one.key == key), None)


class Invocation:
    """One invocation that claims one key, a request at a time, in the order of `Attempts`."""

    def __init__(self, store, name):
        self.store, self.name = store, name
        self.others = OtherRuns(
            store,
            is_ours=lambda run_id: run_id.startswith(name),
            is_left_over=lambda _: False,
            settle=lambda _: (),
        )
        self.computes = None
        self.searched = False

    def requests(self):
        invocation, run = f"{self.name} invocation", f"{self.name} run"
        self.store.create(invocation, "")
        yield
        running = self.store.running()
        yield
        for other in self.others.meet(running, ()):
            self.store.runs[other]["tags"][record_names.MET] = "1"
            yield
        self.store.create(run, "s", KEY)
        yield
        if self.others.is_alone(KEY, invocation):
            self.computes = True
            return
        yield
        self.searched = True
        started = SimpleNamespace(run_id=run, experiment_id="0")
        self.computes = self.others.standing_alone(KEY, started) is not None
        if not self.computes:
            self.store.runs[run]["status"] = "KILLED"


def orders(one, other):
    """All orders of so many requests of two: who is next."""
    for chosen in combinations(range(one + other), one):
        yield ["a" if at in chosen else "b" for at in range(one + other)]


def outcome(order):
    store = Store()
    invocations = {name: Invocation(store, name) for name in "ab"}
    requests = {name: one.requests() for name, one in invocations.items()}
    for name in [*order, *"ab" * 8]:  # what is left when the order ends
        next(requests[name], None)
    return invocations["a"], invocations["b"]


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    """Let pauses pass at once, by a clock of their own."""
    now = [0.0]

    def sleep(seconds):
        now[0] += seconds

    monkeypatch.setattr(other_runs, "time", SimpleNamespace(sleep=sleep, monotonic=lambda: now[0]))


def test_two_invocations_never_compute_the_same_key_at_the_same_time_in_whatever_order_they_ask():
    found = {(one.computes, other.computes) for one, other in map(outcome, orders(6, 6))}
    assert (True, True) not in found
    assert {(True, False), (False, True)} <= found


def test_an_invocation_that_meets_nobody_does_not_search():
    alone = Invocation(Store(), "a")
    for _ in alone.requests():
        pass
    assert (alone.computes, alone.searched) == (True, False)


def test_who_was_there_before_searches_from_when_another_begins():
    one, other = outcome(["a"] * 3 + ["b"] * 4)
    assert (one.searched, other.searched) == (True, True)


@pytest.mark.parametrize("published", [None, (KEY,)])
def test_a_key_that_may_have_been_published_since_the_plan_is_searched(published):
    store = Store()
    store.create("a invocation", "")
    one = Invocation(store, "a")
    one.others.meet((), published)
    assert not one.others.is_alone(KEY, "a invocation")


@pytest.mark.parametrize("change", [{"status": "KILLED"}, {"tags": {record_names.MET: "1"}}])
def test_an_invocation_that_was_taken_for_dead_or_met_another_searches(change):
    store = Store()
    store.create("a invocation", "")
    one = Invocation(store, "a")
    one.others.meet((), ())
    assert one.others.is_alone(KEY, "a invocation")
    store.runs["a invocation"].update(change)
    assert not one.others.is_alone(KEY, "a invocation")


def pipeline(name, *steps):
    return SimpleNamespace(name=name, steps={step: SimpleNamespace(name=step) for step in steps})


@pytest.mark.parametrize(
    ("run", "shares"),
    [
        ({"pipeline": "ours"}, True),
        ({"pipeline": "theirs", "step": "train[depth=4]"}, True),
        ({"pipeline": "theirs", "step": "other"}, False),
        ({"pipeline": "theirs", "steps": step_names(pipeline("theirs", "other", "train"))}, True),
        ({"pipeline": "theirs", "steps": step_names(pipeline("theirs", "other"))}, False),
        ({"pipeline": "theirs"}, True),  # too many steps for a tag, or of an earlier version
    ],
)
def test_another_pipeline_may_have_the_same_key_only_with_a_step_of_the_same_name(run, shares):
    attempt = Attempt("r", run.pop("step", ""), "RUNNING", None, "", "", 0.0, None, "", **run)
    assert may_share(attempt, pipeline("ours", "train", "score")) == shares
