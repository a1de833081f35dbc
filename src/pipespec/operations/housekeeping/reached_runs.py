"""Find out which runs of some pipelines are reachable, each with the reason: `gc` keeps these.

Takes the pipelines as they are now, in each environment, and all pipespec runs in their store. A run is reachable if
the pipelines would reuse it, if the last invocations executed or reused it, if it has a tag that keeps it, if a
registered model was created from it, or if one of these runs, or a run of another pipeline, has read it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from pipespec.document.nodes import JSON
from pipespec.errors import PipespecError, StoreUnavailableError
from pipespec.frozen_values import frozen
from pipespec.operations.compiling.pipeline_source import PipelineSource
from pipespec.operations.inspecting.baselines import BASELINE
from pipespec.operations.planning.open_store import read_store
from pipespec.operations.planning.pipeline_session import PipelineSession
from pipespec.tracking import record_names
from pipespec.tracking.artifacts import read as read_file
from pipespec.tracking.read_inputs import decode_inputs, inputs_of_manifest
from pipespec.tracking.reading.ledger import Ledger
from pipespec.tracking.run_facts import RunFacts

__all__ = ["Keeping", "reached_runs"]

_OF_OTHERS: Final = 10
"""Number of invocations of each pipeline that is not given."""


@frozen
class Keeping:
    """What a user wants to keep in addition to what pipelines reach."""

    last: int
    """Number of invocations of each pipeline."""
    tags: Sequence[tuple[str, str | None]] = ()
    """Names of tags, with a certain value or with any value."""
    registered: frozenset[str] = frozenset()
    """Runs from which registered models were created."""


def reached_runs(
    sources: Sequence[PipelineSource],
    names: Collection[str],
    runs: Sequence[RunFacts],
    ledger: Ledger,
    keeping: Keeping,
) -> dict[str, str]:
    """Return the runs of the pipelines with these names that are kept, by id, with the reason in words.

    `sources` are these pipelines as they are now, in all environments. `runs` are all runs in the store, of any
    pipeline.

    Raises:
        PipespecError: if a pipeline cannot be planned, so that it is not known what it reaches.
        StoreUnavailableError: if the store cannot be read.
    """
    own = {run.run_id: run for run in runs if run.tags[record_names.PIPELINE] in names}
    kept: dict[str, str] = {}
    for run_id, reason in (
        *_running(own),
        *_planned(sources),
        *_tagged(own, keeping.tags),
        *((run_id, "a registered model was made from it") for run_id in sorted(keeping.registered)),
        *_last_invocations(runs, names, ledger, keeping.last),
        *_read_by_others([run for run in runs if run.run_id not in own], ledger),
    ):
        if run_id in own:
            kept.setdefault(run_id, reason)
    _add_read(kept, own, ledger)
    for run_id in [*kept]:
        invocation = own[run_id].tags.get(record_names.INVOCATION)
        if invocation in own:
            kept.setdefault(invocation, f"the invocation of run {run_id[:8]}, which is kept")
    return kept


def _running(own: Mapping[str, RunFacts]) -> Iterator[tuple[str, str]]:
    yield from ((run.run_id, "it is not known to have ended") for run in own.values() if run.ended is None)


def _planned(sources: Sequence[PipelineSource]) -> Iterator[tuple[str, str]]:
    for source in sources:
        with PipelineSession(source, read_store(source.pipeline)) as session:
            plan = session.plan()
        for step, decision in plan.decisions.items():
            if decision.record is not None:
                yield decision.record.run_id, f"step '{step}' of {source.name} uses it"


def _tagged(own: Mapping[str, RunFacts], tags: Sequence[tuple[str, str | None]]) -> Iterator[tuple[str, str]]:
    for run in own.values():
        for name, value in ((BASELINE, None), *tags):
            if name in run.tags and value in (None, run.tags[name]):
                yield run.run_id, f"tag {name}={run.tags[name]}"


def _last_invocations(
    runs: Sequence[RunFacts], names: Collection[str], ledger: Ledger, last: int
) -> Iterator[tuple[str, str]]:
    """Return what the last invocations executed and reused.

    The given number of them for these pipelines, and ten for others, which may share steps.
    """
    made: defaultdict[str, list[RunFacts]] = defaultdict(list)
    for run in runs:
        if record_names.STEP not in run.tags:
            made[run.tags[record_names.PIPELINE]].append(run)
    reasons: dict[str, str] = {}
    for pipeline, invocations in made.items():
        kept = last if pipeline in names else _OF_OTHERS
        for run in sorted(invocations, key=lambda one: one.started, reverse=True)[:kept]:
            reasons[run.run_id] = f"of one of the last {kept} invocations of '{pipeline}', {run.run_id[:8]}"
            yield from ((run_id, reasons[run.run_id]) for run_id in (run.run_id, *_reported(run, ledger)))
    for run in runs:
        invocation = run.tags.get(record_names.INVOCATION, "")
        if invocation in reasons:
            yield run.run_id, reasons[invocation]


def _reported(run: RunFacts, ledger: Ledger) -> list[str]:
    """Return the runs that an invocation executed or reused, as far as it recorded them."""
    told = _json(run, record_names.RUN_FILE, ledger)
    steps = told.get("steps") if isinstance(told, dict) else None
    found = (
        [step.get("run_id") for step in steps if isinstance(step, dict)] if isinstance(steps, list) else []
    )
    return [run_id for run_id in found if isinstance(run_id, str)]


def _read_by_others(others: Sequence[RunFacts], ledger: Ledger) -> Iterator[tuple[str, str]]:
    for run in others:
        for other in _inputs(run, ledger):
            yield other, f"run {run.run_id[:8]} of pipeline '{run.tags[record_names.PIPELINE]}' has read it"


def _add_read(kept: dict[str, str], own: Mapping[str, RunFacts], ledger: Ledger) -> None:
    waiting = [*kept]
    while waiting:
        run = own[waiting.pop()]
        for other in _inputs(run, ledger):
            if other in own and other not in kept:
                kept[other] = f"run {run.run_id[:8]}, which is kept, has read it"
                waiting.append(other)


def _inputs(run: RunFacts, ledger: Ledger) -> Iterator[str]:
    """Yield the runs whose outputs a run has read; none if neither its tag nor its manifest lists them."""
    text = run.tags.get(record_names.INPUTS)
    read = None if text is None else decode_inputs(text)
    if read is None and run.status == "FINISHED" and record_names.MANIFEST in run.tags:
        manifest = _json(run, record_names.MANIFEST_FILE, ledger)
        read = inputs_of_manifest(manifest.get("inputs")) if isinstance(manifest, dict) else ()
    yield from (one.run_id for one in read or () if one.run_id)


def _json(run: RunFacts, file: str, ledger: Ledger) -> JSON:
    """Read one of our files in a run; None if it is missing or damaged."""
    try:
        told: JSON = json.loads(read_file(run.artifact_uri, file, ledger.tracking_uri))
    except StoreUnavailableError:
        raise
    except (PipespecError, OSError, ValueError):
        return None
    return told
