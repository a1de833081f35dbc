"""Suggest what to do after a failure that the same command would repeat. Pure, except for the working directory.

Takes a failure and what its step read. Returns options to add to the command, or another command to run before it.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Final

from pipespec.plan.plan import Decision, Facts
from pipespec.plan.records import StepRecord
from pipespec.plan.results import Remedy
from pipespec.spec.pipeline_spec import PipelineInput
from pipespec.step.step_job import Failure

__all__ = ["VERIFY", "command_making", "refused_runs", "remedy_for"]

VERIFY: Final = "--verify"


def command_making(source: PipelineInput, step: str, *options: str) -> str:
    """Return the command that makes a result of another pipeline."""
    layers = [word for overlay in source.overlays for word in ("-f", os.path.relpath(overlay))]
    return shlex.join(["pipespec", "run", os.path.relpath(source.path), step, *layers, *options])


def refused_runs(
    decision: Decision, upstream: Mapping[str, StepRecord], failure: Failure, facts: Facts
) -> Mapping[str, PipelineInput | None]:
    """Return the runs whose content a step refused to read, each with its input from another pipeline.

    The place of refused content names the run that made it.
    """
    made: dict[str, PipelineInput | None] = {record.run_id: None for record in upstream.values()}
    for source in (spec.source for spec in decision.step.inputs.values()):
        if isinstance(source, PipelineInput) and source in facts.results:
            made[facts.results[source].run_id] = source
    return {run_id: made[run_id] for run_id in PurePosixPath(failure.refused).parts if run_id in made}


def remedy_for(refused: Mapping[str, PipelineInput | None], facts: Facts) -> Remedy | None:
    """Return the command that makes refused content again: its producer runs again, and checks content."""
    if not refused:
        return None
    for source in refused.values():
        if source is not None:
            return Remedy(before=command_making(source, facts.results[source].step, VERIFY))
    return Remedy(((VERIFY,),))
