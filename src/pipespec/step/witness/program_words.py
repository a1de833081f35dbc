"""The words of a command that a step starts -> what an `Observer` notes: files, folders, scripts and code that they name.

Takes the words, the folder in which the program starts and its environment. Asks whether files exist, and opens nothing. What the
program reads besides is not seen; of the scripts that it runs, `program_texts` reads the text when the step has ended.
"""

from __future__ import annotations

import glob
import itertools
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from pipespec.spec.library_steps import AS_CODE, AS_MODULE, parts_of, pieces_of
from pipespec.step.witness.observer import Observer, Script, absolute_path

__all__ = ["is_script", "note_words", "run_as_module", "sources_of"]

_MOST: Final = 1_000
"""Words of one command, and files found by one pattern."""

_INTO: Final = frozenset({"cd", "pushd", "-C", "--directory"})
"""Words after which a folder stands from which the next words are seen."""

_NO_PATH: Final = re.compile(r"""[\s;|&<>()$"'*?]""")
_SCRIPTS: Final = frozenset({
    ".awk", ".bash", ".bat", ".cmd", ".do", ".jl", ".ksh", ".mak", ".make", ".mk", ".nf", ".pl", ".py",
    ".R", ".r", ".rb", ".sed", ".sh", ".smk", ".sql", ".tcl", ".zsh",
})  # fmt: skip
_SCRIPT_NAMES: Final = frozenset(
    {"GNUmakefile", "Justfile", "Makefile", "Rakefile", "Snakefile", "justfile", "makefile"}
)
_READ_UNASKED: Final = dict.fromkeys(("gmake", "make"), ("GNUmakefile", "makefile", "Makefile"))
"""Programs that read a file which their words do not name."""


def is_script(path: str) -> bool:
    """Return whether a file is a text that a program executes, by its name."""
    name = path.rpartition("/")[2]
    return name in _SCRIPT_NAMES or os.path.splitext(name)[1] in _SCRIPTS  # noqa: PTH122 - paths are text here


def sources_of(name: str, places: Sequence[str]) -> Iterator[str]:
    """Yield the sources of a module and of the packages around it, from the first folder that has any of them."""
    parts = name.split(".")
    for place in places:
        found = False
        for length in range(1, len(parts) + 1):
            stem = Path(place, *parts[:length])
            for path in (stem / "__init__.py", stem.with_name(f"{stem.name}.py")):
                if path.is_file():
                    found = True
                    yield str(path)
        if found:
            return


def run_as_module(name: str, places: Sequence[str]) -> Iterator[str]:
    """Yield the sources that `python -m NAME` executes."""
    yield from sources_of(name, places)
    yield from sources_of(f"{name}.__main__", places)


def note_words(
    observer: Observer,
    words: Sequence[object],
    folder: str | None,
    environment: Mapping[object, object] | None = None,
) -> None:
    """Note the program, and what its words name: `make.py`, `--config=a.yaml`, `sh -c 'cd data; cat *.txt'`, `-m tools.make`."""
    texts = [os.fsdecode(word) for word in words if isinstance(word, str | bytes | os.PathLike)]
    if not texts:
        return
    if "/" not in texts[0] and (found := shutil.which(texts[0])):
        texts.append(found)
    place = folder or os.getcwd()  # noqa: PTH109 - paths are text here
    search = _search(environment, place)
    before, folders = "", [place]
    for piece in itertools.islice(_pieces([*texts, *_changed(environment)]), _MOST):
        if before in _INTO and (into := absolute_path(piece, folders[-1])) and os.path.isdir(into):  # noqa: PTH112
            folders.append(into)
        elif AS_CODE.fullmatch(before):
            observer.programs.add(Script("", piece, place, search))
        elif AS_MODULE.fullmatch(before):
            for found in run_as_module(piece, (place, *search)):
                _note_file(observer, found, place, search)
        parts = (*parts_of(piece), *_READ_UNASKED.get(piece.rpartition("/")[2], ()))
        for each in folders:
            for part in parts:
                _note_word(observer, part, each, place, search)
        before = piece


def _pieces(texts: Sequence[str]) -> Iterator[str]:
    for text in texts:
        yield text
        yield from (piece for piece in pieces_of(text) if piece != text)


def _note_word(observer: Observer, text: str, folder: str, place: str, search: tuple[str, ...]) -> None:
    name = absolute_path(text, folder)
    if name is None:
        return
    target = os.path.realpath(name)  # through the links of the folder in which a command with `paths` runs
    if target != name and os.path.isfile(target):  # noqa: PTH113
        _note_file(observer, target, place, search)
    if os.path.isfile(name):  # noqa: PTH113
        _note_file(observer, name, place, search)
    elif os.path.isdir(name):  # noqa: PTH112
        observer.handed.add(name)
    elif glob.has_magic(name):
        for found in itertools.islice(glob.iglob(name, recursive=True), _MOST):  # noqa: PTH207
            if os.path.isfile(found):  # noqa: PTH113
                _note_file(observer, found, place, search)
                observer.folders.add(os.path.dirname(found))  # noqa: PTH120
    elif not _NO_PATH.search(text) and not os.path.lexists(name):
        observer.due.add(name)


def _note_file(observer: Observer, path: str, place: str, search: tuple[str, ...]) -> None:
    if path not in observer.read:  # what the step has read before is not the program's alone
        observer.named.add(path)
    observer.note_read(path)
    if path.endswith(".py"):
        observer.scripts.add(path)
    if is_script(path):
        observer.programs.add(Script(path, "", place, search))


def _search(environment: Mapping[object, object] | None, place: str) -> tuple[str, ...]:
    """Return the folders of `PYTHONPATH` as the program gets it."""
    text = _as_text((os.environ if environment is None else environment).get("PYTHONPATH"))
    found = (absolute_path(entry, place) for entry in text.split(os.pathsep) if entry)
    return tuple(entry for entry in found if entry is not None)


def _changed(environment: Mapping[object, object] | None) -> list[str]:
    """Return the values that a program gets and the step has not."""
    if environment is None:
        return []
    own = os.environ
    pairs = ((_as_text(name), _as_text(value)) for name, value in environment.items())
    return [value for name, value in pairs if value and own.get(name) != value]


def _as_text(value: object) -> str:
    return os.fsdecode(value) if isinstance(value, str | bytes) else ""
