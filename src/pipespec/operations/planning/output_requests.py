"""Which recorded outputs a user asks for: `step.output`, `step`, `step.output/part`, `step[*].output`.

Takes the words and a pipeline's session; gives one request for each step that they mean. Refuses words that mean nothing.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from pipespec.errors import UsageError
from pipespec.frozen_values import frozen
from pipespec.operations.planning.pipeline_session import PipelineSession
from pipespec.plan.records import StepRecord
from pipespec.plan.step_selection import select
from pipespec.spec.pipeline_spec import StepSpec
from pipespec.step.step_job import Artifact
from pipespec.tracking.record_artifacts import recorded_artifact, recorded_part

__all__ = ["OutputRequest", "one_request", "requested_artifact", "requests"]

_WORDS: Final = re.compile(r"([^.\[{/]+(?:\[.*?\])?(?:\{.*?\})?)(?:\.([A-Za-z_]\w*)(?:/(.+))?)?", re.DOTALL)
_ALL: Final = "[*]"


@frozen
class OutputRequest:
    """An output of one step, or one file in it."""

    step: StepSpec
    output: str
    part: str | None = None


def requests(session: PipelineSession, reference: str) -> tuple[OutputRequest, ...]:
    """Return what a reference means, in the order of the pipeline; with `[*]` it may mean several variants.

    Raises:
        UsageError: where there is no such step or output.
    """
    found = _WORDS.fullmatch(reference)
    if found is None:
        step, output = session.output(reference)
        return (OutputRequest(step, output),)
    pattern, output, part = found[1], found[2], found[3]
    if part is not None and any(segment in ("", ".", "..") for segment in part.split("/")):
        raise UsageError(f"'{reference}' names a part '{part}', which is no path inside the output")
    if not pattern.endswith(_ALL):
        step, name = session.output(pattern if output is None else f"{pattern}.{output}")
        return (OutputRequest(step, name, part),)
    name = pattern.removesuffix(_ALL)
    spec = session.plan(name).pipeline
    steps = [spec.steps[id_].id for id_ in select(spec, (name,))]
    return tuple(
        replace(one_request(session, id_ if output is None else f"{id_}.{output}"), part=part)
        for id_ in steps
    )


def one_request(session: PipelineSession, reference: str) -> OutputRequest:
    """Return the one output that a reference means.

    Raises:
        UsageError: where it means none, or several.
    """
    if _ALL in reference:
        raise UsageError(f"'{reference}' may mean several outputs; name one, or a folder to fetch them to")
    return requests(session, reference)[0]


def requested_artifact(session: PipelineSession, request: OutputRequest, record: StepRecord) -> Artifact:
    """Return where what is asked for is, and the digest that it must have.

    Raises:
        UsageError: where the output has no such part.
    """
    if request.part is None:
        return recorded_artifact(record, request.output)
    match session.ledger.manifest(record):
        case {"outputs": {**outputs}}:
            match outputs.get(request.output):
                case {"manifest": {**files}} if isinstance(digest := files.get(request.part), str):
                    return recorded_part(record, request.output, request.part, digest)
                case {"manifest": {**files}} if files:
                    known = ", ".join(f"'{name}'" for name in sorted(map(str, files))[:5])
                    more = f" and {len(files) - 5} more" if len(files) > 5 else ""
                    raise UsageError(
                        f"output '{request.output}' of step '{request.step.id}' has no file '{request.part}'; it has {known}{more}"
                    )
    raise UsageError(
        f"output '{request.output}' of step '{request.step.id}' is a file and has no part '{request.part}'"
    )
