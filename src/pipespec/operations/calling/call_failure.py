"""Why a call failed, as an error of the command that made it."""

from __future__ import annotations

from typing import Final

from pipespec.errors import PipespecError, StepFailedError, UsageError
from pipespec.step.step_job import Failure

__all__ = ["error_of"]

_GIVEN: Final = frozenset({"binding", "inputs", "secret"})
"""Kinds of failures that are in what was given, before the function was called."""


def error_of(failure: Failure) -> PipespecError:
    """Return a `UsageError` where what was given does not fit, else a `StepFailedError` with the traceback."""
    if failure.kind in _GIVEN:
        return UsageError(failure.message)
    is_told = failure.kind == "raised" and bool(failure.traceback)
    texts = (failure.traceback, "" if is_told else failure.message)
    return StepFailedError("\n".join(text for text in texts if text))
