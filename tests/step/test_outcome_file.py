import dataclasses
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipespec.step.outcome_file import MAX_BYTES, read_outcome, write_outcome
from pipespec.step.step_job import Failure, SavedOutput, StepOutcome

OUTCOME = StepOutcome(
    step="train[depth=4]",
    seconds=1.5,
    outputs=(
        SavedOutput("model", "model/", "d" * 64, 5, 1, {"w": "e" * 64}),
        SavedOutput("s", "s.json", "f" * 64, 0, 1),
    ),
    metrics={"f1": 0.1, "n": 3.0},
    peak_bytes=10**9,
)
FAILED = StepOutcome("s", 0.0, failure=Failure("raised", "ValueError: ü", "line\nline"))


@pytest.mark.parametrize("outcome", [OUTCOME, FAILED])
def test_an_outcome_is_read_as_it_was_written(tmp_path, outcome):
    write_outcome(outcome, tmp_path / "result")

    assert read_outcome(tmp_path / "result") == outcome
    assert list(tmp_path.iterdir()) == [tmp_path / "result"]


texts = st.text(st.characters())


@given(
    st.builds(
        StepOutcome,
        texts,
        st.floats(0, 1e9),
        st.lists(
            st.builds(
                SavedOutput,
                texts,
                texts,
                texts,
                st.integers(0),
                st.integers(0),
                st.dictionaries(texts, texts),
            )
        ).map(tuple),
        st.dictionaries(texts, st.floats(allow_nan=False, allow_infinity=False)),
        st.integers(0, 2**63),
        st.none() | st.builds(Failure, texts, texts, texts),
    )
)
def test_any_outcome_survives(tmp_path_factory, outcome):
    path = tmp_path_factory.mktemp("r") / "result"

    write_outcome(outcome, path)

    assert read_outcome(path) == outcome


def test_a_second_result_is_refused(tmp_path):
    write_outcome(OUTCOME, tmp_path / "result")

    with pytest.raises(FileExistsError):
        write_outcome(FAILED, tmp_path / "result")

    assert read_outcome(tmp_path / "result") == OUTCOME
    assert list(tmp_path.iterdir()) == [tmp_path / "result"]


def test_a_torn_result_is_none(tmp_path):
    write_outcome(FAILED, tmp_path / "whole")
    content = (tmp_path / "whole").read_bytes()
    torn = tmp_path / "torn"
    for length in range(len(content) - 1):
        torn.write_bytes(content[:length])
        assert read_outcome(torn) is None, length
    torn.write_bytes(content[:-1])
    assert read_outcome(torn) == FAILED  # but for the line end, which says nothing


@given(st.data())
def test_a_damaged_result_is_none(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("r")
    write_outcome(FAILED, folder / "result")
    content = bytearray((folder / "result").read_bytes().rstrip())
    position = data.draw(st.integers(0, len(content) - 1))
    content[position] ^= data.draw(st.integers(1, 255))
    (folder / "damaged").write_bytes(content)

    assert read_outcome(folder / "damaged") in (None, FAILED)  # FAILED: another spelling of the same JSON


def test_what_is_no_result_of_ours_is_none(tmp_path):
    path = tmp_path / "result"
    assert read_outcome(path) is None
    body = dataclasses.asdict(FAILED)
    for content in (
        "",
        "[]",
        "1",
        "null",
        json.dumps(body),
        json.dumps(["pipespec-outcome-1", "0", body]),
        '"' * 9,
        "[" * 100_000,
    ):
        path.write_text(content)
        assert read_outcome(path) is None, content[:20]
    path.unlink()
    os.mkfifo(path)
    assert read_outcome(path) is None
    path.unlink()
    path.symlink_to("/dev/zero")
    assert read_outcome(path) is None


@pytest.mark.parametrize(
    "change",
    [{"seconds": "1"}, {"step": None}, {"outputs": [{}]}, {"extra": 1}, {"failure": "x"}, {"metrics": [1]}],
)
def test_a_result_of_another_shape_is_none(tmp_path, change):
    import hashlib

    body = json.dumps(dataclasses.asdict(OUTCOME) | change)
    digest = hashlib.sha256(body.encode()).hexdigest()
    (tmp_path / "result").write_text(f'["pipespec-outcome-1", "{digest}", {body}]')

    assert read_outcome(tmp_path / "result") is None


def test_a_result_without_bounds_is_none(tmp_path):
    with (tmp_path / "result").open("wb") as file:
        file.truncate(MAX_BYTES + 1)

    assert read_outcome(tmp_path / "result") is None


def test_a_result_of_fifty_thousand_files_is_read(tmp_path):
    manifest = {f"{'n' * 400}{number}": "e" * 64 for number in range(50_000)}
    outcome = StepOutcome("s", 1.0, (SavedOutput("m", "m/", "d" * 64, 1, len(manifest), manifest),))

    write_outcome(outcome, tmp_path / "result")

    assert Path(tmp_path / "result").stat().st_size < MAX_BYTES
    assert read_outcome(tmp_path / "result") == outcome
