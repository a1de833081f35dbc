"""A small project that the engine runs as it would for a user: real YAML, real records, real processes."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import sys
import textwrap
import time
from pathlib import Path

import pytest

from pipespec.document.yaml.yaml_reader import read
from pipespec.engine.run_plan import run_plan
from pipespec.engine.run_settings import RunSettings
from pipespec.plan.plan import Facts
from pipespec.plan.planner import make_plan
from pipespec.plan.records import OutputRecord
from pipespec.project.disk_modules import DiskModules
from pipespec.python.identity.counted_code import code_facts
from pipespec.spec.build_spec import build_spec
from pipespec.spec.pipeline_spec import FileInput
from pipespec.state_folder import StateFolder
from pipespec.step.content_digest import digest_file
from pipespec.step.step_job import Artifact
from pipespec.tracking.reading.open_ledger import open_ledger
from pipespec.tracking.started_run import NewInvocation
from pipespec.tracking.writing.new_store import make_store
from pipespec.tracking.writing.recorder import Recorder

PATIENCE = 60.0


class Told:
    """Notes what a run tells."""

    def __init__(self):
        self.total, self.events, self.on_start = None, [], {}

    def begin(self, total):
        self.total = total

    def started(self, event):
        self.events.append(("started", event.step, event.attempt))
        if event.step in self.on_start:
            self.on_start[event.step]()

    def ended(self, result):
        self.events.append(("ended", result.step, result.state.value))

    def store_away(self, away):
        self.events.append(("store", "back" if away is None else "away"))

    def note(self, text):
        self.events.append(("note", text))

    def awaits(self, event):
        self.events.append(("awaits", event.step, event.run_id, event.is_stopped))

    def tick(self):
        pass


class Files:
    """External inputs that are plain files."""

    def __init__(self, facts):
        self._facts = facts

    def artifacts(self, source):
        return (Artifact(source.path, self._facts.files[source.path].digest, Path(source.path).name),)


class Engine:
    """A project folder, and a run of what its pipeline says now."""

    def __init__(self, root):
        self.root, self.state = root, root / ".pipespec"
        self.told = Told()

    def write(self, name, text):
        path = self.root / name
        path.write_text(textwrap.dedent(text))
        return path

    def spec(self):
        file = self.root / "pipeline.yaml"
        spec, findings = build_spec(
            read(file.read_text(), file="pipeline.yaml"),
            file=file,
            root=self.root,
            folders={"pipeline.yaml": self.root},
        )
        assert not findings, findings
        return spec

    def facts(self, spec):
        modules = DiskModules(self.root)
        code = {
            str(call): code_facts(call, spec.module_folders, modules)
            for step in spec.steps.values()
            for call in step.callables
        }
        sources = {file: Path(file).read_bytes() for found in code.values() for file in found.files}
        inputs = [part.source for step in spec.steps.values() for part in step.inputs.values()]
        files = {
            source.path: OutputRecord(*digest_file(Path(source.path)), 1, Path(source.path).name)
            for source in inputs
            if isinstance(source, FileInput)
        }
        return Facts(code=code, files=files, sources=sources)

    def ledger(self):
        return open_ledger(None, root=self.root)

    def plan(self, *, forced=(), targets=(), ledger=None):
        spec = self.spec()
        with contextlib.ExitStack() as stack:
            records = ledger or stack.enter_context(self.ledger())
            return make_plan(spec, self.facts(spec), records, targets=targets, forced=forced)

    def settings(self, plan, **about):
        return RunSettings(
            state=StateFolder(self.state),
            invocation=lambda: NewInvocation(plan.pipeline.name, "pipespec run"),
            external=Files(plan.facts),
            grace=about.pop("grace", 2.0),
            **about,
        )

    def run(self, *, forced=(), targets=(), plan=None, next_wave=None, is_alone=True, **about):
        with self.ledger() as ledger:
            plan = plan or self.plan(forced=forced, targets=targets, ledger=ledger)
            report = run_plan(
                plan,
                ledger=ledger,
                open_recorder=lambda: Recorder.open(None, root=self.root),
                settings=self.settings(plan, **about),
                progress=self.told,
                next_wave=next_wave,
            )
        if is_alone:
            self.require_clean()
        return report

    def states(self, **about):
        return {result.step: result.state.value for result in self.run(**about).steps}

    def result(self, step, **about):
        return next(result for result in self.run(**about).steps if result.step == step)

    def query(self, statement, *values):
        """Ask MLflow's database itself."""
        with contextlib.closing(sqlite3.connect(self.root / "mlflow.db")) as database:
            return database.execute(statement, values).fetchall()

    def statuses(self, step):
        """All runs of a step, in order of their start."""
        return [
            status
            for (status,) in self.query(
                "select r.status from runs r join tags t on t.run_uuid = r.run_uuid"
                " where t.key = 'pipespec.step' and t.value = ? order by r.start_time",
                step,
            )
        ]

    def require_clean(self):
        """Nothing is left in the staging folder, and no process."""
        staging = self.state / "staging"
        assert not staging.exists() or list(staging.iterdir()) == []
        self.require_clean_processes()

    def require_clean_processes(self):
        until = time.monotonic() + PATIENCE
        while left := self.processes():
            assert time.monotonic() < until, left
            time.sleep(0.01)

    def processes(self):
        """The processes, but for this one, whose working directory is in the project: all that a run starts."""
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                ours = str(self.root) in os.readlink(entry / "cwd") if entry.name.isdigit() else False
                if ours and int(entry.name) != os.getpid():
                    found.append((entry.name, (entry / "cmdline").read_bytes()))
        return found


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory):
    """A store without runs: making one takes MLflow a second."""
    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    make_store(path)
    return path


def make_engine(root, empty_store):
    root.mkdir()
    (root / "pyproject.toml").touch()
    shutil.copy(empty_store, root / "mlflow.db")
    return Engine(root)


@pytest.fixture
def engine(tmp_path, empty_store, forked_templates):
    made = make_engine(tmp_path / "project", empty_store)
    yield made
    forget_modules(made.root)


def forget_modules(root):
    """Unload what a step that ran in the test's own process has imported: the next project has other modules."""
    for name, module in list(sys.modules.items()):
        if Path(getattr(module, "__file__", None) or "/").is_relative_to(root):
            del sys.modules[name]


@pytest.fixture(scope="module")
def shared_engine(tmp_path_factory, empty_store, forked_templates):
    """One project for the tests of a module, which only look at what one run of it left."""
    return make_engine(tmp_path_factory.mktemp("shared") / "project", empty_store)


@pytest.fixture
def sums(engine):
    """Three steps in a row."""
    engine.write(
        "steps.py",
        """
        def numbers(count: int) -> list:
            return list(range(count))

        def squares(numbers: list) -> list:
            return [number**2 for number in numbers]

        def total(squares: list) -> dict:
            print("adding up", len(squares))
            return {"total": sum(squares)}
        """,
    )
    engine.write(
        "pipeline.yaml",
        """\
        pipespec: 1
        name: sums
        steps:
          numbers: {call: 'steps:numbers', params: {count: 5}, outputs: {numbers: numbers.json}}
          squares: {call: 'steps:squares', inputs: {numbers: numbers}, outputs: {squares: squares.json}}
          total: {call: 'steps:total', inputs: {squares: squares}, outputs: {total: total.json}, metrics: total}
        """,
    )
    return engine
