"""Call one step of a pipeline once, with files instead of its inputs. Nothing is recorded, and nothing else runs.

What the user does not give is read as in a run: params of the file, external inputs, recorded outputs of complete
steps. The step is executed as in a run, in this process, and its outputs are put into a folder.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from pipespec.document.wording import listing
from pipespec.engine.manifest_parts import ManifestParts
from pipespec.engine.random_seed import RandomSeed
from pipespec.engine.step_jobs import JobPlace, job_for
from pipespec.errors import UsageError
from pipespec.frozen_values import frozen
from pipespec.operations.calling.call_failure import error_of
from pipespec.operations.calling.call_function import CallAnswer
from pipespec.operations.calling.given_values import Given, read_given
from pipespec.operations.calling.returned_value import require_free
from pipespec.operations.calling.scratch_folder import scratch_folder
from pipespec.operations.planning.gather_facts import gather_facts
from pipespec.operations.planning.pipeline_session import PipelineSession
from pipespec.operations.planning.plan_waves import Result
from pipespec.operations.planning.upstream_pipelines import OutsideResults
from pipespec.plan.records import StepRecord
from pipespec.project.planned_inputs import PlannedInputs
from pipespec.python.docstrings import headline
from pipespec.python.signature import CallableSource
from pipespec.python.signature_reader import read_signature
from pipespec.spec.call_options import CallOption, options_of_step
from pipespec.spec.pipeline_spec import (
    DirInput,
    FileInput,
    InputSpec,
    PipelineInput,
    PipelineSpec,
    StepInput,
    StepSpec,
)
from pipespec.spec.registered_models import ModelInput
from pipespec.state_folder import StateFolder
from pipespec.step.execute import execute
from pipespec.step.step_job import Artifact, StepJob, taken_outputs
from pipespec.tracking.artifacts import localise
from pipespec.tracking.models.mlflow_models import MlflowModels

__all__ = ["StepCall", "step_call"]


@frozen
class StepCall:
    """A step that can be called, and its options: files that replace inputs, values that replace params."""

    session: PipelineSession
    spec: PipelineSpec
    """The pipeline, including the variants of the steps that this step reads."""
    step: StepSpec
    summary: str
    options: tuple[CallOption, ...]

    is_step: ClassVar = True

    @property
    def name(self) -> str:
        """The name by which a user calls it."""
        return f"step {self.step.id}"

    def call(self, given: Given, out: Sequence[str] = (), *, force: bool = False) -> CallAnswer:
        """Execute the step, and put its outputs into a folder. Existing files are replaced only with `force`.

        `out` is that folder. Only a step without outputs can be called without it.

        Raises:
            UsageError: if the arguments do not fit, or an output of an upstream step does not exist; nothing is called
            then.
            StepFailedError: if the step failed; with the traceback.
        """
        values = read_given(self.options, given)
        to = self._folder(out)
        require_free([to / output.file for output in self.step.outputs.values()], force=force)
        step = replace(self.step, inputs=self._inputs(values.files))
        records = self._records(step)
        # Before the folder for the call is created: in it, MLflow's variables name another store.
        results = OutsideResults.of(self.spec, self.session.ledger).results([step])
        with scratch_folder() as folder:
            job = replace(
                self._job(step, records, results, folder), params={**step.param_values, **values.params}
            )

            def fetch(artifact: Artifact) -> Artifact:
                return localise(artifact, Path(job.downloads), self.session.ledger.tracking_uri)

            here = Path.cwd()
            outcome = execute(job, localise=fetch, models=MlflowModels(), attach=False)
            os.chdir(here)
            if outcome.failure is not None:
                raise error_of(outcome.failure)
            return CallAnswer(_put(taken_outputs(job.staging), [each.file for each in outcome.outputs], to))

    def _folder(self, out: Sequence[str]) -> Path:
        if not out and not self.step.outputs:
            return Path()
        if len(out) != 1 or "=" in out[0]:
            names = listing([output.file for output in self.step.outputs.values()])
            raise UsageError(f"--out: name one folder, which gets {names}")
        return Path(out[0])

    def _inputs(self, files: Mapping[str, Path]) -> Mapping[str, InputSpec]:
        inputs = dict(self.step.inputs)
        for name, path in files.items():
            kind = DirInput if path.is_dir() else FileInput
            inputs[name] = replace(inputs[name], source=kind(str(path), str(path)))
        return inputs

    def _records(self, step: StepSpec) -> Mapping[str, StepRecord]:
        """Return the records of the steps that are still read."""
        records = {}
        for name, spec in step.inputs.items():
            if isinstance(spec.source, StepInput):
                for producer in spec.source.producers:
                    try:
                        records[producer] = self.session.record(self.spec.steps[producer])
                    except UsageError as error:
                        raise UsageError(
                            f"{error}; or give a file: --{name.replace('_', '-')} FILE"
                        ) from None
        return records

    def _job(
        self,
        step: StepSpec,
        records: Mapping[str, StepRecord],
        results: Mapping[PipelineInput | ModelInput, Result],
        folder: Path,
    ) -> StepJob:
        spec, source = self.spec, self.session.source
        told = {other: result.record for other, result in results.items()}
        facts = gather_facts(spec, [step], source.modules, results=told)
        staging = folder / "staging"
        staging.mkdir()
        place = JobPlace(
            tracking_uri="",
            run_id="",
            experiment_id="",
            artifact_uri="",
            staging=staging,
            log=folder / "log",
            downloads=StateFolder.of(spec.root).made().downloads,
            secrets=source.redactor().names,
        )
        job = job_for(
            step,
            spec,
            facts,
            key=None,
            seed=RandomSeed(0 if step.is_seeded else None),
            upstream=records,
            external=PlannedInputs(
                spec.root, facts.files, {one: found.artifact for one, found in results.items()}
            ),
            parts=ManifestParts(self.session.ledger),
            place=place,
            code_files={},
        )
        return replace(job, tracking_uri=None, run_id=None, experiment_id=None, artifact_uri=None)


def step_call(session: PipelineSession, step: str) -> StepCall:
    """Find a step of a pipeline. Nothing is imported.

    Raises:
        UsageError: if the words mean no step, or several.
    """
    found, spec = session.step(step), session.spec
    read = (id_ for source in found.step_inputs for id_ in source.producers)
    if any(id_ not in spec.steps or spec.steps[id_].deferred for id_ in (found.id, *read)):
        spec = session.plan(found.id).pipeline  # some variants are known only from records
        found = spec.steps[found.id]
    source = read_signature(found.call, session.spec.module_folders, session.source.modules)
    known = source if isinstance(source, CallableSource) else None
    summary = found.description or ("" if known is None else headline(known))
    return StepCall(session, spec, found, summary, options_of_step(found, known))


def _put(made: Path, files: Sequence[str], to: Path) -> tuple[Path, ...]:
    """Move outputs into a folder, and replace what has the same names."""
    places = []
    for file in files:
        target = to / file.rstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_dir() and not target.is_symlink():
            shutil.rmtree(target)
        shutil.move(made / file.rstrip("/"), target)
        places.append(target)
    return tuple(places)
