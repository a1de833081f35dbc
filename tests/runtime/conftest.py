"""A project whose rendered module is run by Luigi's command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

LIMIT = 240.0
REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ended:
    code: int
    said: str


class Rendered:
    """A project, rendered and run by Luigi, and by pipespec to compare."""

    def __init__(self, project, python=sys.executable) -> None:
        self.project = project
        self.python = python

    def render(self, *options, file="pipeline.yaml", module="made"):
        answer = self.project.pipespec("render", file, *options, "-o", f"{module}.py")
        assert answer.code == 0, answer.err
        return (self.project.folder / f"{module}.py").read_text(encoding="utf-8")

    def start(self, *options, task="Pipeline", module="made", scheduler="--local-scheduler", **variables):
        return subprocess.Popen(
            [self.python, "-m", "luigi", "--module", module, task, scheduler, "--no-lock", *options],
            cwd=self.project.folder,
            env=self.project.environment(**variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def luigi(self, *options, **how):
        process = self.start(*options, **how)
        said, _ = process.communicate(timeout=LIMIT)
        return Ended(process.returncode, said)

    def executed(self, *options, code=0, **how):
        """Run by Luigi, and return the steps that were executed: those of new runs in MLflow."""
        before = self.runs()
        ended = self.luigi(*options, **how)
        assert ended.code == code, ended.said
        return sorted(step for run, (step, _) in self.runs().items() if run not in before)

    def runs(self):
        """Return the runs of steps by id, with step and status, as MLflow's database has them."""
        if not (self.project.folder / "mlflow.db").exists():
            return {}
        rows = self.project.query(
            "SELECT run_uuid, value, status FROM runs JOIN tags USING (run_uuid) WHERE key = 'pipespec.step'"
        )
        return {run: (step, status) for run, step, status in rows}

    def manifest(self, step):
        """Return the manifest of a step's one run."""
        (run,) = [run for run, (name, _) in self.runs().items() if name == step]
        (found,) = Path(self.project.folder, "mlartifacts").rglob(f"{run}/**/step.json")
        return json.loads(found.read_text())

    def left_over(self):
        """Return the processes whose working directory is the project's."""
        found = []
        for process in Path("/proc").iterdir():
            try:
                if process.name.isdigit() and Path(os.readlink(process / "cwd")) == self.project.folder:
                    found.append((process / "cmdline").read_text().replace("\0", " "))
            except OSError:
                continue
        return found


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """The runtime's wheel, built without an environment of its own: the test extra brings hatchling."""
    folder = tmp_path_factory.mktemp("runtime-wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=REPOSITORY / "runtime", check=True, capture_output=True, timeout=120)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture
def made(project):
    """The three sums."""
    return Rendered(project)


@pytest.fixture
def rendered_of():
    return Rendered


@pytest.fixture
def ended():
    """End what a test leaves, by its group."""
    started = []
    yield started.append
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
