"""What is the same, close or different: numbers in text within a tolerance, everything else byte by byte."""

import math

import pytest

from pipespec.operations.reproducing.compared_results import NewResult, compared_step, is_close
from pipespec.plan.records import OutputRecord, StepRecord
from pipespec.plan.reproduction import MetricRepeat, OutputRepeat, Repeat
from pipespec.step.content_digest import digest_file

SAME, CLOSE, DIFFERENT, MISSING = Repeat.SAME, Repeat.CLOSE, Repeat.DIFFERENT, Repeat.MISSING

TEXTS = [
    ("1.0", "1.0", 0, SAME, ""),
    ("1.0", "1.5", 0.3, DIFFERENT, "numbers differ by up to 0.5"),
    ("1.0", "1.5", 0.5, CLOSE, "numbers differ by up to 0.5"),
    ("1.0", "1", 0.1, CLOSE, "equal numbers are written in another way"),
    ("1.0", "1", 0, DIFFERENT, "equal numbers are written in another way"),
    ("2000000", "2000001", 1e-6, CLOSE, "numbers differ by up to 1"),
    (
        '{"a": -1e-3, "b": [1, .5]}',
        '{"a": -1.1e-3, "b": [1, .5]}',
        1e-3,
        CLOSE,
        "numbers differ by up to 0.0001",
    ),
    ('{"a": 1}', '{"b": 1}', 9, DIFFERENT, ""),
    ("a,b\n1,2\n", "a,b\n1,2\n3,4\n", 9, DIFFERENT, ""),
    ("a\nnan\n", "a\nNaN\n", 0.1, CLOSE, "equal numbers are written in another way"),
    ("inf", "1", 9, DIFFERENT, "numbers differ by up to inf"),
    ("inf", "-inf", 9, DIFFERENT, "numbers differ by up to inf"),
    ("x\0001", "x\0002", 9, DIFFERENT, ""),
    (b"\xff1", b"\xff2", 9, DIFFERENT, ""),
    ("info 1", "infx 1", 9, DIFFERENT, ""),
    ("id a1", "id a2", 9, DIFFERENT, ""),
    ("2024-01-02", "2024-01-03", 0.1, DIFFERENT, "numbers differ by up to 1"),
]


def record(folder, name, content, metrics=None):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    digest, size = digest_file(path)
    outputs = {"o": OutputRecord(digest, size, 1, name)}
    return StepRecord(
        name, "s", "k" * 64, outputs, 0, started=1.0, ended=2.0, artifact_uri="", metrics=metrics or {}, experiment_id=""
    )  # fmt: skip


@pytest.mark.parametrize(("one", "other", "tolerance", "repeat", "detail"), TEXTS)
def test_files_are_compared_by_bytes_and_then_by_their_numbers(
    tmp_path, one, other, tolerance, repeat, detail
):
    then, now = record(tmp_path, "then", one), record(tmp_path, "now", other)
    found = compared_step(
        "s", then, NewResult(now), tolerance, lambda record, output: tmp_path / record.outputs[output].file
    )
    assert found.outputs == (
        OutputRepeat("o", repeat, then.outputs["o"].digest, now.outputs["o"].digest, detail),
    )


def test_metrics_are_compared_with_those_that_a_user_has(tmp_path):
    metrics = {"a": 1.0, "b": 1.0, "c": math.nan, "d": 1.0, "gone": 1.0, "pipespec.seconds": 1.0}
    now = {"a": 1.0, "b": 1.1, "c": math.nan, "d": 3.0, "new": 1.0, "pipespec.seconds": 9.0}
    then = record(tmp_path, "o", "1", metrics)
    found = compared_step("s", then, NewResult(record(tmp_path, "o", "1", now)), 0.2, lambda *_: tmp_path)

    assert [(one.name, one.repeat) for one in found.metrics] == [
        ("a", SAME), ("b", CLOSE), ("c", SAME), ("d", DIFFERENT), ("gone", MISSING),
    ]  # fmt: skip
    assert found.metrics[-1] == MetricRepeat("gone", MISSING, 1.0, None)
    assert found.repeat is MISSING


def test_a_step_that_failed_has_nothing_to_compare(tmp_path):
    found = compared_step("s", record(tmp_path, "o", "1"), NewResult(None, "no"), 0.0, lambda *_: tmp_path)

    assert (found.error, found.repeat, found.is_same_key) == ("no", MISSING, True)


def test_folders_are_compared_file_by_file_and_the_first_difference_is_named(tmp_path):
    def tree(name, files):
        for file, content in files.items():
            (tmp_path / name / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name / file).write_text(content)
        outputs = {"o": OutputRecord(name.ljust(64), 1, len(files), f"{name}/")}
        return StepRecord(name, "s", "k", outputs, 0, 1.0, 2.0, "", {}, "")

    def repeat(one, other, tolerance=0.1):
        found = compared_step(
            "s", one, NewResult(other), tolerance, lambda record, _: tmp_path / record.run_id
        )
        return found.outputs[0].repeat, found.outputs[0].detail

    base = tree("base", {"a.txt": "1", "b/c.txt": "2"})
    assert repeat(base, tree("close", {"a.txt": "1", "b/c.txt": "2.05"})) == (
        CLOSE,
        "'b/c.txt': numbers differ by up to 0.05",
    )
    assert repeat(base, tree("other", {"a.txt": "x", "b/c.txt": "2.05"})) == (DIFFERENT, "'a.txt'")
    assert repeat(base, tree("more", {"a.txt": "1", "b/c.txt": "2", "d": ""})) == (DIFFERENT, "'d' is new")
    assert repeat(base, tree("less", {"a.txt": "1"})) == (DIFFERENT, "'b/c.txt' is not there any more")


@pytest.mark.parametrize(
    ("one", "other", "tolerance", "expected"),
    [(0.0, 1e-7, 1e-6, True), (1e9, 1e9 + 100, 1e-6, True), (1e9, 1e9 + 2000, 1e-6, False), (math.nan, 1.0, 9, False)],
)  # fmt: skip
def test_the_tolerance_is_relative_beyond_1(one, other, tolerance, expected):
    assert is_close(one, other, tolerance) is expected
