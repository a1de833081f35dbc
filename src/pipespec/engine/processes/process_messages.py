"""The messages between the parent and the template of step processes over their socket.

Pickled by `pickle` itself: `Connection.send` creates a pickler that supports shared memory and descriptors. This costs
a dozen function calls for each message, and memory that the template copies after each fork.
"""

from __future__ import annotations

import pickle
from multiprocessing.connection import Connection
from typing import Any, NamedTuple, TypeAlias

__all__ = [
    "Answer",
    "Done",
    "Exited",
    "Lost",
    "Order",
    "Ready",
    "Signal",
    "Spawn",
    "Started",
    "receive",
    "send",
]


class Spawn(NamedTuple):
    """Fork a process that runs what the entry makes of `payload`, with stdout and stderr appended to `log`."""

    number: int
    payload: bytes
    log: str
    reports_done: bool = False
    """Whether anybody waits for `Done`."""


class Signal(NamedTuple):
    """Send a signal to the process group of a spawned process, if it is still running."""

    number: int
    signum: int


class Ready(NamedTuple):
    """The template accepts orders. `left_out` maps modules that were not loaded beforehand to the reasons."""

    loaded: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...]


class Started(NamedTuple):
    """A process is running. Its pid is also the number of its process group."""

    number: int
    pid: int


class Done(NamedTuple):
    """A process has said that its work is done, and that it is about to end. It need not say so."""

    number: int


class Exited(NamedTuple):
    """A process has ended: its exit code, or the negated number of the signal that ended it."""

    number: int
    code: int


class Lost(NamedTuple):
    """A process could not be started, or died with the template that watched it."""

    number: int
    reason: str


Order: TypeAlias = Spawn | Signal
Answer: TypeAlias = Ready | Started | Done | Exited | Lost


def send(connection: Connection[Any, Any], message: Order | Answer) -> None:
    """Send a message.

    Raises:
        OSError: if the other side is gone.
    """
    connection.send_bytes(pickle.dumps(message))


def receive(connection: Connection[Any, Any]) -> Any:
    """Wait for a message, and return it.

    Raises:
        EOFError: if the other side is gone.
    """
    return pickle.loads(connection.recv_bytes())  # noqa: S301 - from our parent, or our child
