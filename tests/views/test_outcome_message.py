"""How a run ended, as whole messages."""

import json
from dataclasses import replace

import pytest

from pipespec.plan.results import StepState
from pipespec.plan.run_outcome import MetricChange, OutcomeKind, RunOutcome, SetValue, ToldStep
from pipespec.spec.message_templates import VARIABLES
from pipespec.views.outcome_message import body_of, title_of, values_of

STORE = "sqlite:////project/mlflow.db"
NEWS = RunOutcome("news", 2.0, "host1", STORE, run_id="r1", succeeded=True)
FAILED = replace(NEWS, succeeded=False)
PLACE = f"MLflow run r1 in {STORE} on host1"


def ran(*names):
    return tuple(ToldStep(name, StepState.RAN, 1.0) for name in names)


def failed(*names, error="no", log=""):
    return tuple(ToldStep(name, StepState.FAILED, 1.0, error, log) for name in names)


@pytest.mark.parametrize(
    ("outcome", "title", "lines"),
    [
        (replace(NEWS, steps=ran("a")), "news: 1 step ran", ["ran a", "took 2.0 s", PLACE]),
        (
            replace(NEWS, steps=ran(*"abcdefg"), link="http://h/#/experiments/1/runs/r1"),
            "news: 7 steps ran",
            ["ran a, b, c, d, e and 2 more", "took 2.0 s", "MLflow run r1: http://h/#/experiments/1/runs/r1"],
        ),
        (
            replace(
                NEWS,
                steps=ran("train"),
                metrics=(
                    MetricChange("accuracy", 0.8125, 0.75),
                    MetricChange("f1", 0.5, 0.5),
                    MetricChange("loss", 12.0),
                    MetricChange("nan", float("nan"), 1.0),
                ),
                set_values=(SetValue("seed", "1", "--set"), SetValue("train.depth", "4", "news.prod.yaml")),
            ),
            "news: 1 step ran",
            [
                "ran train",
                "metrics: accuracy 0.8125 (+0.0625), f1 0.5 (unchanged), loss 12, nan nan (+nan)",
                "set: seed=1 (--set), train.depth=4 (news.prod.yaml)",
                "took 2.0 s",
                PLACE,
            ],
        ),
        (
            replace(
                FAILED,
                steps=(*ran("a"), *failed("b", "c", log="one\ntwo"), *failed(*"defg", error="e" * 400)),
                missed=("b: accuracy is 0.5, below its minimum 0.8",),
            ),
            "news: 6 steps failed",
            [
                "failed b: no",
                "  | one",
                "  | two",
                "failed c: no",
                *(f"failed {name}: {'e' * 300}..." for name in "def"),
                "and 1 more failed",
                "ran a",
                "took 2.0 s",
                PLACE,
            ],
        ),
        (
            replace(
                NEWS,
                steps=ran("a", "b"),
                regressions=("f1 is 1, -2 from the baseline, below its min_delta -1",),
            ),
            "news: 2 steps ran, 1 regression",
            [
                "regression: f1 is 1, -2 from the baseline, below its min_delta -1",
                "ran a, b",
                "took 2.0 s",
                PLACE,
            ],
        ),
        (
            replace(
                FAILED, steps=(ToldStep("a", StepState.CANCELLED),), interrupted_by="SIGTERM", seconds=61.0
            ),
            "news: interrupted by SIGTERM",
            ["took 1 min 1 s", PLACE],
        ),
        (
            replace(FAILED, error="tracking store http://h: gone", run_id="", seconds=0.0),
            "news: the run stopped with an error",
            ["tracking store http://h: gone"],
        ),
        (
            replace(
                NEWS,
                metrics=tuple(MetricChange(f"m{n}", 1.0) for n in range(12)),
                set_values=tuple(SetValue(f"p{n}", "x\ny" * 200, "--set") for n in range(11)),
                notes=("the store did not answer, so metrics are not compared",),
            ),
            "news: 0 steps ran",
            [
                f"metrics: {', '.join(f'm{n} 1' for n in range(10))} and 2 more",
                f"set: {', '.join(f'p{n}={cut} (--set)' for n, cut in enumerate([(('x' + chr(10) + 'y') * 200)[:300].replace(chr(10), chr(92) + 'n') + '...'] * 10))} and 1 more",
                "the store did not answer, so metrics are not compared",
                "took 2.0 s",
                PLACE,
            ],
        ),
    ],
)
def test_a_message_is_a_title_and_short_lines(outcome, title, lines):
    assert (title_of(outcome), body_of(outcome).split("\n")) == (title, lines)


@pytest.mark.parametrize(
    ("outcome", "kind", "kinds"),
    [
        (NEWS, "success", {"success"}),
        (replace(NEWS, regressions=("worse",)), "regression", {"success", "regression"}),
        (FAILED, "failure", {"failure"}),
        (replace(FAILED, missed=("below",)), "failure", {"failure", "regression"}),
        (replace(FAILED, regressions=("worse",)), "failure", {"failure", "regression"}),
    ],
)
def test_a_run_is_told_as_the_gravest_of_what_it_is(outcome, kind, kinds):
    assert (outcome.kind, outcome.kinds) == (OutcomeKind(kind), {OutcomeKind(one) for one in kinds})


def test_a_template_gets_plain_values_under_the_names_that_are_documented():
    outcome = replace(
        FAILED,
        steps=(*ran("a"), *failed("b", log="end")),
        metrics=(MetricChange("f1", 0.5, 0.25),),
        set_values=(SetValue("seed", "1", "--set"),),
        missed=("b: f1 is low",),
        regressions=("f1 fell",),
    )
    a = {"step": "a", "state": "ran", "seconds": 1.0, "error": "", "log": ""}
    b = {"step": "b", "state": "failed", "seconds": 1.0, "error": "no", "log": "end"}

    values = values_of(outcome)

    assert tuple(values) == VARIABLES
    assert json.loads(json.dumps(values)) == {
        "pipeline": "news",
        "kind": "failure",
        "title": "news: 1 step failed",
        "message": body_of(outcome),
        "steps": [a, b],
        "failed": [b],
        "metrics": {"f1": {"value": 0.5, "before": 0.25, "change": 0.25}},
        "regressions": ["b: f1 is low", "f1 fell"],
        "params": {"seed": "1"},
        "seconds": 2.0,
        "error": "",
        "run_id": "r1",
        "link": "",
        "store": STORE,
        "host": "host1",
    }
