"""What a manifest says of inputs, as MLflow's datasets."""

import pytest

from pipespec.tracking.run_datasets import RunDataset, datasets_of_run, outside_datasets

DIGEST = "0123456789abcdef" * 4
SHORT = DIGEST[:16]
RUN = "a" * 32
OWN = {"step": "a", "output": "o", "file": "o.csv", "run_id": RUN, "digest": DIGEST}
ENTRIES = [
    (OWN, RunDataset("a.o", SHORT, "local", f'{{"uri": "runs:/{RUN}/o.csv"}}'), False),
    (
        {**OWN, "file": "o/", "part": "b/c.csv"},
        RunDataset("a.o/b/c.csv", SHORT, "local", f'{{"uri": "runs:/{RUN}/o/b/c.csv"}}'),
        False,
    ),
    (
        {**OWN, "pipeline": "b.yaml"},
        RunDataset("a.o of b.yaml", SHORT, "local", f'{{"uri": "runs:/{RUN}/o.csv"}}'),
        True,
    ),
    (
        {**OWN, "model": "m@best", "name": "m", "version": 3},
        RunDataset("m@best", SHORT, "local", '{"uri": "models:/m/3"}'),
        True,
    ),
    ({"external": "d.csv", "digest": DIGEST}, RunDataset("d.csv", SHORT, "local", '{"uri": "d.csv"}'), True),
    (
        {"external": "s3://b/d", "digest": DIGEST},
        RunDataset("s3://b/d", SHORT, "s3", '{"uri": "s3://b/d"}'),
        True,
    ),
    (
        {"external": "https://u:p@h/d", "digest": DIGEST},
        RunDataset("https://u:***@h/d", SHORT, "http", '{"url": "https://u:***@h/d"}'),
        True,
    ),
]


@pytest.mark.parametrize(("entry", "expected", "is_outside"), ENTRIES)
def test_an_input_is_a_dataset(entry, expected, is_outside):
    assert datasets_of_run({"x": [entry, entry]}, {}, step="s", run_id=RUN) == (expected,)
    assert outside_datasets([{"x": entry}]) == ((expected,) if is_outside else ())


def test_no_more_than_50_are_told():
    many = {"x": [{**OWN, "output": f"o{place}"} for place in range(99)]}
    assert len(datasets_of_run(many, {}, step="s", run_id=RUN)) == 50
