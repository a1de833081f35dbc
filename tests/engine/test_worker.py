"""What a worker leaves: outputs where its run's files are, and one record."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest

from pipespec.engine.processes.executors import LocalExecutor
from pipespec.engine.processes.step_worker import prepare
from pipespec.step.outcome_file import read_outcome, write_outcome
from pipespec.step.step_job import Artifact, InputJob, OutputJob, StepJob, StepOutcome, result_path


@pytest.fixture
def job(tmp_path):
    (tmp_path / "worked.py").write_text(
        "from pathlib import Path\n\n"
        "def work(text: str, folder: Path):\n"
        "    (folder / 'inner').mkdir()\n"
        "    (folder / 'inner' / 'a.txt').write_text(text)\n"
        "    return text.upper()\n"
    )
    (tmp_path / "input.txt").write_text("said")
    (tmp_path / "staging").mkdir()
    return StepJob(
        step="work",
        call="worked:work",
        module_folders=(str(tmp_path),),
        root=str(tmp_path),
        staging=str(tmp_path / "staging"),
        log=str(tmp_path / "log"),
        inputs=(InputJob("text", "one", (Artifact(str(tmp_path / "input.txt"), None, "input.txt"),)),),
        outputs=(OutputJob("folder", "folder/"), OutputJob("loud", "loud.txt")),
        tracking_uri=f"sqlite:///{tmp_path}/mlflow.db",
        run_id="0" * 32,
        experiment_id="0",
        artifact_uri=(tmp_path / "artifacts").as_uri(),
    )


def execute(job, tmp_path):
    executor = LocalExecutor(folder=tmp_path, log=tmp_path / "template.log")
    try:
        executor.submit(job, timeout=60.0)
        found = []
        while not found:
            found = executor.wait(1.0)
        return found[0]
    finally:
        executor.close()


def test_outputs_are_where_the_runs_files_are(job, tmp_path):
    outcome = execute(job, tmp_path)

    assert outcome.failure is None
    assert (tmp_path / "artifacts/folder/inner/a.txt").read_text() == "said"
    assert (tmp_path / "artifacts/loud.txt").read_text() == "SAID"
    assert not (tmp_path / "mlflow.db").exists()


def test_outputs_that_cannot_be_put_there_fail_the_step(job, tmp_path):
    (tmp_path / "file").touch()

    outcome = execute(replace(job, artifact_uri=(tmp_path / "file").as_uri()), tmp_path)

    assert outcome.failure.kind == "store"
    assert outcome.failure.message.startswith("its outputs could not be uploaded: ")


def test_a_record_that_is_there_already_is_not_replaced(job, tmp_path, monkeypatch):
    first = StepOutcome("work", 1.0)
    write_outcome(first, result_path(job.staging))
    monkeypatch.setattr(
        "pipespec.engine.processes.step_worker.work", lambda _job, **_: replace(first, seconds=2.0)
    )

    with pytest.raises(FileExistsError):
        prepare(pickle.dumps(job))(lambda: None)

    assert read_outcome(result_path(job.staging)) == first
