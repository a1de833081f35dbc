"""`lineage`: from what a run's outputs were produced, and what was produced from them, across pipelines, from MLflow's records alone.

Takes a ledger and a run. Returns a `Lineage`. Upstream runs are read level by level, with one bulk read each. For
downstream runs, all complete runs are read once, in pages. What runs read is in their tags. For runs of earlier
versions it is in their manifests, and only a limited number of those is read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Final

from pipespec.errors import PipespecError, StoreUnavailableError, UsageError, counted
from pipespec.operations.inspecting.models_of_runs import MODELS, models_of_runs, run_of_model
from pipespec.operations.planning.named_run import find_run, require_ours
from pipespec.plan.lineage import Lineage, LineageEdge, LineageRun, OutsideData, downstream
from pipespec.plan.records import SECONDS, own_metrics
from pipespec.plan.store_name import StoreName
from pipespec.tracking import record_names
from pipespec.tracking.models.registry import Registry
from pipespec.tracking.read_inputs import ReadInput, decode_inputs, inputs_of_manifest
from pipespec.tracking.reading.ledger import Ledger
from pipespec.tracking.run_facts import RunFacts, finished_record, parse_outputs
from pipespec.tracking.tracking_uri import shown

__all__ = ["lineage"]

_MOST_WITH_MODELS: Final = 25
"""Number of runs, the nearest ones, whose registered models are looked up."""

_MOST_LEVELS: Final = 8
"""Number of levels that are read one by one. For more levels, reading all runs at once is cheaper."""

_MOST_MANIFESTS: Final = 1000
"""Number of manifests of runs of earlier versions that are read."""


def lineage(
    ledger: Ledger,
    name: str,
    root: Path,
    *,
    up: bool = True,
    down: bool = True,
    open_registry: Callable[[], Registry],
) -> Lineage:
    """Return the lineage of the run of a step, named by an id, its first digits, or a version of a model.

    Raises:
        UsageError: if there is none, or it is not a run of a step.
        StoreUnavailableError: if the store cannot be read.
    """
    if name.startswith(MODELS):
        with open_registry() as registry:
            name = run_of_model(name, registry)
    start = find_run(name, ledger)
    require_ours(start)
    if record_names.STEP not in start.tags:
        raise UsageError(
            f"run {start.run_id[:8]} is an invocation of pipeline '{start.tags[record_names.PIPELINE]}'; lineage is asked of a"
            " step's run, see 'pipespec status'"
        )
    reading = _LineageReading(ledger)
    above = reading.up(start) if up else ()
    below = reading.down(start) if down else ()
    known = {edge.reader for edge in (*above, *below)} | {start.run_id}
    known |= {edge.source for edge in (*above, *below) if isinstance(edge.source, str)}
    runs = {run_id: reading.runs.get(run_id) or LineageRun(run_id, state="gone") for run_id in sorted(known)}
    notes = [*reading.notes()]
    nearest = [*dict.fromkeys((start.run_id, *(edge.reader for edge in (*above, *below)), *runs))]
    try:
        with open_registry() as registry:
            models = models_of_runs(nearest[:_MOST_WITH_MODELS], registry)
        runs |= {run_id: replace(runs[run_id], models=told) for run_id, told in models.items()}
    except StoreUnavailableError as error:
        notes.append(f"registered models were not looked at: {error}")
    store = StoreName(shown(ledger.tracking_uri), root)
    return Lineage(start.run_id, runs, store, above, below, tuple(notes))


@dataclass(slots=True)
class _LineageReading:
    """What was read for one lineage."""

    ledger: Ledger
    runs: dict[str, LineageRun] = field(default_factory=dict)
    everything: dict[str, RunFacts] = field(default_factory=dict)
    """All complete runs, once they were read."""
    manifests: int = 0
    unread: int = 0

    def up(self, start: RunFacts) -> tuple[LineageEdge, ...]:
        """Read everything upstream of a run, with a bulk read for each level; if there are many levels, all complete runs at once."""
        edges: dict[LineageEdge, None] = {}
        level: Iterable[RunFacts] = (start,)
        for number in count(1):
            read = [edge for run in level for edge in self._edges(run)]
            edges.update(dict.fromkeys(read))
            wanted = {edge.source for edge in read if isinstance(edge.source, str)} - self.runs.keys()
            if not wanted:
                break
            if number == _MOST_LEVELS:
                self._read_everything()
            found = {run_id: self.everything[run_id] for run_id in sorted(wanted & self.everything.keys())}
            if left := wanted - found.keys():
                found.update(self.ledger.runs(left))
            self._note_missing(wanted - found.keys())
            level = tuple(found.values())
        return tuple(edges)

    def down(self, start: RunFacts) -> tuple[LineageEdge, ...]:
        """Read all complete runs, and return what is downstream of one of them."""
        self._read_everything()
        everything = dict(self.everything)
        everything.setdefault(start.run_id, start)
        edges = [edge for run in everything.values() for edge in self._edges(run)]
        twins: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        for run_id, run in self.runs.items():
            twins[run.pipeline, run.step].append(run_id)
        same = {run_id: twins[run.pipeline, run.step] for run_id, run in self.runs.items()}
        return downstream(start.run_id, self.runs, edges, same)

    def _read_everything(self) -> None:
        if not self.everything:
            self.everything = {run.run_id: run for run in self.ledger.published()}

    def notes(self) -> Iterable[str]:
        """Say what was not examined."""
        if self.unread:
            runs = counted(self.unread, "run of an earlier version was", "runs of earlier versions were")
            yield f"{runs} not looked at: what was read is only in the manifest"

    def _edges(self, run: RunFacts) -> list[LineageEdge]:
        self.runs[run.run_id] = _told(run)
        edges = []
        for read in self._inputs(run):
            source = read.run_id or OutsideData(read.source, read.digest[:16])
            edges.append(LineageEdge(source, read.source if read.run_id else "", read.argument, run.run_id))
        return edges

    def _inputs(self, run: RunFacts) -> tuple[ReadInput, ...]:
        text = run.tags.get(record_names.INPUTS)
        told = None if text is None else decode_inputs(text)
        if told is not None:
            return told
        record = finished_record(run)
        if record is None:
            return ()
        if self.manifests >= _MOST_MANIFESTS:
            self.unread += 1
            return ()
        self.manifests += 1
        try:
            return inputs_of_manifest(self.ledger.manifest(record).get("inputs"))
        except StoreUnavailableError:
            raise
        except PipespecError:
            self.unread += 1
            return ()

    def _note_missing(self, run_ids: set[str]) -> None:
        """Add runs that cannot be read any more: deleted ones, and those about which nothing is known."""
        deleted: Mapping[str, object] = self.ledger.deleted_runs(run_ids) if run_ids else {}
        for run_id in run_ids:
            self.runs[run_id] = LineageRun(run_id, state="deleted" if run_id in deleted else "gone")


def _told(run: RunFacts) -> LineageRun:
    text = run.tags.get(record_names.OUTPUTS)
    try:
        outputs = {} if text is None else {name: one.digest[:16] for name, one in parse_outputs(text).items()}
    except ValueError:
        outputs = {}
    return LineageRun(
        run.run_id,
        run.tags.get(record_names.STEP, ""),
        run.tags.get(record_names.PIPELINE, ""),
        run.status.lower(),
        run.ended,
        outputs,
        run.own_params,
        own_metrics(run.metrics),
        run.tags.get(record_names.CALL, ""),
        run.tags.get("mlflow.source.git.commit", ""),
        run.metrics.get(SECONDS),
        run.experiment_id,
    )
