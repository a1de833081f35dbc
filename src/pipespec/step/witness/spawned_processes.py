"""Observe Python processes that a step starts anew: by `spawn` and `forkserver` of multiprocessing, and by loky, which joblib uses.

They are no forks of the step's process, so its observer is not in them. But they receive what prepares them as a pickle: something is
added to it that, when it is loaded, starts an observer which reports to that of the step. Other programs are not observed.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from pipespec.step.witness.wrapped_functions import wrap_functions

__all__ = ["beginning", "watch_spawned_processes"]

_PREPARING: Final[Mapping[str, tuple[str, ...]]] = {
    "multiprocessing.spawn": ("get_preparation_data",),
    "joblib.externals.loky.backend.spawn": ("get_preparation_data",),
    "loky.backend.spawn": ("get_preparation_data",),
}
"""Functions that return a mapping for a process; it ignores keys that it does not know."""

_BEGIN: Final = """
try:
    from pipespec.step.witness.observation import observe_spawned
    observe_spawned({told!r}, {began!r})
except Exception:
    pass
"""


def beginning(told: str, began: int) -> str:
    """Return the code that starts an observer in a process, which reports to the file `told`; nothing where pipespec is not installed."""
    return _BEGIN.format(told=told, began=began)


def watch_spawned_processes(report: Callable[[], tuple[str, int] | None]) -> None:
    """Observe each process that is started from now on. `report` returns where it reports to, and when the step began."""
    wrap_functions(_PREPARING, partial(_adding, report=report))


class _Beginning:
    """Executes code where it is unpickled."""

    def __init__(self, code: str) -> None:
        self._code = code

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return exec, (self._code,)


def _adding(
    function: Callable[..., dict[str, Any]], report: Callable[[], tuple[str, int] | None]
) -> Callable[..., dict[str, Any]]:
    @functools.wraps(function)
    def adding(*args: Any, **more: Any) -> dict[str, Any]:
        data = function(*args, **more)
        found = report()
        if found is not None:
            data["pipespec"] = _Beginning(beginning(*found))
        return data

    return adding
