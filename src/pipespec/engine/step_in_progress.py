"""A step from its claim to its publication: the decision about it, and where it executes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pipespec.engine.attempts import Claim
from pipespec.engine.random_seed import seed_of
from pipespec.engine.run_settings import RunSettings
from pipespec.engine.source_snapshot import SourceSnapshot
from pipespec.engine.step_jobs import JobPlace, PartDigests, job_for, planned_code
from pipespec.frozen_values import frozen
from pipespec.plan.plan import Decision, Plan
from pipespec.plan.records import StepRecord
from pipespec.step.step_job import StepJob

__all__ = ["StepInProgress"]


@frozen
class StepInProgress:
    """A step that executes for the `number`th time, on a `worker` that it does not share."""

    decision: Decision
    claim: Claim
    number: int
    worker: int
    started: float
    staging: Path
    log: Path
    upstream: Mapping[str, StepRecord]
    environment: Mapping[str, str]

    def job(
        self, plan: Plan, settings: RunSettings, parts: PartDigests, code: SourceSnapshot, tracking_uri: str
    ) -> StepJob:
        """Return everything that its process needs.

        Raises:
            PipespecError: if an external input is no longer as it was planned.
            StoreUnavailableError: if an earlier record cannot be read.
        """
        decision, started = self.decision, self.claim.started
        place = JobPlace(
            tracking_uri=tracking_uri,
            run_id=started.run_id,
            experiment_id=started.experiment_id,
            artifact_uri=started.artifact_uri,
            staging=self.staging,
            log=self.log,
            downloads=settings.state.downloads,
            secrets=settings.redact.names,
            code_folder=str(code.folder),
            environment=self.environment,
        )
        return job_for(
            decision.step,
            plan.pipeline,
            plan.facts,
            key=decision.key,
            seed=seed_of(decision, started.run_id, settings.seeds),
            upstream=self.upstream,
            external=settings.external,
            parts=parts,
            place=place,
            code_files=code.keep(planned_code(decision.step, plan.facts)),
        )
