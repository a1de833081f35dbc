"""The run that a user names: `run:` and its id, or so many first digits of the id that they are unique.

Takes a ledger and the name. Returns the run. Refuses a name that means no run, or several.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from pipespec.errors import UsageError
from pipespec.tracking import record_names
from pipespec.tracking.reading.ledger import Ledger
from pipespec.tracking.run_facts import RunFacts

__all__ = ["find_run", "is_run", "require_ours"]

_RUN: Final = "run:"
_DIGITS: Final = re.compile(r"[0-9a-f]{1,32}")
_LENGTH: Final = 32
_SHOWN: Final = 8
"""Number of digits of an id that are displayed."""
_LISTED: Final = 5
"""Number of runs that are listed if there are several."""


def is_run(name: str) -> bool:
    """Return whether a user's text names a run."""
    return name.startswith(_RUN)


def find_run(name: str, ledger: Ledger) -> RunFacts:
    """Return the run that `run:ID` names, which belongs to an invocation or a step.

    Raises:
        UsageError: if there is none, or several ids begin in this way; the message lists them.
        StoreUnavailableError: if the store cannot be read.
    """
    digits = name.removeprefix(_RUN).lower()
    found: Sequence[RunFacts] = ()
    if len(digits) == _LENGTH:
        found = [run for run in (ledger.run(digits),) if run is not None]
    elif _DIGITS.fullmatch(digits):
        found = ledger.runs_beginning(digits)
    if not found and len(digits) == _LENGTH and digits in ledger.deleted_runs((digits,)):
        raise UsageError(
            f"run {digits[:_SHOWN]} was deleted in MLflow; restore it there, or name another run"
        )
    if not found:
        raise UsageError(
            f"there is no run '{digits}' in the tracking store; 'pipespec status FILE' lists runs"
        )
    if len(found) > 1:
        raise UsageError(
            f"'{digits}' is the beginning of several run ids: {_listed(found)}; give more digits"
        )
    return found[0]


def require_ours(run: RunFacts) -> None:
    """Refuse a run that another tool created.

    Raises:
        UsageError: if it is one.
    """
    if record_names.PIPELINE not in run.tags:
        raise UsageError(
            f"run {run.run_id[:_SHOWN]} was not recorded by pipespec: it has no tag '{record_names.PIPELINE}'; 'pipespec status"
            " FILE' lists runs"
        )


def _listed(runs: Sequence[RunFacts]) -> str:
    """List the newest of these runs, with as many digits as are needed to distinguish them."""
    length = next(
        digits
        for digits in range(_SHOWN, _LENGTH + 1)
        if len({run.run_id[:digits] for run in runs}) == len(runs)
    )
    told = [f"{run.run_id[:length]} ({_made_by(run)})" for run in runs[:_LISTED]]
    rest = len(runs) - len(told)
    return ", ".join(told) + (f" and {rest} more" if rest else "")


def _made_by(run: RunFacts) -> str:
    step = run.tags.get(record_names.STEP)
    of_pipeline = f"of pipeline '{run.tags[record_names.PIPELINE]}'"
    return f"an invocation {of_pipeline}" if step is None else f"step '{step}' {of_pipeline}"
