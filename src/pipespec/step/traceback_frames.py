"""Format the useful frames of a traceback, from a live traceback or from its text, as lines.

Frames of pipespec and of the import system are left out silently. Of frames of libraries (installed, or Python's own),
the frame that raised is kept and the others are counted. The middle of a deep stack is left out.
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
"""Maximum number of characters of a source line that are shown."""

_HIDDEN: Final = (str(Path(__file__).parents[1]), importlib.__file__, "<frozen importlib", "<frozen runpy")
"""Prefixes of files whose frames do not concern the user."""
_LIBRARIES: Final = (f"{Path(os.__file__).parent}{os.sep}", "<frozen ", "<__array_function__")
"""Prefixes of file names that belong to Python itself, or to no file."""
_COMPILED: Final = (".pyx", ".pxi", ".pxd")
"""Sources of code compiled by Cython, which are rarely available."""
_INSTALLED: Final = tuple(f"{os.sep}{name}{os.sep}" for name in ("site-packages", "dist-packages"))
_ENDS: Final = 20  # frames shown at each end of a stack
_FRAME: Final = re.compile(r'\s*File "(?P<file>[^"]*)", line \d+')


@frozen
class _Frame:
    """One frame: its file, and a function that creates its lines if they are needed."""

    file: str
    entry: TracebackType | None = None
    text: tuple[str, ...] = ()

    def lines(self) -> Iterable[str]:
        return self.text if self.entry is None else (_shown(self.entry),)


@frozen
class _LeftOut:
    """A number of library frames that are not shown."""

    count: int

    def lines(self) -> Iterable[str]:
        return (f"  [{self.count} frame{'s' if self.count > 1 else ''} of libraries left out]",)


def frame_lines(trace: TracebackType | None) -> list[str]:
    """Return the lines of a traceback's frames, as Python prints them."""
    return [*_cut(_thinned(frame for frame in _walk(trace) if not frame.file.startswith(_HIDDEN)))]


def without_library_frames(text: str) -> str:
    """Remove frames from each traceback in a text, for example one from another process. Other lines are unchanged."""
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
    """Keep the user's frames and the last of all frames; count the others between them."""
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
    """Yield the lines of frames; of very many frames, only those of the first and the last."""
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
