"""The result of importing a table of old results: text for a terminal of 80 columns, and JSON.

Takes an `ImportReport`. Returns text or the structure of `schemas/import.schema.json`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from pipespec.errors import counted
from pipespec.plan.old_results.import_report import ImportReport
from pipespec.plan.old_results.sheet import CellProblem, column_letters
from pipespec.views.mlflow_links import name_of_store
from pipespec.views.terminal_text import WIDTH, printable, rows, wrap

__all__ = ["problem_text", "render_problems", "render_text", "to_json"]

_MOST: Final = 50
_MOST_EXPERIMENTS: Final = 20


def render_text(report: ImportReport) -> str:
    """Say how many runs each experiment got, what existed already, and where they are."""
    lines = [printable(f"{report.table}: {report.made_as}")]
    lines += rows(list(_experiments(report)))
    for row, first in [*report.repeated.items()][:_MOST]:
        lines.append(f"  row {row} says the same as row {first}, and is the same run")
    there = len(report.rows) - len(report.new)
    done = "would be recorded" if report.is_dry_run else "recorded"
    lines += [
        "",
        f"{counted(len(report.new), 'run')} {done}, {there} already there",
        name_of_store(report.store),
    ]
    return "\n".join(lines)


def render_problems(report: ImportReport) -> str:
    """List what is wrong with the table and how to correct it, and say that nothing was recorded."""
    lines: list[str] = []
    for problem in report.problems[:_MOST]:
        lines += wrap(printable(problem_text(report.table, problem)), WIDTH.get())
        lines += [f"   {line}" for line in wrap(printable(f"help: {problem.hint}"), WIDTH.get() - 3)]
    rest = len(report.problems) - _MOST
    if rest > 0:
        lines.append(f"and {rest} more")
    count = len(report.problems)
    lines += ["", f"{counted(count, 'problem')}; nothing was recorded"]
    return "\n".join(lines)


def problem_text(table: str, problem: CellProblem) -> str:
    """Say in one line what is wrong at which cell."""
    return f"{table}: {problem.place}: {problem.message}"


def to_json(report: ImportReport) -> dict[str, Any]:
    """Return the structure of `schemas/import.schema.json`."""
    return {
        "version": 1,
        "table": report.table,
        "store": report.store.uri,
        "dry_run": report.is_dry_run,
        "runs": [
            {"row": row.row, "experiment": row.experiment, "run_id": row.run_id, "new": row.is_new}
            for row in report.rows
        ],
        "repeated": [{"row": row, "same_as": first} for row, first in report.repeated.items()],
        "problems": [
            {
                "row": problem.row,
                "column": None if problem.column is None else column_letters(problem.column),
                "name": problem.name or None,
                "message": problem.message,
                "hint": problem.hint,
            }
            for problem in report.problems
        ],
    }


def _experiments(report: ImportReport) -> Iterator[tuple[tuple[str, ...], str]]:
    new = Counter(row.experiment for row in report.new)
    known = Counter(row.experiment for row in report.rows if not row.is_new)
    names = [*dict.fromkeys(row.experiment for row in report.rows)]
    for name in names[:_MOST_EXPERIMENTS]:
        told = [f"{new[name]} new"] * (new[name] > 0) + [f"{known[name]} already there"] * (known[name] > 0)
        yield (printable(name),), ", ".join(told)
    if len(names) > _MOST_EXPERIMENTS:
        yield (f"and {len(names) - _MOST_EXPERIMENTS} more",), ""
