"""The memory pages to which a step's process writes: noted once, and copied in advance in the process that waits for the next step.

A fork shares its memory with its parent until one of them writes to a page. Then the system copies that page, in 2 µs.
In Python, calling a function writes its reference count, so that a step that does nothing copies 1,500 pages. Copying
changes nothing that a program could see. If the system does not say which pages are a process's own, none are copied in
advance.
"""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import struct
from array import array
from collections.abc import Iterator
from itertools import chain, groupby, islice
from typing import Final

from pipespec.step.step_log import c_library

__all__ = ["WrittenPages"]

_MADV_POPULATE_WRITE: Final = 23
"""Since Linux 5.14."""
_OWN: Final = 1 << 63 | 1 << 56
"""Bits of an entry of `/proc/self/pagemap`: the page is there, and no other process has it."""
_MOST_LOOKED_AT: Final = 1 << 16
"""Maximum number of pages. Few templates have more, and checking takes a quarter of a microsecond for each."""
_MOST_COPIED: Final = 1 << 12
"""Maximum number of ranges."""
_NUMBER: Final = struct.Struct("@Q")


class WrittenPages:
    """What all processes that are forked from this one know about the first of them that ended."""

    def __init__(self) -> None:
        self._noted = mmap.mmap(-1, _NUMBER.size * (1 + 2 * _MOST_COPIED))
        """Shared with the forks: how many numbers follow, and then an address and a length for each range of pages."""

    def note(self) -> None:
        """Note the pages to which this process, a fork, has written, unless another fork has noted its own."""
        with contextlib.suppress(OSError, ValueError):
            if not self._count():
                numbers = array("Q", chain.from_iterable(islice(_own_ranges(), _MOST_COPIED)))
                self._noted[_NUMBER.size : (1 + len(numbers)) * _NUMBER.size] = numbers.tobytes()
                _NUMBER.pack_into(self._noted, 0, len(numbers))

    def copy(self) -> None:
        """Copy those pages now."""
        advise = c_library().madvise
        numbers = iter(array("Q", self._noted[_NUMBER.size : (1 + self._count()) * _NUMBER.size]))
        for start, length in zip(numbers, numbers, strict=True):
            advise(ctypes.c_void_p(start), ctypes.c_size_t(length), _MADV_POPULATE_WRITE)

    def _count(self) -> int:
        return int(_NUMBER.unpack_from(self._noted)[0])


def _own_ranges() -> Iterator[tuple[int, int]]:
    """Yield address and length of the memory that this process may write to and does not share."""
    left = _MOST_LOOKED_AT
    with open("/proc/self/maps") as maps, open("/proc/self/pagemap", "rb", buffering=0) as pages:  # noqa: PTH123 - not files of the disk
        for line in maps:
            place, rights = line.split()[:2]
            if not rights.startswith("rw") or not rights.endswith("p"):
                continue
            first, end = (int(address, 16) // mmap.PAGESIZE for address in place.split("-"))
            pages.seek(first * _NUMBER.size)
            entries = array("Q", pages.read(min(end - first, left) * _NUMBER.size))
            left -= len(entries)
            for is_own, some in groupby(enumerate(entries, first), lambda page: page[1] & _OWN == _OWN):
                if is_own:
                    found = [page for page, _ in some]
                    yield found[0] * mmap.PAGESIZE, len(found) * mmap.PAGESIZE
