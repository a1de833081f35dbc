"""The frames of a traceback that tell a user something: a live traceback, or the text of one, -> lines.

Frames of pipespec and of the import system are left out without a word. Of libraries, installed or Python's own, the frame
that raised is kept, and the others are counted; a deep stack is cut in its middle.
"""

from __future__ import annotations

import importlib
import linecache
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Final

from pipespec.errors import counted
from pipespec.frozen_values import frozen

__all__ = ["LONGEST_LINE", "frame_lines", "without_library_frames"]

LONGEST_LINE: Final = 300
"""Characters of a line of source that are shown."""

_HIDDEN: Final = (str(Path(__file__).parents[1]), importlib.__file__, "<frozen importlib", "<frozen runpy")
"""Files whose frames are not the user's business, by their beginnings."""
_LIBRARIES: Final = (f"{Path(os.__file__).parent}{os.sep}", "<frozen ", "<__array_function__")
"""The beginnings of the names of files that belong to Python itself, or to nobody."""
_COMPILED: Final = (".pyx", ".pxi", ".pxd")
"""Sources of what Cython compiled, which are seldom there."""
_INSTALLED: Final = tuple(f"{os.sep}{name}{os.sep}" for name in ("site-packages", "dist-packages"))
_ENDS: Final = 20  # frames shown at either end of a stack
_FRAME: Final = re.compile(r'\s*File "(?P<file>[^"]*)", line \d+')


@frozen
class _Frame:
    """One frame: its file, and what makes its lines where they are needed."""

    file: str
    entry: TracebackType | None = None
    text: tuple[str, ...] = ()

    def lines(self) -> Iterable[str]:
        return self.text if self.entry is None else (_shown(self.entry),)


@frozen
class _LeftOut:
    """So many frames of libraries that are not shown."""

    count: int

    def lines(self) -> Iterable[str]:
        return (f"  [{self.count} frame{'s' if self.count > 1 else ''} of libraries left out]",)


def frame_lines(trace: TracebackType | None) -> list[str]:
    """Return the lines of a traceback's frames, as Python prints them."""
    return [*_cut(_thinned(frame for frame in _walk(trace) if not frame.file.startswith(_HIDDEN)))]


def without_library_frames(text: str) -> str:
    """Thin out each traceback in a text, such as one that came from another process; other lines stay."""
    lines: list[str] = []
    frames: list[_Frame] = []
    for line in text.splitlines():
        found = _FRAME.match(line)
        if found is not None:
            frames.append(_Frame(found["file"], text=(line,)))
        elif frames and line.startswith("    "):
            frames[-1] = _Frame(frames[-1].file, text=(*frames[-1].text, line))
        else:
            lines += [*_cut(_thinned(frames)), line]
            frames = []
    return "\n".join([*lines, *_cut(_thinned(frames))])


def _walk(trace: TracebackType | None) -> Iterator[_Frame]:
    while trace is not None:
        yield _Frame(trace.tb_frame.f_code.co_filename, trace)
        trace = trace.tb_next


def _thinned(frames: Iterable[_Frame]) -> list[_Frame | _LeftOut]:
    """Keep the user's frames, and the last of all; count the others between them."""
    kept: list[_Frame | _LeftOut] = []
    library: list[_Frame] = []
    for frame in frames:
        if _is_library(frame.file):
            library.append(frame)
            continue
        if library:
            kept.append(_LeftOut(len(library)))
            library = []
        kept.append(frame)
    if len(library) > 1:
        kept.append(_LeftOut(len(library) - 1))
    return [*kept, *library[-1:]]


def _is_library(file: str) -> bool:
    is_compiled = file.endswith(_COMPILED) and not Path(file).exists()
    return is_compiled or file.startswith(_LIBRARIES) or any(part in file for part in _INSTALLED)


def _cut(frames: list[_Frame | _LeftOut]) -> Iterator[str]:
    """Yield the lines of frames, of very many those of the first and the last ones."""
    middle = frames[_ENDS:-_ENDS]
    for frame in frames[:_ENDS] if middle else frames:
        yield from frame.lines()
    if middle:
        count = sum(frame.count if isinstance(frame, _LeftOut) else 1 for frame in middle)
        yield f"  [{count} frames left out]"
        for frame in frames[-_ENDS:]:
            yield from frame.lines()


def _shown(entry: TracebackType) -> str:
    code = entry.tb_frame.f_code
    place = f'  File "{code.co_filename}", line {entry.tb_lineno}, in {code.co_name}'
    line = linecache.getline(code.co_filename, entry.tb_lineno).strip()
    if len(line) > LONGEST_LINE:
        line = f"{line[:LONGEST_LINE]} … [{counted(len(line) - LONGEST_LINE, 'character')} left out]"
    return f"{place}\n    {line}" if line else place
