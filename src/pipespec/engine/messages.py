"""What the parent and the template of step processes tell each other over their socket."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

__all__ = ["Answer", "Exited", "Lost", "Order", "Ready", "Signal", "Spawn", "Started"]


class Spawn(NamedTuple):
    """Fork a process that hands `payload` to the entry, with stdout and stderr appended to `log`."""

    number: int
    payload: bytes
    log: str


class Signal(NamedTuple):
    """Send a signal to the process group of a spawned process, if it still runs."""

    number: int
    signum: int


class Ready(NamedTuple):
    """The template takes orders; `left_out` says of modules that were not loaded beforehand why not."""

    loaded: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...]


class Started(NamedTuple):
    """A process runs; its pid is also the number of its process group."""

    number: int
    pid: int


class Exited(NamedTuple):
    """A process is gone: its exit code, or the negated number of the signal that ended it."""

    number: int
    code: int


class Lost(NamedTuple):
    """A process could not be started, or went down with the template that watched it."""

    number: int
    reason: str


Order: TypeAlias = Spawn | Signal
Answer: TypeAlias = Ready | Started | Exited | Lost
