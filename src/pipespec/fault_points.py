"""Named points of the publication protocol at which a test can make the process die or fail.

They do nothing unless `PIPESPEC_FAULT=point[:nth]:action` and `PIPESPEC_FAULT_TESTING=1` are both set when the process
starts. Then the nth passage (from 1) through that point executes the action: `kill9` the process, `exit0` without
output, `raise` an OSError, or `stop` (SIGSTOP). Points are named by their place, as `stage.before-what`.
"""

from __future__ import annotations

import os
import signal
from typing import Final

__all__ = ["POINTS", "REGISTRATION_POINTS", "reach"]

POINTS: Final = (
    "run.before-create",
    "run.after-create",
    "run.after-params",
    "worker.before-spawn",
    "worker.after-spawn",
    "step.before-call",
    "step.after-call",
    "step.after-save",
    "step.before-result",
    "step.after-result",
    "publish.before-upload",
    "publish.mid-upload",
    "publish.after-upload",
    "publish.after-manifest",
    "publish.before-batch",
    "publish.after-batch",
    "publish.after-finish",
    "invocation.after-create",
    "invocation.before-finish",
)
REGISTRATION_POINTS: Final = ("register.before-version", "register.after-version", "register.after-alias")
"""Points that are only passed by a run with models to register."""
_ALL: Final = (*POINTS, *REGISTRATION_POINTS)


def _armed() -> tuple[str, int, str] | None:
    if os.environ.get("PIPESPEC_FAULT_TESTING") != "1":
        return None
    match os.environ.get("PIPESPEC_FAULT", "").split(":"):
        case [point, action] if point in _ALL:
            return point, 1, action
        case [point, nth, action] if point in _ALL:
            return point, int(nth), action
        case _:
            return None


_ARMED: Final = _armed()
_passed = 0


def reach(point: str) -> None:
    """Pass through a named point: nothing happens unless a test armed it."""
    if _ARMED is None or _ARMED[0] != point:
        return
    global _passed  # noqa: PLW0603 - counts passages within one process, in tests only
    _passed += 1
    if _passed != _ARMED[1]:
        return
    match _ARMED[2]:
        case "kill9":
            os.kill(os.getpid(), signal.SIGKILL)
        case "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        case "exit0":
            os._exit(0)
        case "raise":
            raise OSError(28, f"fault at {point}")
        case _:
            return
