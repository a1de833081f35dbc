"""Which process works on a run, and whether it still does.

A process id alone says little: ids are used again, other hosts and containers have the same ones. So an owner is
host, boot, process namespace, id and start time, as the run's tag `pipespec.owner` keeps them. Of an owner on
another host nothing can be said from here; its lease tells.
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
    """A process, told apart from all others; `started` is in the system's own unit and only compared."""

    host: str
    boot: str
    namespace: str
    pid: int
    started: str

    @classmethod
    def here(cls) -> Self:
        """Return the process that asks."""
        pid = os.getpid()
        return cls(*_place(), pid=pid, started=_started(pid) or "")

    @classmethod
    def parse(cls, tag: str) -> Self | None:
        """Return what `str` of an owner was made of, or None where the text is no such thing."""
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
        """True where the process can be seen from here."""
        return (self.host, self.boot, self.namespace) == _place()

    def is_stopped(self) -> bool:
        """Tell whether the process is seen to stand still: it was sent SIGSTOP, or Ctrl-Z was pressed."""
        if not self.is_here or sys.platform == "darwin" or _started(self.pid) != self.started:
            return False
        return (_stat(self.pid) or ["?"])[0] in ("T", "t")

    def is_gone(self) -> bool | None:
        """Tell whether the process has ended; None for one that cannot be seen from here."""
        if not self.is_here:
            return None
        return _started(self.pid) != self.started


def owner_is_gone(tag: str) -> bool | None:
    """Tell whether the process that a run's tag names has ended; None where that cannot be seen from here."""
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
    """Return when a process started; None when there is none, or when it has ended and only waits to be reaped."""
    if sys.platform == "darwin":
        return _output("ps", "-o", "lstart=", "-p", str(pid)) or None
    fields = _stat(pid)
    return None if fields is None or fields[0] in ("Z", "X") else fields[19]


def _stat(pid: int) -> list[str] | None:
    """Return what Linux tells of a process, its state first; None when there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()  # the name, in brackets, may hold anything


def _output(*command: str) -> str:
    found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    return found.stdout.strip()
