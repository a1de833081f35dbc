"""Run small tasks for a remote store, several at a time: most of their time is waiting."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from typing import Final, TypeVar

__all__ = ["side_by_side"]

_Item = TypeVar("_Item")

_AT_A_TIME: Final = 4
"""The number of requests that a tracking server handles at a time by default."""


def side_by_side(work: Callable[[_Item], object], items: Collection[_Item]) -> None:
    """Run a task for each item. The first error stops all tasks that have not begun, and is raised.

    The threads do not prevent the process from ending: unfinished tasks are then lost, as if the process had been
    killed.
    """
    waiting = iter(items)
    lock = threading.Lock()
    errors: list[BaseException] = []

    def go_on() -> None:
        while not errors:
            with lock:
                try:
                    item = next(waiting)
                except StopIteration:
                    return
            try:
                work(item)
            except BaseException as error:  # noqa: BLE001 - raised in the thread that asked
                errors.append(error)

    threads = [
        threading.Thread(target=go_on, name="files", daemon=True)
        for _ in range(min(_AT_A_TIME, len(items)) - 1)
    ]
    for thread in threads:
        thread.start()
    go_on()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
