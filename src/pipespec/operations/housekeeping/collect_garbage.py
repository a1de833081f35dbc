"""`gc`: list or delete the unreachable runs of some pipelines, and unneeded files in `.pipespec`.

Takes pipelines, each as it is in all its environments. Returns what was found and done. Runs of other pipelines and of
other tools are never changed. If it cannot be decided which runs are reachable, nothing is deleted.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pipespec.errors import UsageError
from pipespec.frozen_values import frozen
from pipespec.operations.compiling.pipeline_source import PipelineSource
from pipespec.operations.housekeeping.reached_runs import Keeping, reached_runs
from pipespec.operations.housekeeping.store_place import StorePlace
from pipespec.plan.garbage import Garbage, StoredRun, sift
from pipespec.project.leftovers import find_leftovers, remove_leftovers, size_of
from pipespec.spec.durations import seconds_of
from pipespec.tracking import record_names
from pipespec.tracking.artifact_uris import local_path
from pipespec.tracking.models.registered_runs import registered_runs
from pipespec.tracking.process_owner import owner_is_gone
from pipespec.tracking.run_facts import RunFacts, finished_record
from pipespec.tracking.tracking_uri import is_server
from pipespec.tracking.writing.run_removal import RunRemoval

__all__ = ["GarbageOptions", "collect_garbage"]


@frozen
class GarbageOptions:
    """What is kept in any case, and what is done."""

    keep_last: int = 10
    keep_tags: Sequence[str] = ()
    """`NAME` or `NAME=VALUE`."""
    older_than: str = "7d"
    delete: bool = False
    purge: bool = False


def collect_garbage(
    sources: Sequence[PipelineSource], environments: Sequence[PipelineSource], options: GarbageOptions
) -> Garbage:
    """Find what is unreachable in some pipelines, and delete it if requested.

    `environments` are the same pipelines with other layers. What they reach is also kept, if it is in the same store.

    Raises:
        UsageError: if the pipelines use several stores, an option does not fit, or one of them is running and runs are
        to
            be deleted.
        PipespecError: if a pipeline cannot be planned.
        StoreUnavailableError: if the store cannot be read.
    """
    age = seconds_of(options.older_than)
    if age is None:
        raise UsageError(
            f"'--older-than {options.older_than}' is not a duration; write for example 12h or 30d"
        )
    place = _one_place(sources)
    now = time.time()
    names = {source.pipeline.name for source in sources}
    keeping = Keeping(options.keep_last, [*map(_tag, options.keep_tags)], _registered(place))
    with place.read() as ledger:
        runs = ledger.bearing(record_names.PIPELINE)
        others = [each for each in environments if StorePlace.of(each.pipeline).uri == place.uri]
        kept = reached_runs([*sources, *others], names, runs, ledger, keeping)
    own = [run for run in runs if run.tags[record_names.PIPELINE] in names]
    unreached, young = sift(map(_stored, own), kept, now - age)
    found = Garbage(
        place.name,
        tuple(sorted(names)),
        tuple(unreached),
        kept,
        young,
        find_leftovers(place.state, now=now, oldest=now - age),
        can_purge=not is_server(place.uri),
    )
    if not (options.delete or options.purge):
        return found
    _require_rest(own)
    chosen = {run.run_id for run in unreached}
    _remove([run for run in own if run.run_id in chosen], place, purge=options.purge)
    remove_leftovers(found.leftovers)
    return replace(found, deleted=True, purged=options.purge)


def _one_place(sources: Sequence[PipelineSource]) -> StorePlace:
    places = {StorePlace.of(source.pipeline).uri: StorePlace.of(source.pipeline) for source in sources}
    if len(places) > 1:
        listed = " and ".join(str(place.name.short) for place in places.values())
        raise UsageError(
            f"the pipelines, or their environments, use several tracking stores: {listed}; name one at a time, with -f or --set"
        )
    return next(iter(places.values()))


def _tag(text: str) -> tuple[str, str | None]:
    name, equals, value = text.partition("=")
    if not name:
        raise UsageError(f"'--keep-tag {text}' names no tag; write NAME or NAME=VALUE")
    return name, value if equals else None


def _registered(place: StorePlace) -> frozenset[str]:
    with place.read_registry() as registry:
        return registered_runs(registry)


def _stored(run: RunFacts) -> StoredRun:
    return StoredRun(
        run.run_id,
        run.tags[record_names.PIPELINE],
        run.tags.get(record_names.STEP, ""),
        run.status,
        run.started if run.ended is None else run.ended,
        _bytes(run),
    )


def _bytes(run: RunFacts) -> int:
    folder = local_path(run.artifact_uri)
    if folder is not None:
        return size_of(Path(folder)) if folder.exists() else 0
    record = finished_record(run)
    return 0 if record is None else sum(output.bytes for output in record.outputs.values())


def _require_rest(own: Sequence[RunFacts]) -> None:
    """Refuse to delete while a pipeline runs: it is not known what it is going to read."""
    for run in own:
        if run.status == "RUNNING" and owner_is_gone(run.tags.get(record_names.OWNER, "")) is not True:
            name = run.tags[record_names.PIPELINE]
            raise UsageError(
                f"pipeline '{name}' may be running (run {run.run_id}); wait until it has ended, or end the run in MLflow"
            )


def _remove(runs: Sequence[RunFacts], place: StorePlace, *, purge: bool) -> None:
    if not runs:
        return
    with RunRemoval(place.uri, place.root, place.state.mlflow_log) as removal:
        if purge and not removal.purges:
            raise UsageError(
                "a tracking server frees no disk when it is asked from here; use --delete, then run 'mlflow gc' on its host"
            )
        for _ in removal.delete(runs):
            pass
        if purge:
            for _ in removal.purge(runs):
                pass
