"""Why a call failed, as an error of the command that called it."""

from __future__ import annotations

from typing import Final

from pipespec.errors import PipespecError, StepFailedError, UsageError
from pipespec.step.step_job import Failure

__all__ = ["error_of"]

_GIVEN: Final = frozenset({"binding", "inputs", "secret"})
"""Kinds of failures whose cause is in the arguments, before the function was called."""


def error_of(failure: Failure) -> PipespecError:
    """Return a `UsageError` if the arguments do not fit, otherwise a `StepFailedError` with the traceback."""
    if failure.kind in _GIVEN:
        return UsageError(failure.message)
    is_told = failure.kind == "raised" and bool(failure.traceback)
    texts = (failure.traceback, "" if is_told else failure.message)
    return StepFailedError("\n".join(text for text in texts if text))
