import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipespec.step.failure import StepError
from pipespec.step.metrics import MAX_METRICS, read_metrics


def metrics(tmp_path, content: str, file="scores.json", part=None):
    place = tmp_path / file
    target = place / part if part else place
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(content)
    return read_metrics("scores", place, file, part)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"f1": 0.5, "n": 3}, {"f1": 0.5, "n": 3.0}),
        (
            {"a": {"b": {"c": 1}}, "d": [1, [2.5, {"e": 3}]]},
            {"a.b.c": 1.0, "d.0": 1.0, "d.1.0": 2.5, "d.1.1.e": 3.0},
        ),
        ({"ok": True, "name": "x", "none": None, "empty": {}}, {}),
        ([0.5, 1], {"0": 0.5, "1": 1.0}),
        (0.93, {"scores": 0.93}),
        (
            {"macro avg": {"f1-score": 1}, "ü_1": 2, "a/b:c": 3},
            {"macro avg.f1-score": 1.0, "ü_1": 2.0, "a/b:c": 3.0},
        ),
        ({"n": 2**63}, {"n": float(2**63)}),
    ],
)
def test_numeric_leaves_have_dotted_names(tmp_path, value, found):
    result = metrics(tmp_path, json.dumps(value))

    assert result == found
    assert list(result) == list(found)
    assert all(type(number) is float for number in result.values())


def test_yaml_and_a_file_in_a_directory_are_read_too(tmp_path):
    assert metrics(tmp_path, "f1: 0.5\nwhen: 2021-10-01\n", "scores.yaml") == {"f1": 0.5}
    assert metrics(tmp_path, '{"f1": 1}', "model/", "deep/scores.json") == {"f1": 1.0}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"a": {"b": NaN}}', "metric 'a.b' is nan, which is no number to compare with"),
        ('{"a": -Infinity}', "metric 'a' is -inf, which is no number to compare with"),
        ('{"a": 1' + "0" * 400 + "}", "metric 'a' is too large for a float"),
        ('{"a": 1e999}', "metric 'a' is inf, which is no number to compare with"),
        ('{"a.b": 1, "a": {"b": 2}}', "'scores.json' has two numbers that are both called 'a.b'"),
        (
            '{"f1 (macro)": 1}',
            "metric 'f1 (macro)': MLflow takes letters, digits, spaces and '_', '-', '.', ':', '/' in a name",
        ),
        (
            '{"a//b": 1}',
            "metric 'a//b': MLflow takes letters, digits, spaces and '_', '-', '.', ':', '/' in a name",
        ),
        (
            '{"../b": 1}',
            "metric '../b': MLflow takes letters, digits, spaces and '_', '-', '.', ':', '/' in a name",
        ),
        ('{"' + "x" * 251 + '": 1}', "the name of metric '" + "x" * 59 + "…' has more than 250 characters"),
        (
            "[" + "1," * MAX_METRICS + "1]",
            "'scores.json' has more than 10000 numbers; name an output of its own for the metrics",
        ),
        (
            "{",
            "'scores.json' cannot be loaded as object: json.decoder.JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
        ),
    ],
)
def test_what_is_no_metric_is_told(tmp_path, content, message):
    with pytest.raises(StepError) as refused:
        metrics(tmp_path, content)

    assert (refused.value.kind, str(refused.value)) == ("metrics", message)


def test_metrics_come_from_json_and_yaml_alone(tmp_path):
    with pytest.raises(StepError, match=r"^metrics are read from .json and .yaml, not from 'scores.csv'$"):
        metrics(tmp_path, "a\n1\n", "scores.csv")


def test_a_part_that_is_not_there_is_told(tmp_path):
    (tmp_path / "model").mkdir()

    with pytest.raises(StepError, match=r"^output 'scores' has no file 'x.json'$"):
        read_metrics("scores", tmp_path / "model", "model/", "x.json")


@given(st.integers(1, 900))
def test_depth_is_no_matter(tmp_path_factory, depth):
    folder = tmp_path_factory.mktemp("m")

    found = metrics(folder, '{"a":' * depth + "1" + "}" * depth) if depth < 120 else {"a": 1.0}

    assert list(found.values()) == [1.0]


def test_names_are_those_that_mlflow_takes():
    from mlflow.utils.validation import _validate_metric_name

    from pipespec.step.metrics import _require

    for name in (
        "a",
        "a b",
        "a/b",
        "a:b",
        "ü",
        "a.b",
        "./a",
        "a/.",
        "a/../b",
        "/a",
        "a/",
        "a//b",
        "..",
        ".",
        "a(b",
        "a%",
        "a,b",
        "…",
    ):
        try:
            _validate_metric_name(name)
            theirs = True
        except Exception:
            theirs = False
        try:
            _require(name, 1.0)
            ours = True
        except StepError:
            ours = False
        assert ours == theirs, name
