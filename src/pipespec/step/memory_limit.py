"""A limit of the memory that a step's process, and each process that it starts, may use.

Takes bytes. The system refuses more memory than that, and the exception becomes a `StepError`. The limit counts private memory
that a process may write to, when the system reserves it. It does not count mapped files, or reserved address space, since
libraries reserve far more than they use.
"""

from __future__ import annotations

import resource
import sys

from pipespec.spec.resource_amounts import MEMORY, spelled_amount
from pipespec.step.failure import StepError, causes, summary

__all__ = ["limited_memory", "with_limit"]


class limited_memory:  # noqa: N801 - used as a context, like contextlib's
    """Apply a limit while the context is entered; None means no limit.

    A class, since a context made by `contextlib` sets attributes of the exceptions that pass, which user code may not allow.

    Raises:
        StepError: if there was not enough memory, or this system has no such limit.
    """

    def __init__(self, limit: int | None) -> None:
        self._limit = limit

    def __enter__(self) -> None:
        if self._limit is None:
            return
        if sys.platform != "linux":
            raise StepError("memory", "this system cannot limit memory; remove 'limit_memory'")
        self._before = resource.getrlimit(resource.RLIMIT_DATA)
        most = self._before[1]
        allowed = self._limit if most == resource.RLIM_INFINITY else min(self._limit, most)
        resource.setrlimit(resource.RLIMIT_DATA, (allowed, most))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if self._limit is None:
            return
        resource.setrlimit(resource.RLIMIT_DATA, self._before)  # what follows needs memory
        if isinstance(error, Exception) and any(isinstance(each, MemoryError) for each in causes(error)):
            told = f"exceeded its memory of {_spelled(self._limit)} ({summary(error)})"
            raise StepError("memory", told) from error


def with_limit(message: str, limit: int | None) -> str:
    """Return a note on the limit of a process that crashed: some libraries crash if they get no memory."""
    return message if limit is None else f"{message}; its memory was limited to {_spelled(limit)}"


def _spelled(limit: int) -> str:
    return spelled_amount(MEMORY, limit)
