"""A function that tests a step's outputs before they are recorded."""

import pytest

STEP = """
from pathlib import Path
import json

def step(least: int = 1, folder: Path = None):
    return {"rows": 3}, [1, 2]

def fills(weights: Path):
    (weights / "a.txt").write_text("a")

"""
OUTPUTS = (("table", "table.json"), ("list", "list.json"))


@pytest.fixture
def tested(run_step):
    def run(test, *, outputs=OUTPUTS, **fields):
        return run_step(STEP + test, outputs=outputs, after="steps:test", **fields)

    return run


@pytest.mark.parametrize(
    "test",
    [
        "def test(table): assert table == {'rows': 3}",
        "def test(list, table: dict): assert (list, table) == ([1, 2], {'rows': 3})",
        "def test(table: Path): assert json.loads(table.read_text()) == {'rows': 3}",
        "def test(table, least: int): assert table['rows'] >= least",
        "def test(table, other=1): return True",
        "def test(**outputs): assert outputs == {'table': {'rows': 3}, 'list': [1, 2]}",
        "def test(): return None",
    ],
)
def test_it_gets_the_outputs_and_params_that_it_names(tested, test):
    done = tested(test, params={"least": 2})

    assert done.failure is None
    assert (done.json("table.json"), done.json("list.json")) == ({"rows": 3}, [1, 2])


@pytest.mark.parametrize(
    ("test", "failure"),
    [
        ("def test(table): raise ValueError('too few rows')", ("raised", "ValueError: too few rows")),
        ("def test(table): return False", ("outputs", "'steps:test' refused the outputs: it returned False")),
        ("def test(table): import numpy; return numpy.False_", ("outputs", "'steps:test' refused the outputs: it returned False")),
        ("def test(tabel): ...", ("binding", "after: there is no output or param 'tabel'")),
        ("def test(table: bytes, least: int): ...", ("binding", "after: there is no output or param 'least'")),
    ],
)  # fmt: skip
def test_it_can_fail_the_step(tested, test, failure):
    done = tested(test)

    assert done.failure == failure
    assert done.outcome.outputs == ()


def test_a_param_is_converted_by_the_annotation_of_each_function(run_step):
    source = """
        from datetime import date
        def step(day: date): return {"year": day.year}
        def test(day: str, year: dict): assert (day, year["year"]) == ("2024-02-01", 2024)
    """

    done = run_step(source, outputs=[("year", "year.json")], params={"day": "2024-02-01"}, after="steps:test")

    assert done.failure is None


def test_it_cannot_change_what_is_recorded(tested):
    done = tested("def test(table: Path): table.write_text('{}')")

    assert (done.failure, done.json("table.json")) == (None, {"rows": 3})


def test_a_folder_arrives_as_a_path(tested):
    test = "def test(weights): assert [one.name for one in weights.iterdir()] == ['a.txt']"

    assert tested(test, function="fills", outputs=[("weights", "weights/")]).failure is None


def test_an_output_that_was_not_written_is_told_as_without_it(tested):
    done = tested(
        "def fills2(weights: Path): ...\ndef test(weights): 1 / 0",
        function="fills2",
        outputs=[("weights", "w.txt")],
    )

    assert done.failure == ("outputs", "output 'weights': no file was written to its path")
