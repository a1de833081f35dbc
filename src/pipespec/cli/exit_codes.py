"""The exit code of a command, by what `api` answered or raised. Nothing else in `cli` decides one.

0  the answer is good
1  the answer is bad (mistakes, a failed step, a regression, a run that is not reproduced, a difference that was asked for), or nothing better is known
2  what was asked for does not exist or does not fit, click's own refusals included
3  the store or the scheduler cannot be asked
128 + N  signal N ended the run; 130 is Ctrl-C
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Final

import click

from pipespec.errors import PipespecError, Severity, StoreUnavailableError

if TYPE_CHECKING:
    from pipespec import (
        Acceptances,
        Conversion,
        Difference,
        Examination,
        Findings,
        ImportReport,
        Plan,
        Reproduction,
        RunComparison,
        RunReport,
    )

__all__ = [
    "of_acceptances",
    "of_comparison",
    "of_conversion",
    "of_difference",
    "of_error",
    "of_examination",
    "of_findings",
    "of_import",
    "of_plan",
    "of_reproduction",
    "of_run",
]

_GOOD: Final = 0
_BAD: Final = 1
_SIGNAL: Final = 128


def of_findings(found: Findings) -> int:
    """Advice stops nothing; a mistake does."""
    return _BAD if any(one.severity is Severity.ERROR for one in found.diagnostics) else _GOOD


def of_run(report: RunReport) -> int:
    """As a shell says it of a process that a signal ended; a model that is not registered has a code of its own."""
    if report.interrupted_by is not None:
        return _SIGNAL + report.interrupted_by
    if not report.succeeded:
        return _BAD
    return _GOOD if report.is_registered else StoreUnavailableError.exit_code


def of_plan(plan: Plan, *, asked: bool) -> int:
    """Where it was asked for, a plan that leaves something to do is bad."""
    return _BAD if asked and not plan.is_complete else _GOOD


def of_difference(found: Difference, *, asked: bool) -> int:
    """Where it was asked for, a difference is bad."""
    return _BAD if asked and not found.is_empty else _GOOD


def of_comparison(found: RunComparison) -> int:
    """A metric that misses its bounds is bad."""
    return _BAD if found.regressions else _GOOD


def of_reproduction(found: Reproduction) -> int:
    """Anything that is not as it was is bad."""
    if found.interrupted_by is not None:
        return _SIGNAL + found.interrupted_by
    return _GOOD if found.is_same else _BAD


def of_acceptances(found: Acceptances, *, dry_run: bool) -> int:
    """What was to be recorded and was not is bad."""
    return _GOOD if found.is_recorded or dry_run else _BAD


def of_examination(found: Examination) -> int:
    """Anything that is found is bad."""
    return _BAD if found.findings else _GOOD


def of_import(report: ImportReport) -> int:
    """A table with wrong cells is bad."""
    return _BAD if report.problems else _GOOD


def of_conversion(found: Conversion) -> int:
    """What could not be converted is bad: someone has to look at it."""
    return _BAD if found.leftovers else _GOOD


def of_error(error: BaseException) -> int:
    """Return the code of what a verb raised; the code of our errors is their own."""
    match error:
        case click.exceptions.Exit() | click.ClickException() | PipespecError():
            return error.exit_code
        case KeyboardInterrupt() | click.Abort():
            return _SIGNAL + signal.SIGINT
        case _:
            return PipespecError.exit_code
