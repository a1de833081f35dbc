"""The result of an import of old results: the runs created from its rows, or its problems. A value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from pipespec.frozen_values import frozen
from pipespec.plan.old_results.sheet import CellProblem
from pipespec.plan.store_name import StoreName

__all__ = ["ImportReport", "ImportedRow"]


@frozen
class ImportedRow:
    """One row of the table, and its run. Without an id, it is not recorded, but would be."""

    row: int
    experiment: str
    run_id: str | None
    is_new: bool
    """False if it already existed."""


@frozen
class ImportReport:
    """All rows of a table. If there are problems, none of them was recorded."""

    table: str
    """As the user named it."""
    made_as: str
    store: StoreName
    rows: tuple[ImportedRow, ...]
    problems: tuple[CellProblem, ...] = ()
    repeated: Mapping[int, int] = field(default_factory=dict)
    """Rows that are equal to an earlier one, with that row."""
    is_dry_run: bool = False

    @property
    def new(self) -> tuple[ImportedRow, ...]:
        """The rows that were recorded, or would be."""
        return tuple(row for row in self.rows if row.is_new)
