"""Reading sweeps, merging their points, and planning many of them with few questions."""

import textwrap

import pytest

from pipespec.errors import InvalidPipelineError, UsageError
from pipespec.operations.compiling.sweep import compile_sweep, read_sweeps
from pipespec.operations.planning.plan_waves import Planning
from pipespec.plan.plan import Action
from pipespec.plan.records import OutputRecord, StepRecord
from pipespec.plan.results import SweepPoint
from pipespec.plan.step_selection import select, split_id
from pipespec.views import diagnostic_view
from pipespec.views.sweep_view import render_text

STEPS = """
def first(n: int = 1) -> list: return [n]
def second(x: list) -> list: return x
def train(x, depth=1, seed=0) -> dict: return {}
def score(m: dict) -> dict: return m
def gather(all: dict) -> dict: return {}
"""

PIPELINE = """
pipespec: 1
name: five
params: {model: {depth: 1}, seed: 0, n: 1}
steps:
  a: {call: 'steps:first', params: {n: "${params.n}"}, outputs: {o: o.json}}
  b: {call: 'steps:second', inputs: {x: a}, outputs: {o: o.json}}
  c: {call: 'steps:second', inputs: {x: b}, outputs: {o: o.json}}
  train:
    call: steps:train
    inputs: {x: c}
    params: {depth: "${params.model.depth}", seed: "${params.seed}"}
    outputs: {o: o.json}
  score: {call: 'steps:score', inputs: {m: train}, outputs: {o: o.json}}
"""


@pytest.fixture
def swept(tmp_path, monkeypatch):
    """Compile a pipeline at the points of sweeps."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "t"\nversion = "1"\n')
    (tmp_path / "steps.py").write_text(STEPS)

    def compile_(*sweeps, text=PIPELINE, **layers):
        (tmp_path / "p.yaml").write_text(textwrap.dedent(text))
        return compile_sweep("p.yaml", read_sweeps(sweeps), **layers)

    return compile_


class Twin:
    """Records of a store in which all is complete but for what `missing` names; counts what it is asked."""

    tracking_uri = "sqlite:///nothing.db"

    def __init__(self, missing=()):
        self.asked = 0
        self.missing = missing

    def complete(self, keys):
        self.asked += 1
        outputs = {"o": OutputRecord("d", 1, 1, "o.json")}
        return {key: StepRecord(f"run-{key[:8]}", "", key, outputs, 0, 0.0, 1.0, "/nowhere") for key in keys}

    def lost(self, keys):
        self.asked += 1
        return {}

    def broken(self, keys):
        return {}

    def finished_before(self, steps):
        self.asked += 1
        return set(steps)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("params.x=4,8,16", ["4", "8", "16"]),
        ("params.x=4", ["4"]),
        ("params.x=range(1,5)", ["1", "2", "3", "4"]),
        ("params.x=range(5, 1, -2)", ["5", "3"]),
        ("params.x=1,1.0,true,'1',one", ["1", "1.0", "true", "'1'", "one"]),
        ("params.x=[1, 2],[3],{a: 1, b: [2]}", ["[1, 2]", "[3]", "{a: 1, b: [2]}"]),
        ("params.x='a,b',\"c]\"", ["'a,b'", '"c]"']),
        ("params.x=a=b,c", ["a=b", "c"]),
    ],
)
def test_values_are_split_where_yaml_splits_a_list(text, values):
    (found,) = read_sweeps([text])

    assert found.path == "params.x"
    assert list(found.texts) == values


@pytest.mark.parametrize(
    ("texts", "why"),
    [
        (["params.x"], "is not a sweep"),
        (["=1,2"], "is not a sweep"),
        (["params.x="], "has no values"),
        (["params.x=range(3,3)"], "has no values"),
        (["params.x=range(1,9,0)"], "has a step of 0"),
        (["params.x=range(0,1000000000)"], "the maximum is 10,000"),
        (["params.x=range(0,200)", "params.y=range(0,51)"], "10,200 points; the maximum is 10,000"),
        (["params.x=[1"], "cannot be read as YAML"),
        (["params.x=1]"], "cannot be read as YAML"),
        (["params.x=1,2,1"], "has the value 1 twice"),
        (["params.x=1", "params.x=2"], "'params.x' is swept twice"),
        (["params.x=1", "+params.x=2"], "'params.x' is swept twice"),
        (["params.x.y=1", "params.x=2"], "one is a part of the other"),
    ],
)
def test_what_is_no_sweep_is_refused_with_one_line(texts, why):
    with pytest.raises(UsageError, match=why) as refused:
        read_sweeps(texts)

    assert "\n" not in str(refused.value)


def test_what_points_share_stands_once_and_the_rest_is_named_by_what_tells_it_apart(swept):
    whole = swept("params.model.depth=4,8", "params.seed=range(0,2)").pipeline

    assert list(whole.steps) == [
        *("a", "b", "c"),
        *(
            f"{step}{{model.depth={depth},seed={seed}}}"
            for step in ("train", "score")
            for depth in (4, 8)
            for seed in (0, 1)
        ),
    ]
    assert all(step_id == step.id for step_id, step in whole.steps.items())
    assert whole.upstream["train{model.depth=8,seed=1}"] == ("c",)
    assert whole.upstream["score{model.depth=8,seed=1}"] == ("train{model.depth=8,seed=1}",)


def test_a_step_bears_only_the_values_that_reach_it(swept):
    whole = swept("params.n=1,2", "params.seed=5,6").pipeline

    assert list(whole.steps)[:3] == ["a{n=1}", "a{n=2}", "b{n=1}"]
    assert len(whole.steps) == 3 * 2 + 2 * 4


def test_values_that_reach_nothing_make_no_steps(swept):
    assert list(swept("+params.other=1,2,3").pipeline.steps) == ["a", "b", "c", "train", "score"]


def test_matrices_and_what_gathers_them_stay_within_their_point(swept):
    text = PIPELINE.replace("    params: {depth: ", "    matrix: {k: [1, 2]}\n    params: {depth: ").replace(
        'seed: "${params.seed}"}', 'seed: "${params.seed}", x: "${matrix.k}"}'
    )
    text = text.replace("    inputs: {x: c}\n", "").replace(
        "score: {call: 'steps:score', inputs: {m: train}",
        "score: {call: 'steps:gather', inputs: {all: 'train[*]'}",
    )
    whole = swept("params.seed=0,1", text=text).pipeline

    assert list(whole.steps)[3:] == [
        "train[k=1]{seed=0}",
        "train[k=1]{seed=1}",
        "train[k=2]{seed=0}",
        "train[k=2]{seed=1}",
        "score{seed=0}",
        "score{seed=1}",
    ]
    assert whole.upstream["score{seed=1}"] == ("train[k=1]{seed=1}", "train[k=2]{seed=1}")
    assert select(whole, ("train[k=2]",)) == ("train[k=2]{seed=0}", "train[k=2]{seed=1}")
    assert select(whole, ("train*{seed=1}",)) == ("train[k=1]{seed=1}", "train[k=2]{seed=1}")
    assert split_id("train[k=2]{seed=[1]}") == ("train", (("k", 2),))
    assert split_id("train{x=[1]}") == ("train", ())


def test_a_swept_axis_shares_the_variants_that_points_have_in_common(swept):
    text = PIPELINE.replace(
        'params: {depth: "${params.model.depth}"', 'matrix: {depth: "${params.depths}"}\n    params: {x: [1]'
    )
    text = text.replace("    inputs: {x: c}\n", "").replace("n: 1}", "n: 1, depths: [1]}")
    text = text[: text.index("  score")]

    whole = swept("params.depths=[1, 2],[2, 3]", text=text).pipeline

    assert [step for step in whole.steps if "train" in step] == [
        "train[depth=1]",
        "train[depth=2]",
        "train[depth=3]",
    ]


def test_keys_are_those_of_the_point_alone(swept):
    whole = Planning(swept("params.seed=3,4"), Twin(), Twin()).plan()
    alone = Planning(swept("params.seed=4"), Twin(), Twin()).plan()

    assert whole.decisions["score{seed=4}"].key == alone.decisions["score"].key


def test_two_hundred_points_are_planned_with_one_question_a_level(swept):
    records = Twin()

    plan = Planning(
        swept("params.model.depth=range(0,20)", "params.seed=range(0,10)"), records, records
    ).plan()

    assert len(plan.decisions) == 3 + 2 * 200
    assert {decision.action for decision in plan.decisions.values()} == {Action.REUSE}
    assert records.asked == 5


@pytest.mark.parametrize(
    ("sweep", "told"),
    [
        (
            "params.modle.depth=1,2",
            (
                "--sweep params.modle.depth=1:1:16: error[unknown-key]: 'params.modle' is set, but no lower layer has it\n"
                "    1 | --sweep params.modle.depth=1\n"
                "      |                ^^^^^\n"
                "   help: did you mean 'model'? to add it, write --sweep +params.modle=..."
            ),
        ),
        (
            "params.n=1,much",
            (
                "--sweep params.n=much:1:18: error[param-type]: param 'n' of step 'a': 'much' is not a whole number; 'steps:first' declares 'n: int'\n"
                "    1 | --sweep params.n=much\n"
                "      |                  ^^^^"
            ),
        ),
        (
            "include=a.yaml,b.yaml",
            (
                "--sweep include=a.yaml:1:9: error[bad-override]: 'include' cannot be set\n"
                "    1 | --sweep include=a.yaml\n"
                "      |         ^^^^^^^\n"
                "   help: set a param that the path of the include refers to, or use an overlay"
            ),
        ),
    ],
)
def test_a_mistake_in_a_sweep_is_told_as_it_was_typed(swept, sweep, told):
    with pytest.raises(InvalidPipelineError) as invalid:
        swept(sweep)

    assert diagnostic_view.render_text(invalid.value.diagnostics, invalid.value.sources).strip() == told


def test_layers_of_a_sweep_are_the_file_and_what_was_typed(swept):
    assert swept("params.n=1,2", overrides=["params.seed=1"]).layers == (
        "p.yaml",
        "--set params.seed=1",
        "--sweep params.n=1,2",
    )


def test_points_that_would_be_recorded_in_two_stores_are_refused(swept):
    with pytest.raises(
        UsageError, match=r"at mlflow\.tracking_uri=b the pipeline's 'mlflow' differs from the first point"
    ):
        swept("mlflow.tracking_uri=a,b")


def test_the_table_has_a_row_for_each_point():
    points = [
        SweepPoint((("depth", 4), ("name", "a b")), "ran", {"accuracy": 0.91234, "loss": float("nan")}),
        SweepPoint((("depth", 16), ("name", "c")), "failed", {}),
    ]

    assert render_text(points) == textwrap.dedent(
        """\
        depth  name   state   accuracy  loss
        4      "a b"  ran     0.9123    nan
        16     c      failed"""
    )
