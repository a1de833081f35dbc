"""A limit of the memory that a step's process, and each process that it starts, may use.

Takes bytes. The system refuses more memory than that, and the exception becomes a `StepError`. The limit counts private memory
that a process may write to, when the system reserves it. It does not count mapped files, or reserved address space, since
libraries reserve far more than they use.
"""

from __future__ import annotations

import contextlib
import resource
import sys
from collections.abc import Iterator

from pipespec.spec.resource_amounts import MEMORY, spelled_amount
from pipespec.step.failure import StepError, causes, summary

__all__ = ["limited_memory", "with_limit"]


@contextlib.contextmanager
def limited_memory(limit: int | None) -> Iterator[None]:
    """Apply a limit; None means no limit.

    Raises:
        StepError: if there was not enough memory, or this system has no such limit.
    """
    if limit is None:
        yield
        return
    if sys.platform != "linux":
        raise StepError("memory", "this system cannot limit memory; remove 'limit_memory'")
    before, most = resource.getrlimit(resource.RLIMIT_DATA)
    allowed = limit if most == resource.RLIM_INFINITY else min(limit, most)
    resource.setrlimit(resource.RLIMIT_DATA, (allowed, most))
    try:
        yield
    except Exception as error:
        resource.setrlimit(resource.RLIMIT_DATA, (before, most))  # what follows needs memory
        if not any(isinstance(each, MemoryError) for each in causes(error)):
            raise
        raise StepError("memory", f"exceeded its memory of {_spelled(limit)} ({summary(error)})") from error
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (before, most))


def with_limit(message: str, limit: int | None) -> str:
    """Return a note on the limit of a process that crashed: some libraries crash if they get no memory."""
    return message if limit is None else f"{message}; its memory was limited to {_spelled(limit)}"


def _spelled(limit: int) -> str:
    return spelled_amount(MEMORY, limit)
