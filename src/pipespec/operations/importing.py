"""`validate --import`: the callables of a pipeline imported on trial, and what the source says of them corrected.

Takes a pipeline and what was read from source; gives the verdict on each step, and the callables as they are. What the
source says to be a mistake is not imported, nor is what is Python's own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from pipespec.document.nodes import plain
from pipespec.spec.evidence import Evidence, callables_of
from pipespec.spec.format_checks import arriving_file
from pipespec.spec.live import asked_params, with_live
from pipespec.spec.model import CallableRef, FilesInput, StepInput, StepSpec
from pipespec.spec.signature import CallableProblem, CallableSource, ProblemKind
from pipespec.spec.verdicts import Verdict
from pipespec.step.secret import redactor
from pipespec.step.trial import Trial, try_steps

__all__ = ["import_all"]


def import_all(
    evidence: Evidence, *, timeout: float
) -> tuple[Mapping[str, CallableSource | CallableProblem], Mapping[str, Verdict]]:
    """Import all callables that the source does not refuse; return them as they are, and verdicts by declared step.

    `timeout` is in seconds, for each of them.
    """
    spec = evidence.spec
    trials = [
        trial
        for name, variants in evidence.declared.items()
        if name not in spec.damaged and (trial := _trial(variants, evidence)) is not None
    ]
    if not trials:
        return evidence.callables, {}
    folders = tuple(map(str, spec.module_folders))
    redact = redactor(plain(spec.document), os.environ)
    verdicts = try_steps(trials, module_folders=folders, root=str(spec.root), timeout=timeout, redact=redact)
    callables = dict(evidence.callables)
    failed: set[str] = set()
    for verdict in verdicts.values():
        for call, live in verdict.callables.items():
            module = call.partition(":")[0]
            is_failure = isinstance(live, CallableProblem) and live.kind is ProblemKind.IMPORT_FAILED
            if not (is_failure and module in failed):  # once for each module
                callables[call] = with_live(evidence.callables[call], live)
            if is_failure:
                failed.add(module)
    return callables, verdicts


def _trial(variants: tuple[StepSpec, ...], evidence: Evidence) -> Trial | None:
    step = variants[0]
    if not _is_to_be_imported(step.call, evidence):
        return None
    others = [ref for ref in callables_of(step) if ref != step.call and _is_to_be_imported(ref, evidence)]
    return Trial(
        step.name,
        str(step.call),
        tuple(dict.fromkeys(map(str, others))),
        tuple((name, plain(node)) for name, node in asked_params(variants)),
        tuple(_inputs(step, evidence)),
        tuple(
            (output.name, output.file)
            for output in step.outputs.values()
            if not output.is_directory and not isinstance(output.save, CallableRef)
        ),
    )


def _is_to_be_imported(ref: CallableRef, evidence: Evidence) -> bool:
    known = evidence.callables[str(ref)]
    is_mistake = isinstance(known, CallableProblem) and known.kind is not ProblemKind.NOT_READABLE
    return not is_mistake and not known.is_stdlib


def _inputs(step: StepSpec, evidence: Evidence) -> Iterator[tuple[str, str, bool]]:
    """Yield the inputs that a format loads."""
    for spec in step.inputs.values():
        arriving = arriving_file(spec, evidence)
        is_loaded = spec.load != "path" and not isinstance(spec.load, CallableRef)
        if arriving is not None and is_loaded and not isinstance(spec.source, FilesInput):
            file, is_directory = arriving
            if not is_directory:
                yield spec.argument, file, isinstance(spec.source, StepInput) and spec.source.fan_in
