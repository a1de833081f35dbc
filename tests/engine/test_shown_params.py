"""What a run bears of other steps: the params upstream of its own, and an invocation's metrics."""

from __future__ import annotations

from types import SimpleNamespace

from pipespec.engine.final_metrics import final_metrics
from pipespec.engine.upstream_params import UpstreamParams
from pipespec.tracking.params_of_steps import params_of_steps


def pipeline(upstream, **params):
    steps = {step: SimpleNamespace(param_values=params.get(step, {})) for step in upstream}
    return SimpleNamespace(steps=steps, upstream=upstream)


def test_a_step_bears_the_params_of_all_that_is_upstream_the_nearest_first():
    made = pipeline(
        {"load": (), "split": ("load",), "train": ("split",), "other": ()},
        load={"since": 2021}, split={"share": 0.25, "nested": {"deep": True}}, train={"depth": 4}, other={"x": 1},
    )  # fmt: skip
    upstream = UpstreamParams(made)
    assert list(upstream.of("train").items()) == [
        ("split.share", "0.25"), ("split.nested.deep", "True"), ("load.since", "2021"),
    ]  # fmt: skip
    assert upstream.of("load") == {}


def test_a_name_that_a_step_has_itself_is_its_own():
    made = pipeline({"train": (), "score": ("train",)}, train={"depth": 4}, score={"train": {"depth": 8}})
    assert UpstreamParams(made).of("score") == {}


def test_the_values_of_several_variants_are_listed_each_once():
    steps = [
        ("train[depth=4]", {"depth": "4", "seed": "0"}),
        ("train[depth=8]{x=1}", {"depth": "8", "seed": "0"}),
    ]
    assert params_of_steps(steps) == {"train.depth": "4, 8", "train.seed": "0"}


def test_no_more_params_are_taken_than_a_request_holds_and_no_more_steps_looked_at():
    many = {f"s{number}": (f"s{number - 1}",) if number else () for number in range(1000)}
    looked_at = []

    class Steps(dict):
        def __getitem__(self, step):
            looked_at.append(step)
            return SimpleNamespace(param_values={})

    UpstreamParams(SimpleNamespace(steps=Steps(), upstream=many)).of("s999")
    assert len(looked_at) <= 202
    full = pipeline(many, **{step: {f"p{n}": n for n in range(30)} for step in many})
    assert len(UpstreamParams(full).of("s999")) == 100


def test_an_invocation_has_the_metrics_of_its_steps_by_the_shortest_name_that_is_clear():
    assert final_metrics(
        {
            "train": {"loss": 0.1, "pipespec.seconds": 3.0, "system/cpu": 1.0},
            "score[part=a]": {"accuracy": 0.5},
            "score[part=b]": {"accuracy": 0.75, "count": 3.0},
        }
    ) == {"loss": 0.1, "score_part_a_.accuracy": 0.5, "score_part_b_.accuracy": 0.75, "count": 3.0}
    assert len(final_metrics({f"s{number}": {"m": 1.0} for number in range(300)})) == 100
