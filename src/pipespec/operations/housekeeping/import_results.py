"""`import`: record the rows of a spreadsheet's table as finished runs in a tracking store, each once.

Takes the table's path and how to read it, and the store of a pipeline, or of the project. All problems are found before
the first write. A row is identified by a digest of its content. Therefore, importing again adds nothing, and completes
an import that was interrupted by a crash.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from pipespec.errors import PipespecError
from pipespec.frozen_values import frozen
from pipespec.operations.housekeeping.store_place import StorePlace
from pipespec.plan.old_results.import_report import ImportedRow, ImportReport
from pipespec.plan.old_results.read_results import OldResults, OldRun, TableOptions, read_results
from pipespec.plan.old_results.table_columns import read_stated_kinds
from pipespec.project.table_files import read_table
from pipespec.tracking.writing.folder_lock import locked
from pipespec.tracking.writing.old_results import ImportedRuns, NewOldRun, OldResultsWriter, find_imported
from pipespec.tracking.writing.run_removal import RunRemoval

__all__ = ["ImportOptions", "import_table"]


@frozen
class ImportOptions:
    """What a user says about a table, and what to do with it."""

    experiment: str | None = None
    """The experiment of rows that name none. If it is None, it is the table's name."""
    kinds: Sequence[str] = ()
    """`COLUMN=KIND`."""
    encoding: str | None = None
    sheet: str | None = None
    percent: bool = False
    thousands: bool = False
    dry_run: bool = False
    """Nothing is recorded."""


def import_table(table: str, place: StorePlace, asked: ImportOptions) -> ImportReport:
    """Record the rows that are not recorded yet, or only list them.

    Raises:
        UsageError: if the table cannot be read, or an option does not fit it.
        StoreUnavailableError: if the store cannot be read or written.
        PipespecError: if another process is importing the same rows.
    """
    path = Path(table)
    stated = read_stated_kinds(tuple(asked.kinds))
    cells = read_table(path, encoding=asked.encoding, sheet=asked.sheet)
    options = TableOptions(asked.experiment or path.stem, stated, asked.percent, asked.thousands)
    found = read_results(cells, options)

    def told(rows: tuple[ImportedRow, ...]) -> ImportReport:
        return ImportReport(
            table, cells.made_as, place.name, rows, found.problems, found.repeated, is_dry_run=asked.dry_run
        )

    if found.problems:
        return told(())
    if asked.dry_run:
        known = _known(found, place)
        return told(tuple(_row(run, known, {}) for run in found.runs))
    with locked(place.state.made().path):  # two imports in one project run one after the other
        known = _known(found, place)
        _remove_cut_short(known, place)
        made = _write([run for run in found.runs if run.digest not in known.whole], path, place)
    return told(tuple(_row(run, known, made) for run in found.runs))


def _known(found: OldResults, place: StorePlace) -> ImportedRuns:
    with place.read() as ledger:
        known = find_imported(ledger, [run.digest for run in found.runs])
    if known.going_on:
        raise PipespecError(
            f"another process is importing these rows right now (run {known.going_on[0].run_id}); wait until it has ended"
        )
    return known


def _remove_cut_short(known: ImportedRuns, place: StorePlace) -> None:
    if not known.cut_short:
        return
    with RunRemoval(place.uri, place.root, place.state.mlflow_log) as removal:
        for _ in removal.delete(known.cut_short):
            pass


def _write(runs: Sequence[OldRun], path: Path, place: StorePlace) -> dict[str, str]:
    if not runs:
        return {}
    place.state.logs.mkdir(exist_ok=True)
    now = int(time.time() * 1000)
    with OldResultsWriter.open(
        place.uri,
        root=place.root,
        log=place.state.mlflow_log,
        artifact_location=place.artifact_location,
    ) as writer:
        return dict(writer.write([_new(run, path, place, now) for run in runs]))


def _new(run: OldRun, path: Path, place: StorePlace, now: int) -> NewOldRun:
    return NewOldRun(
        run.digest,
        run.experiment,
        run.name or f"{path.stem} row {run.row}",
        now if run.date is None else int(datetime.fromisoformat(run.date).timestamp() * 1000),
        path.name,
        run.params,
        run.metrics,
        {**place.tags, **run.tags},
    )


def _row(run: OldRun, known: ImportedRuns, made: dict[str, str]) -> ImportedRow:
    there = known.whole.get(run.digest)
    if there is not None:
        return ImportedRow(run.row, run.experiment, there.run_id, is_new=False)
    return ImportedRow(run.row, run.experiment, made.get(run.digest), is_new=True)
