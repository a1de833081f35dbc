"""Outputs in a report: what is gone, altered or too much has no preview, and fails nobody."""

import hashlib
from dataclasses import replace

import pytest

from pipespec.errors import StoreUnavailableError
from pipespec.operations.reporting.output_previews import Previews
from pipespec.plan.records import OutputRecord, StepRecord
from pipespec.plan.results import StepResult, StepState
from pipespec.step.secrets import Redactor
from pipespec.views.report.report_parts import PicturePreview, TextPreview


@pytest.fixture
def run(tmp_path):
    """Makes outputs of a run in a local store."""
    folder = tmp_path / "run"
    folder.mkdir()

    class Run:
        record = StepRecord("r", "step", "k", {}, 0, 1.0, 2.0, folder.as_uri())
        previews = Previews(tmp_path / "downloads", "sqlite:///x", Redactor({}))

        def write(self, name, content):
            (folder / name).write_bytes(content)
            return OutputRecord(hashlib.sha256(content).hexdigest(), len(content), 1, name)

        def show(self, output, record=None):
            holds = replace(record or self.record, outputs={"out": output})
            part = self.previews.of(StepResult("step", StepState.RAN), holds, "out")
            return part.preview, part.note

    made = Run()
    made.folder = folder
    return made


def test_what_is_there_is_shown(run):
    assert run.show(run.write("a.txt", b"hello")) == (TextPreview("hello"), "")
    assert run.show(run.write("m.pkl", b"hello")) == (None, "")
    assert run.show(OutputRecord("d", 10, 3, "model/")) == (None, "")


def test_what_is_gone_or_altered_says_so(run):
    gone, shorter, other = (run.write(name, b"hello") for name in ("a.txt", "b.txt", "c.txt"))
    (run.folder / "a.txt").unlink()
    (run.folder / "b.txt").write_bytes(b"hell")
    (run.folder / "c.txt").write_bytes(b"jello")

    assert run.show(gone) == (None, "missing or changed since then")
    assert run.show(shorter) == (None, "missing or changed since then")
    shown, note = run.show(other)
    assert shown is None
    assert "differs from what its run recorded" in note


def test_what_cannot_be_read_says_so(run):
    assert run.show(run.write("t.parquet", b"no")) == (None, "cannot be read as .parquet")
    assert run.show(run.write("t.json", b"{")) == (None, "cannot be read as .json")


def test_pictures_are_bounded_each_and_in_all(run):
    small, large = run.write("a.png", b"x" * (2 << 20)), run.write("b.png", b"x" * ((2 << 20) + 1))

    assert run.show(large) == (None, "a picture that is too large for a report")
    assert [isinstance(run.show(small)[0], PicturePreview) for _ in range(4)] == [True, True, True, False]


def test_outputs_are_bounded_and_what_is_left_out_is_said(run):
    text = run.write("a.txt", b"hello")

    shown = [run.show(text)[0] is not None for _ in range(63)]

    assert sum(shown) == 60
    assert run.previews.left_out == (
        "3 more outputs are listed without a preview; the maximum in a report is 60.",
    )


def test_a_remote_store_that_takes_too_long_is_not_waited_for(run, monkeypatch, tmp_path):
    import threading

    asked, go_on = [], threading.Event()

    def hang(artifact, downloads, uri):
        asked.append(artifact.name)
        go_on.wait(60)

    monkeypatch.setattr("pipespec.operations.reporting.output_previews.localise", hang)
    monkeypatch.setattr("pipespec.operations.reporting.output_previews._DOWNLOADING", 0.05)
    run.previews = Previews(tmp_path, "http://x", Redactor({}))
    record = StepRecord("r", "step", "k", {}, 0, 1.0, 2.0, "mlflow-artifacts:/0/r/artifacts")
    output = OutputRecord("d", 5, 1, "a.txt")

    notes = [run.show(output, record)[1] for _ in range(3)]
    go_on.set()

    assert notes == ["not downloaded: the store was too slow"] * 3
    assert asked == ["a.txt"]


def test_a_remote_store_is_asked_only_for_what_is_small_and_shown(run, monkeypatch):
    record = StepRecord("r", "step", "k", {}, 0, 1.0, 2.0, "mlflow-artifacts:/0/r/artifacts")
    monkeypatch.setattr(
        "pipespec.operations.reporting.output_previews.localise", lambda *_: pytest.fail("asked")
    )

    assert run.show(OutputRecord("d", 2 << 20, 1, "a.csv"), record) == (
        None,
        "too large to download for a report",
    )
    assert run.show(OutputRecord("d", 5, 1, "a.joblib"), record) == (None, "")


def test_a_remote_store_that_refuses_is_quoted(run, monkeypatch):
    record = StepRecord("r", "step", "k", {}, 0, 1.0, 2.0, "mlflow-artifacts:/0/r/artifacts")

    def refuse(*_):
        raise StoreUnavailableError("artifact store x: no")

    monkeypatch.setattr("pipespec.operations.reporting.output_previews.localise", refuse)

    assert run.show(OutputRecord("d", 5, 1, "a.csv"), record) == (None, "artifact store x: no")
