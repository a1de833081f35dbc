"""Frames whose annotation names a model of pandera: validated when they are loaded, and before they are saved."""

import importlib.util

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("pandera") is None, reason="pandera is not installed"),
]

MODELS = """\
from typing import Annotated, NamedTuple

import pandas as pd
import pandera.pandas as pa
from pandera.typing import DataFrame, Series


class Scores(pa.DataFrameModel):
    name: str
    score: float = pa.Field(ge=0, le=1)
    when: pa.DateTime = pa.Field(coerce=True)


SCORES = pa.DataFrameSchema({"score": pa.Column(float, pa.Check.le(1))}, name="scores")


def frame(*scores):
    names = [f"n{score}" for score in scores]
    return pd.DataFrame({"name": names, "score": [float(one) for one in scores], "when": "2024-01-01"})


"""
BOTH = "class Both(NamedTuple):\n    out: DataFrame[Scores]\n    last: pd.DataFrame\n\n\n"
GOOD = "name,score,when\na,0.5,2024-01-01\n"
BAD = "name,score,when\na,0.5,2024-01-01\nb,2,2024-01-02\n"


def load(run_step, one, tmp_path, annotation, content, before=""):
    (tmp_path / "in.csv").write_text(content)
    source = f"{before}{MODELS}def step(table: {annotation}): return str(table.dtypes.iloc[-1])"
    return run_step(source, inputs=(one("table", tmp_path / "in.csv"),), outputs={"out": "out.json"})


ANNOTATIONS = [
    "DataFrame[Scores]",
    "'DataFrame[Scores]'",
    "DataFrame[Scores] | None",
    "Annotated[pd.DataFrame, Scores]",
]


@pytest.mark.parametrize("annotation", [*ANNOTATIONS, "Annotated[pd.DataFrame, SCORES]"])
def test_a_frame_that_does_not_fit_is_not_handed_over(run_step, one, tmp_path, annotation):
    done = load(run_step, one, tmp_path, annotation, BAD)

    model, check = (
        ("scores", "less_than_or_equal_to(1)")
        if "SCORES" in annotation
        else ("Scores", "less_than_or_equal_to(1)")
    )
    message = f"input 'table': it does not fit '{model}': column 'score', row 1: '2.0' does not pass {check}"
    assert done.failure == ("inputs", message)


def test_a_schema_without_a_name_is_told_as_one(run_step, one, tmp_path):
    schema = "pa.DataFrameSchema({'score': pa.Column(float, pa.Check.le(1))})"

    done = load(run_step, one, tmp_path, f"Annotated[pd.DataFrame, {schema}]", BAD)

    message = "input 'table': it does not fit its schema: column 'score', row 1: '2.0' does not pass less_than_or_equal_to(1)"
    assert done.failure == ("inputs", message)


@pytest.mark.parametrize("annotation", ANNOTATIONS)
def test_a_frame_that_fits_has_the_types_that_its_model_asks_for(run_step, one, tmp_path, annotation):
    done = load(run_step, one, tmp_path, annotation, GOOD)

    assert done.failure is None
    assert done.json("out.json").startswith("datetime64")


@pytest.mark.parametrize("annotation", ["DataFrame", "pd.DataFrame", "Annotated[pd.DataFrame, 'Scores']"])
def test_a_frame_without_a_model_is_not_judged(run_step, one, tmp_path, annotation):
    assert load(run_step, one, tmp_path, annotation, BAD).failure is None


def test_several_misfits_are_listed(run_step, one, tmp_path):
    rows = "".join(f"n{number},-1.5,2024-01-01\n" for number in range(12))

    done = load(run_step, one, tmp_path, "DataFrame[Scores]", f"name,score,when\n{rows}")

    lines = [
        f"column 'score', row {number}: '-1.5' does not pass greater_than_or_equal_to(0)"
        for number in range(10)
    ]
    assert done.failure == ("inputs", f"input 'table': it does not fit 'Scores': {lines[0]} (and 11 more)")
    assert done.outcome.failure.traceback.splitlines() == [*lines, "and 2 more"]


@pytest.mark.parametrize(
    ("source", "outputs"),
    [
        ("def step() -> DataFrame[Scores]: return frame(0, 2)", ["out"]),
        (
            "def step() -> tuple[pd.DataFrame, DataFrame[Scores]]: return frame(2), frame(0, 2)",
            ["first", "out"],
        ),
        (
            f"{BOTH}def step() -> Both: return Both(frame(0, 2), frame(2))",
            ["last", "out"],
        ),
        (
            "def step(first) -> DataFrame[Scores]:\n    first.write_text('')\n    return frame(0, 2)",
            ["first", "out"],
        ),
    ],
    ids=["one", "a tuple", "names", "beside a written one"],
)
def test_a_returned_frame_that_does_not_fit_fails_the_step(run_step, source, outputs):
    done = run_step(MODELS + source, outputs={name: f"{name}.csv" for name in outputs})

    message = "output 'out': it does not fit 'Scores': column 'score', row 1: '2.0' does not pass less_than_or_equal_to(1)"
    assert done.failure == ("outputs", message)


def test_a_returned_frame_that_fits_is_saved(run_step):
    done = run_step(f"{MODELS}def step() -> DataFrame[Scores]: return frame(1)", outputs={"out": "out.csv"})

    assert done.failure is None
    assert done.output("out.csv").read_text() == "name,score,when\nn1,1.0,2024-01-01\n"


def test_a_value_that_is_no_frame_fails_in_words(run_step):
    done = run_step(f"{MODELS}def step() -> DataFrame[Scores]: return [1]", outputs={"out": "out.json"})

    kind, message = done.failure
    assert kind == "outputs"
    assert message.startswith("output 'out': it cannot be judged by 'Scores': ")


def test_a_frame_of_polars_is_loaded_as_one_and_judged(run_step, one, tmp_path):
    (tmp_path / "in.csv").write_text("score\n0.5\n2.0\n")
    source = """\
    import pandera.polars as pa
    from pandera.typing.polars import DataFrame


    class Scores(pa.DataFrameModel):
        score: float = pa.Field(le=1)


    def step(table: DataFrame[Scores]): return 1
    """

    done = run_step(source, inputs=(one("table", tmp_path / "in.csv"),), outputs={"out": "out.json"})

    message = "input 'table': it does not fit 'Scores': column 'score', row 1: '2.0' does not pass less_than_or_equal_to(1)"
    assert done.failure == ("inputs", message)
