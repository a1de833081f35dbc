"""`reproduce RUN`: run a past run again, without changing the project and its records, and compare the results.

Takes a ledger, the project root and the user's name for the run. Returns a `Reproduction`. The commit is checked out in
a temporary work tree, which gets the recorded changes and the recorded pipeline. That pipeline runs in a private store,
so that nothing is reused, and no record changes. Everything is removed at the end, even after an error, unless the user
wants to keep it.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from pipespec.activity import busy
from pipespec.document.nodes import JSON
from pipespec.errors import UsageError
from pipespec.frozen_values import frozen
from pipespec.operations.planning.open_store import read_store_at
from pipespec.operations.reproducing.compared_results import NewResult, compared_step
from pipespec.operations.reproducing.environments import UV, environment, require_uv
from pipespec.operations.reproducing.new_process import run_anew
from pipespec.operations.reproducing.rebuilt_project import RebuiltProject, rebuild
from pipespec.operations.reproducing.recorded_run import RecordedRun, recorded_run
from pipespec.plan.records import StepRecord
from pipespec.plan.reproduction import Reproduction, StepRepeat
from pipespec.plan.store_name import StoreName
from pipespec.project.installed_packages import frozen_packages
from pipespec.project.work_tree import apply_patch, require_commit, work_tree
from pipespec.spec.pipeline_spec import PRIVATE_STORE
from pipespec.state_folder import StateFolder
from pipespec.tracking.artifacts import local_path, localise
from pipespec.tracking.reading.ledger import Ledger
from pipespec.tracking.record_artifacts import recorded_artifact
from pipespec.tracking.run_facts import finished_record
from pipespec.tracking.tracking_uri import shown

__all__ = ["ReproduceOptions", "reproduce"]

_TREE: Final = "worktree"


@frozen
class ReproduceOptions:
    """How a run is reproduced. None means: as it is now, or in a temporary folder."""

    tolerance: float = 0.0
    environment: str | None = None
    folder: Path | None = None
    keep: bool = False
    workers: int | None = None
    quiet: bool = True


def reproduce(ledger: Ledger, name: str, root: Path, options: ReproduceOptions) -> Reproduction:
    """Run it again, and compare.

    Raises:
        UsageError: if it cannot be run again, with the reason; nothing has run then.
        PipespecError: if the work tree or the environment cannot be created.
        StoreUnavailableError: if the store cannot be read.
    """
    if not options.tolerance >= 0:
        raise UsageError(f"the tolerance {options.tolerance} is negative")
    if options.environment not in (None, UV):
        raise UsageError(f"'{options.environment}' makes no environments; the one that does is '{UV}'")
    with busy("reading what is recorded"):
        run = recorded_run(name, ledger)
    if options.environment is not None:
        require_uv()
    require_commit(root, run.git.commit)
    with _folder(options) as folder:
        with busy(f"checking out commit {run.git.commit[:12]}"):
            tree = work_tree(root, run.git.commit, folder / _TREE, keep=options.keep)
        with tree as checked_out:
            apply_patch(checked_out, run.patch)
            project = rebuild(run, checked_out, root, ledger)
            return _Reproducing(ledger, root, run, options, folder, project).made()


@contextmanager
def _folder(options: ReproduceOptions) -> Iterator[Path]:
    """Make the folder in which everything is done, and remove it."""
    folder = options.folder
    if folder is None:
        folder = Path(tempfile.mkdtemp(prefix="pipespec-reproduce-")).resolve()
    else:
        try:
            folder.mkdir(parents=True)
        except OSError as error:
            why = "it is there already" if isinstance(error, FileExistsError) else error.strerror or error
            raise UsageError(
                f"the folder '{folder}' cannot be made: {why}; name one that is not there yet"
            ) from error
        folder = folder.resolve()
    try:
        yield folder
    finally:
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)


@frozen
class _Reproducing:
    """One reproduction, with everything that it needs prepared."""

    ledger: Ledger
    root: Path
    run: RecordedRun
    options: ReproduceOptions
    folder: Path
    project: RebuiltProject

    def made(self) -> Reproduction:
        """Run the pipeline again, and compare the results."""
        run, root = self.run, self.project.root
        python, packages = Path(sys.executable), frozen_packages()
        extra: tuple[Path, ...] = ()
        if self.options.environment is not None:
            python, extra = environment(self.folder, run.packages, run.provenance.python, self.root)
            packages = run.packages
        answer = run_anew(self._request(), python=python, root=root, project=self.root, extra=extra)
        with read_store_at(PRIVATE_STORE, None, root) as new:
            steps = self._compared(answer, new)
        return Reproduction(
            run.run_id,
            run.pipeline,
            run.invocation,
            run.git.commit,
            bool(run.patch),
            steps,
            StoreName(shown(self.ledger.tracking_uri), self.root),
            self.options.tolerance,
            dict(self._surroundings(packages)),
            self._notes(),
            str(self.folder) if self.options.keep else None,
            answer.get("interrupted_by"),
        )

    def _request(self) -> Mapping[str, JSON]:
        return {
            "runs": [
                {
                    "file": str(file),
                    "steps": [*point.steps],
                    "seeds": {
                        step: known.seed
                        for step, known in self.run.steps_at(point).items()
                        if known.seed is not None
                    },
                }
                for file, point in zip(self.project.files, self.run.points, strict=True)
            ],
            "models": {text: asdict(model) for text, model in self.project.models.items()},
            "workers": self.options.workers,
            "quiet": self.options.quiet,
            "command": f"pipespec reproduce {self.run.run_id}",
        }

    def _compared(self, answer: Mapping[str, Any], new: Ledger) -> tuple[StepRepeat, ...]:
        told = {
            whole: step
            for done, point in zip(answer["runs"], self.run.points, strict=False)
            for step in done["steps"]
            if (whole := point.steps.get(step["step"])) is not None
        }
        run_ids = {step["run_id"] for step in told.values() if step.get("run_id")}
        found = new.runs(run_ids)
        repeats = []
        for step, known in self.run.steps.items():
            became = told.get(step, {"run_id": None, "error": "it did not run"})
            facts = found.get(became["run_id"])
            record = None if facts is None else finished_record(facts)
            error = became.get("error") or (None if record else f"it was {became.get('state')}")
            stores = {known.record.run_id: (self.ledger, self.root)}

            def local(record: StepRecord, output: str, stores: Mapping[str, Any] = stores) -> Path:
                store, root = stores.get(record.run_id, (new, self.project.root))
                downloads = StateFolder.of(root).made().downloads
                place = local_path(
                    localise(recorded_artifact(record, output), downloads, store.tracking_uri).location
                )
                assert place is not None
                return place

            repeats.append(
                compared_step(step, known.record, NewResult(record, error), self.options.tolerance, local)
            )
        return tuple(repeats)

    def _surroundings(self, packages: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, str | None]]]:
        """Yield what has changed: name, then, now."""
        told, system = self.run.provenance, os.uname()
        python = told.python if self.options.environment else platform.python_version()
        pairs = {
            "Python": (told.python, python),
            "platform": (told.platform, f"{system.sysname} {system.release} {system.machine}"),
        }
        yield from ((name, pair) for name, pair in pairs.items() if pair[0] != pair[1])
        before, after = _versions(self.run.packages), _versions(packages)
        for name, then in before.items():
            if then != after.get(name):
                yield name, (then, after.get(name))

    def _notes(self) -> tuple[str, ...]:
        left_out = (
            f"what was not committed of '{path}' was not recorded: {why}"
            for path, why in self.run.git.patch.left_out.items()
        )
        return (*left_out, *self.project.notes)


def _versions(packages: tuple[str, ...]) -> dict[str, str]:
    """Return the version, or the URL, of each package by its name."""
    parts = (line.partition(" @ ") if " @ " in line else line.partition("==") for line in packages)
    return {name: value for name, _, value in parts}
