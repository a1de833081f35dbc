"""Identify the process that works on a run, and detect whether it still exists.

A process id is not enough: ids are reused, and other hosts and containers have the same ids. Therefore an owner
consists of host, boot, process namespace, id and start time, as in the run's tag `pipespec.owner`. An owner on another
host cannot be checked from here; its lease shows whether it lives.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Self

from pipespec.frozen_values import frozen

__all__ = ["Owner", "owner_is_gone"]


@frozen
class Owner:
    """A process, distinguished from all others. `started` is in the system's own unit and is only compared."""

    host: str
    boot: str
    namespace: str
    pid: int
    started: str

    @classmethod
    def here(cls) -> Self:
        """Return the current process."""
        pid = os.getpid()
        return cls(*_place(), pid=pid, started=_started(pid) or "")

    @classmethod
    def parse(cls, tag: str) -> Self | None:
        """Return the owner that was converted to this text with `str`, or None if the text is not an owner."""
        try:
            fields = json.loads(tag)
            owner = cls(**fields)
        except (ValueError, TypeError):
            return None
        return owner if isinstance(owner.pid, int) else None

    def __str__(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))

    @property
    def is_here(self) -> bool:
        """True if the process can be seen from this host."""
        return (self.host, self.boot, self.namespace) == _place()

    def is_stopped(self) -> bool:
        """Return whether the process is known to be stopped: it got SIGSTOP, or Ctrl-Z was pressed."""
        if not self.is_here or sys.platform == "darwin" or _started(self.pid) != self.started:
            return False
        return (_stat(self.pid) or ["?"])[0] in ("T", "t")

    def is_gone(self) -> bool | None:
        """Return whether the process has ended; None if it cannot be seen from here."""
        if not self.is_here:
            return None
        return _started(self.pid) != self.started


def owner_is_gone(tag: str) -> bool | None:
    """Return whether the process in a run's tag has ended; None if it cannot be seen from here."""
    owner = Owner.parse(tag)
    return None if owner is None else owner.is_gone()


@cache
def _place() -> tuple[str, str, str]:
    return socket.gethostname(), _boot(), _namespace()


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return _output("sysctl", "-n", "kern.boottime") if sys.platform == "darwin" else ""


def _namespace() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


def _started(pid: int) -> str | None:
    """Return when a process started; None if it does not exist, or has ended and only waits to be reaped."""
    if sys.platform == "darwin":
        return _output("ps", "-o", "lstart=", "-p", str(pid)) or None
    fields = _stat(pid)
    return None if fields is None or fields[0] in ("Z", "X") else fields[19]


def _stat(pid: int) -> list[str] | None:
    """Return Linux's status fields of a process, its state first; None if it does not exist."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()  # the name, in brackets, may contain any character


def _output(*command: str) -> str:
    found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    return found.stdout.strip()
