"""The exit code of a command, determined by what `api` returned or raised. Nothing else in `cli` decides one.

0  the result is good
1  the result is bad (mistakes, a failed step, a regression, a run that is not reproduced, a difference that was asked for), or the cause is unknown
2  what was requested does not exist or is not valid, including errors that click reports
3  the store or the scheduler cannot be reached
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
    """Return the code for findings. Mistakes are bad; advice is not."""
    return _BAD if any(one.severity is Severity.ERROR for one in found.diagnostics) else _GOOD


def of_run(report: RunReport) -> int:
    """Return the code of a run; after a signal, the code that a shell uses. A model that is not registered has its own code."""
    if report.interrupted_by is not None:
        return _SIGNAL + report.interrupted_by
    if not report.succeeded:
        return _BAD
    return _GOOD if report.is_registered else StoreUnavailableError.exit_code


def of_plan(plan: Plan, *, asked: bool) -> int:
    """Return the code of a plan. If the option was given, a plan with something to do is bad."""
    return _BAD if asked and not plan.is_complete else _GOOD


def of_difference(found: Difference, *, asked: bool) -> int:
    """Return the code of a difference. If the option was given, any difference is bad."""
    return _BAD if asked and not found.is_empty else _GOOD


def of_comparison(found: RunComparison) -> int:
    """Return the code of a comparison. A metric that misses its bounds is bad."""
    return _BAD if found.regressions else _GOOD


def of_reproduction(found: Reproduction) -> int:
    """Return the code of a reproduction. Anything that has changed is bad."""
    if found.interrupted_by is not None:
        return _SIGNAL + found.interrupted_by
    return _GOOD if found.is_same else _BAD


def of_acceptances(found: Acceptances, *, dry_run: bool) -> int:
    """Return the code of acceptances. It is bad if they should have been recorded but were not."""
    return _GOOD if found.is_recorded or dry_run else _BAD


def of_examination(found: Examination) -> int:
    """Return the code of an examination. Any finding is bad."""
    return _BAD if found.findings else _GOOD


def of_import(report: ImportReport) -> int:
    """Return the code of an import. A table with wrong cells is bad."""
    return _BAD if report.problems else _GOOD


def of_conversion(found: Conversion) -> int:
    """Return the code of a conversion. What could not be converted is bad, because a user must look at it."""
    return _BAD if found.leftovers else _GOOD


def of_error(error: BaseException) -> int:
    """Return the code for what a verb raised. Errors of pipespec have their own codes."""
    match error:
        case click.exceptions.Exit() | click.ClickException() | PipespecError():
            return error.exit_code
        case KeyboardInterrupt() | click.Abort():
            return _SIGNAL + signal.SIGINT
        case _:
            return PipespecError.exit_code
