"""`run_step` executes a job in a process of its own, forked from one that has nothing but pipespec loaded."""

import json
import os
import pickle
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipespec.step.outcome_file import read_outcome
from pipespec.step.step_job import Artifact, InputJob, OutputJob, StepJob, StepOutcome, taken_outputs

FORKER = """
import contextlib, os, pickle, sys
from pathlib import Path
from pipespec.step.arguments.planned_sources import compile_beforehand
from pipespec.step.execute import execute
from pipespec.step.loaded_files import note_loaded
from pipespec.step.outcome_file import write_outcome

note_loaded()

@contextlib.contextmanager
def during():
    print("entered")
    try:
        yield
    finally:
        print("left")

for line in sys.stdin:
    folder = Path(line.rstrip("\\n"))
    job, environment, options = pickle.loads((folder / "job.pickle").read_bytes())
    compile_beforehand(job.code_files, job.code_folder)
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            os.environ.clear()
            os.environ.update(environment)
            if options.pop("during", False):
                options["during"] = during
            if "localise" in options:
                place = options["localise"]
                options["localise"] = lambda artifact: type(artifact)(place, artifact.digest, artifact.name)
            if "code_digest" in options:
                digest = options["code_digest"]
                options["code_digest"] = lambda: digest
            if options.pop("on_error", False):
                options["on_error"] = lambda error: (folder / "error").write_text(repr(error))
            write_outcome(execute(job, **options), folder / "result")
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(pid, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
"""


@pytest.fixture(scope="session")
def forker():
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", FORKER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )

    def run(folder: Path) -> int:
        process.stdin.write(f"{folder}\n")
        process.stdin.flush()
        return int(process.stdout.readline())

    yield run
    process.stdin.close()
    process.stdout.close()
    assert process.wait(timeout=10) == 0


@dataclass(frozen=True)
class Execution:
    outcome: StepOutcome | None
    code: int
    folder: Path
    staging: Path
    log: str

    @property
    def failure(self):
        return (
            None
            if self.outcome.failure is None
            else (self.outcome.failure.kind, self.outcome.failure.message)
        )

    def output(self, name: str) -> Path:
        return taken_outputs(self.staging) / name

    def json(self, name: str):
        return json.loads(self.output(name).read_text())


@pytest.fixture
def run_step(forker, tmp_path):
    """Run `function` of the module `steps`, whose source is `source`; other keywords go into the job."""
    count = 0

    def run(
        source, *, function="step", outputs=(), environment=(), options=(), job_environment=None, **fields
    ) -> Execution:
        nonlocal count
        count += 1
        folder = tmp_path / f"execution{count}"
        project = tmp_path / "project"
        staging = folder / "staging"
        log = folder / "log.txt"
        staging.mkdir(parents=True)
        project.mkdir(exist_ok=True)
        (project / "steps.py").write_text(textwrap.dedent(source))
        job = StepJob(
            step="step[x=1]",
            call=fields.pop("call", f"steps:{function}"),
            module_folders=(str(project),),
            root=str(project),
            staging=str(staging),
            log=str(log),
            outputs=tuple(
                output if isinstance(output, OutputJob) else OutputJob(*output)
                for output in (outputs.items() if isinstance(outputs, dict) else outputs)
            ),
            environment=job_environment or {},
            **fields,
        )
        environ = {"PATH": os.environ["PATH"], **dict(environment)}
        (folder / "job.pickle").write_bytes(pickle.dumps((job, environ, dict(options))))
        code = forker(folder)
        text = log.read_text(errors="replace") if log.exists() else ""
        return Execution(read_outcome(folder / "result"), code, folder, staging, text)

    return run


@pytest.fixture
def one():
    """Make the input of one artifact."""

    def make(argument, path, digest=None, *, name=None, **fields) -> InputJob:
        location = f"{path}/" if Path(path).is_dir() else str(path)
        return InputJob(argument, "one", (Artifact(location, digest, name or Path(path).name),), **fields)

    return make
