"""Observes a process: what it reads, lists, starts and unpickles is noted while the context is active.

An audit hook cannot be removed, so it is added once to a process, and notes nothing unless an `Observer` is active; functions that
are wrapped stay wrapped. The hook runs for every event of the process: it is short and never raises. It does not see files that
libraries open in C, C++ or Rust, except by the known readers, and what other programs read.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from typing import Any

from pipespec.step.witness.audit_events import (
    EVENT_NOTES,
    NotFoundFinder,
    note_followed_link,
    note_found,
    note_missed_lookup,
    note_open,
)
from pipespec.step.witness.named_in_texts import watch_named_in_texts
from pipespec.step.witness.native_readers import watch_native_readers
from pipespec.step.witness.observer import Observer, absolute_path
from pipespec.step.witness.os_calls import OsCallNotes, watch_os_calls
from pipespec.step.witness.spawned_processes import beginning, watch_spawned_processes

__all__ = ["code_that_observes", "observe", "observe_spawned"]

_active: Observer | None = None
_is_hooked = False


def _note_native(path: str) -> None:
    if _active is not None:
        _active.note_read(path)
        if _active.is_forked:
            _active.tell()


def _note_folder(path: str) -> None:
    if _active is not None and (name := absolute_path(path)) is not None:
        _active.folders.add(name)
        if _active.is_forked:
            _active.tell()


def _note_database(path: str) -> None:
    if _active is not None:
        _active.note_database(path)
        if _active.is_forked:
            _active.tell()


def _note_named(module: str, name: str) -> None:
    if _active is not None:
        _active.unpickled.add((module, name))


def _note_call(note: Callable[..., None], *args: object) -> None:
    if _active is None:
        return
    try:
        note(_active, *args)
        if _active.is_forked:
            _active.tell()
    except Exception:  # noqa: BLE001, S110 - an error here would be the user's
        pass


class observe:  # noqa: N801 - used as a context, like contextlib's
    """Note into an observer while the context is entered."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._finder = NotFoundFinder(observer)

    def __enter__(self) -> Observer:
        global _active, _is_hooked  # noqa: PLW0603 - a hook stays for good, so there is one
        if not _is_hooked:
            sys.addaudithook(_hook)
            os.register_at_fork(before=_before_fork, after_in_child=_in_fork)
            watch_native_readers(_note_native, _note_folder, _note_database)
            watch_named_in_texts(_note_named)
            notes = (note_missed_lookup, note_found, note_followed_link, note_open)
            watch_spawned_processes(_report)
            watch_os_calls(OsCallNotes(*(partial(_note_call, note) for note in notes)))
            _is_hooked = True
        sys.meta_path.append(self._finder)
        _active = self._observer
        return self._observer

    def __exit__(self, *_: object) -> None:
        global _active  # noqa: PLW0603
        _active = None
        if self._finder in sys.meta_path:
            sys.meta_path.remove(self._finder)


def _hook(event: str, args: tuple[Any, ...]) -> None:
    note = EVENT_NOTES.get(event)
    if note is not None and _active is not None:
        _note_call(note, args, sys._getframe(1))  # noqa: SLF001 - there is no other way to who is reading


def observe_spawned(told: str, began: int) -> None:
    """Observe this process, which a step has started, until it ends; report to the file of the step's observer."""
    if _active is None:
        file = open(told, "ab", buffering=0)  # noqa: SIM115, PTH123 - it lives as long as the process
        observe(Observer(began, told=file, is_forked=True, is_spawned=True)).__enter__()


def code_that_observes() -> str:
    """Return Python code that lets another process report to the step's observer; empty if there is none."""
    found = _report()
    return beginning(*found) if found is not None else ""


def _report() -> tuple[str, int] | None:
    """Return a path of the file to which other processes report; None where there is no path to an open file."""
    _before_fork()
    if _active is None or _active.told is None:
        return None
    path = f"/proc/{os.getpid()}/fd/{_active.told.fileno()}"
    return (path, _active.began) if os.path.exists(path) else None  # noqa: PTH110


def _before_fork() -> None:
    if _active is not None and _active.told is None:
        with contextlib.suppress(OSError):
            _active.told = tempfile.TemporaryFile("a+b", buffering=0)  # noqa: SIM115 - it lives as long as the step


def _in_fork() -> None:
    """Start again in a forked process, which reports to its parent what it notes."""
    global _active  # noqa: PLW0603
    if _active is not None:
        _active = Observer(_active.began, told=_active.told, is_forked=True, is_spawned=_active.is_spawned)
