"""Small pieces of work for a store that is far away, several at a time: most of each is waiting."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from typing import Final, TypeVar

__all__ = ["side_by_side"]

_Item = TypeVar("_Item")

_AT_A_TIME: Final = 4
"""As many requests as a tracking server takes at a time by default."""


def side_by_side(work: Callable[[_Item], object], items: Collection[_Item]) -> None:
    """Do some work for each item; the first error ends what has not begun, and is raised.

    The threads keep no process from ending: what is under way then is lost, as if the process had been killed.
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
            except BaseException as error:  # noqa: BLE001 - raised where it was asked for
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
