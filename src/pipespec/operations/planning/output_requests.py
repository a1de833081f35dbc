"""The recorded outputs that a user means: `step.output`, `step`, `step.output/part`, `step[*].output`, `run:ID.output`.

Takes the words and a pipeline's session. Returns one request for each step that they mean, or for the run. Refuses
words that mean nothing.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Final

from pipespec.errors import UsageError
from pipespec.frozen_values import frozen
from pipespec.operations.planning.named_run import find_run, is_run, require_ours
from pipespec.operations.planning.pipeline_session import PipelineSession
from pipespec.plan.records import StepRecord
from pipespec.plan.step_selection import select
from pipespec.step.step_job import Artifact
from pipespec.tracking.reading.ledger import Ledger
from pipespec.tracking.record_artifacts import recorded_artifact, recorded_part
from pipespec.tracking.record_names import STEP
from pipespec.tracking.run_facts import RunFacts, complete_record, finished_record, parse_outputs

__all__ = ["OutputRequest", "one_request", "requested_artifact", "requests"]

_OF_RUN: Final = re.compile(r"(run:[^./]*)(?:\.([^./]+)(?:/(.+))?)?", re.DOTALL)
_WORDS: Final = re.compile(r"([^.\[{/]+(?:\[.*?\])?(?:\{.*?\})?)(?:\.([A-Za-z_]\w*)(?:/(.+))?)?", re.DOTALL)
_ALL: Final = "[*]"


@frozen
class OutputRequest:
    """An output in the record of one step, or one file in it. `is_named` is true if the user named the run and not the step."""

    step: str
    record: StepRecord
    output: str
    part: str | None = None
    is_named: bool = False


def requests(session: PipelineSession, reference: str) -> tuple[OutputRequest, ...]:
    """Return what a reference means, in the order of the pipeline. With `[*]`, it may mean several variants.

    Raises:
        UsageError: if there is no such step or output, or the step is not complete.
    """
    if is_run(reference):
        return (_of_run(reference, session.ledger),)
    found = _WORDS.fullmatch(reference)
    if found is None:
        step, output = session.output(reference)
        return (OutputRequest(step.id, session.record(step), output),)
    pattern, output, part = found[1], found[2], found[3]
    _require_inside(part, reference)
    if not pattern.endswith(_ALL):
        step, name = session.output(pattern if output is None else f"{pattern}.{output}")
        return (OutputRequest(step.id, session.record(step), name, part),)
    name = pattern.removesuffix(_ALL)
    spec = session.plan(name).pipeline
    steps = [spec.steps[id_].id for id_ in select(spec, (name,))]
    return tuple(
        replace(one_request(session, id_ if output is None else f"{id_}.{output}"), part=part)
        for id_ in steps
    )


def _require_inside(part: str | None, reference: str) -> None:
    if part is not None and any(segment in ("", ".", "..") for segment in part.split("/")):
        raise UsageError(f"'{reference}' names a part '{part}', which is no path inside the output")


def _of_run(reference: str, ledger: Ledger) -> OutputRequest:
    words = _OF_RUN.fullmatch(reference)
    if words is None:
        raise UsageError(f"'{reference}' is not an output of a run; write run:ID.OUTPUT")
    run, output, part = words[1], words[2], words[3]
    _require_inside(part, reference)
    facts = find_run(run, ledger)
    require_ours(facts)
    record = _recorded(facts, ledger)
    if output is None and len(record.outputs) == 1:
        output = next(iter(record.outputs))
    if output not in record.outputs:
        known = ", ".join(f"'{run}.{each}'" for each in record.outputs) or "none"
        raise UsageError(f"'{reference}' is not an output; the run of step '{record.step}' has {known}")
    return OutputRequest(record.step, record, output, part, is_named=True)


def _recorded(facts: RunFacts, ledger: Ledger) -> StepRecord:
    """Return what the run of a step recorded."""
    shown = facts.run_id[:8]
    step = facts.tags.get(STEP)
    if step is None:
        raise UsageError(f"run {shown} is a whole invocation, which has no outputs; name the run of a step")
    if (record := finished_record(facts)) is not None:
        return record
    if (published := complete_record(facts)) is None:
        raise UsageError(f"run {shown} of step '{step}' is {facts.status}, so it has no outputs")
    outputs = ledger.manifest(published)["outputs"]  # there are more of them than fit into a tag
    return replace(published, outputs=parse_outputs(json.dumps(outputs)))


def one_request(session: PipelineSession, reference: str) -> OutputRequest:
    """Return the single output that a reference means.

    Raises:
        UsageError: if it means none, or several.
    """
    if _ALL in reference:
        raise UsageError(f"'{reference}' may mean several outputs; name one, or a folder to fetch them to")
    return requests(session, reference)[0]


def requested_artifact(ledger: Ledger, request: OutputRequest) -> Artifact:
    """Return the place of what is requested, and the digest that it must have.

    Raises:
        UsageError: if the output has no such part.
    """
    record = request.record
    if request.part is None:
        return recorded_artifact(record, request.output)
    match ledger.manifest(record):
        case {"outputs": {**outputs}}:
            match outputs.get(request.output):
                case {"manifest": {**files}} if isinstance(digest := files.get(request.part), str):
                    return recorded_part(record, request.output, request.part, digest)
                case {"manifest": {**files}} if files:
                    known = ", ".join(f"'{name}'" for name in sorted(map(str, files))[:5])
                    more = f" and {len(files) - 5} more" if len(files) > 5 else ""
                    raise UsageError(
                        f"output '{request.output}' of step '{request.step}' has no file '{request.part}'; it has {known}{more}"
                    )
    raise UsageError(
        f"output '{request.output}' of step '{request.step}' is a file and has no part '{request.part}'"
    )
