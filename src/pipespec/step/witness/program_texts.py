"""What the scripts that programs ran name in their text: modules that they import, and files.

Takes scripts when the step has ended, and reads them; returns paths. A program is another process, and what it reads is not seen.
But a file whose name stands in the text of what it executed was probably read: `. ./lib.sh`, `open("stop.txt")`, `include vars.mk`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

from pipespec.spec.library_steps import AS_MODULE, pieces_of, words_of
from pipespec.step.witness.observer import Script
from pipespec.step.witness.program_words import is_script, run_as_module, sources_of

__all__ = ["NamedInTexts", "named_in_texts"]

_MOST: Final = 200
"""Scripts of one step that are read."""
_VARIABLE: Final = re.compile(r"^\$(?:\w+|\{\w+\})/")
"""What a script puts before a path: `$HERE/common.sh`; mostly the folder in which it is."""
_LARGEST: Final = 1 << 20
_LONGEST: Final = 300
"""Characters of a text in Python code that may be a path."""


class NamedInTexts(NamedTuple):
    """Absolute paths: of Python sources that are imported, and of other files that are named."""

    imported: frozenset[str]
    files: frozenset[str]


def named_in_texts(
    scripts: Collection[Script], folders: Collection[str], is_own: Callable[[str], bool]
) -> NamedInTexts:
    """Return what scripts name, and those that they import or execute; modules are searched beside them, too, and in `folders`.

    Of installed packages, which `is_own` tells from the user's code, nothing is read.
    """
    imported: set[str] = set()
    files: set[str] = set()
    waiting = sorted(one for one in scripts if one.code or is_own(one.path))
    seen = set(waiting)
    for _ in range(_MOST):
        if not waiting:
            break
        script = waiting.pop()
        named = _named_by(script, folders)
        imported |= named.imported
        files |= named.files
        for path in (*named.imported, *named.files):
            following = script._replace(path=path, code="")
            if is_script(path) and following not in seen and is_own(path):
                seen.add(following)
                waiting.append(following)
    return NamedInTexts(frozenset(imported), frozenset(files))


def _named_by(script: Script, folders: Collection[str]) -> NamedInTexts:
    """Return what one script names, as its language is: Python, or any other."""
    text = script.code or _text_of(script.path)
    places = [script.folder, *script.search, *folders]
    if not script.code and not script.path.endswith(".py"):
        modules = _run_as_modules(pieces_of(text), places)
        return NamedInTexts(frozenset(modules), frozenset(_named(words_of(text), script)))
    tree = _tree_of(text)
    if tree is None:  # code of a shell, whose words were looked at when it started
        return NamedInTexts(frozenset(), frozenset())
    beside = str(Path(script.path).parent) if script.path else script.folder
    modules = _imported(tree, beside, [beside, *places])
    return NamedInTexts(frozenset(modules), frozenset(_named(_strings(tree), script)))


def _text_of(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError:
        return ""
    return content.decode(errors="replace") if len(content) <= _LARGEST else ""


def _tree_of(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _strings(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) <= _LONGEST:
            yield node.value


def _run_as_modules(words: Sequence[str], places: Sequence[str]) -> Iterator[str]:
    """Yield the sources of the modules that a script runs by `python -m`."""
    for before, name in pairwise(words):
        if AS_MODULE.fullmatch(before):
            yield from run_as_module(name, places)


def _named(words: Collection[str] | Iterator[str], script: Script) -> Iterator[str]:
    """Yield the files that words name, seen from the folder of the program or from that of the script."""
    places = [Path(script.folder), *([Path(script.path).parent] if script.path else ())]
    for written in words:
        word = _VARIABLE.sub("", written)
        if word and "\0" not in word and "\n" not in word:
            for place in places:
                path = place / word
                try:
                    if path.is_file():
                        yield str(path.resolve() if ".." in word else path)
                except OSError:
                    continue


def _imported(tree: ast.Module, beside: str, places: Sequence[str]) -> Iterator[str]:
    """Yield the sources of the modules that code imports, with the packages around them."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=aliases):
                for alias in aliases:
                    yield from sources_of(alias.name, places)
            case ast.ImportFrom(module=base, names=aliases, level=0) if base:
                for alias in aliases:
                    yield from sources_of(f"{base}.{alias.name}", places)
            case ast.ImportFrom(module=base, names=aliases, level=level):
                around = [str(Path(beside, *[".."] * (level - 1)).resolve())]
                for alias in aliases:
                    yield from sources_of(".".join(filter(None, (base, alias.name))), around)
