import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipespec.document.mlflow_names import fit_name
from pipespec.step.failure import StepError
from pipespec.step.results.metric_reading import MAX_METRICS, read_metrics


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
    ("content", "found", "said"),
    [
        ('{"a": {"b": NaN}, "c": 1}', {"c": 1.0}, "metric 'a.b' is no finite number, and is not recorded"),
        ('{"a": -Infinity, "c": 1}', {"c": 1.0}, "metric 'a' is no finite number, and is not recorded"),
        ('{"a": 1' + "0" * 400 + "}", {}, "metric 'a' is no finite number, and is not recorded"),
        ('{"a": 1e999}', {}, "metric 'a' is no finite number, and is not recorded"),
        (
            '{"recall@10": 1}',
            {"recall_10": 1.0},
            "metric 'recall@10' is recorded as 'recall_10': MLflow takes no such name",
        ),
        ('{"<=50K": 1}', {"__50K": 1.0}, "metric '<=50K' is recorded as '__50K': MLflow takes no such name"),
        (
            '{"a@": 1, "a_": 2}',
            {"a_": 1.0, "a__2": 2.0},
            "metric 'a_' is recorded as 'a__2': MLflow takes no such name",
        ),
    ],
)
def test_what_mlflow_would_refuse_is_fitted_or_left_out_and_said(tmp_path, capsys, content, found, said):
    assert metrics(tmp_path, content) == found
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("name", ["f1 (macro)", "a//b", "../b", "/b", ".", "x" * 251, "", " "])
def test_any_name_is_fitted_to_one_that_mlflow_takes(tmp_path, name):
    from mlflow.utils.validation import _validate_metric_name

    (fitted,) = metrics(tmp_path, json.dumps({"in": {name: 1}}))
    _validate_metric_name(fitted)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"a.b": 1, "a": {"b": 2}}', "'scores.json' has two numbers that are both called 'a.b'"),
        (
            "[" + "1," * MAX_METRICS + "1]",
            "'scores.json' has more than 10000 numbers; use a separate output for the metrics",
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


def test_a_name_is_changed_just_where_mlflow_refuses_it():
    from mlflow.utils.validation import _validate_metric_name

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
        assert (fit_name(name) == name) == theirs, name
        _validate_metric_name(fit_name(name))
