"""Recognize files of other tools that are given as pipeline files. The message names the tool instead of listing errors.

Takes a file's name and text, and returns the diagnostic. A file with `pipespec:` at its top level is a pipeline file,
whatever else it contains.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Callable
from typing import Final, NamedTuple

from pipespec.document.wording import quote
from pipespec.errors import Diagnostic, Span

__all__ = ["DVC", "foreign_file", "foreign_kind"]

_BEGINNING: Final = 200_000
"""Maximum number of characters that are examined."""
_OURS: Final = re.compile(r"^(?:\ufeff)?(?:\{\s*)?[\"']?pipespec[\"']?[ \t]*:", re.MULTILINE)


class _ForeignKind(NamedTuple):
    """A kind of file: how to recognize it, what it is called, and what to do with it."""

    tells: Callable[[str, str], bool]
    title: str
    hint: str


def _has(*patterns: str) -> Callable[[str, str], bool]:
    """Return a test for a YAML file that has all of these lines."""
    return lambda name, text: not name.endswith(".py") and _have(text, patterns)


def _is_python(*patterns: str) -> Callable[[str, str], bool]:
    return lambda name, text: name.endswith(".py") and _have(text, patterns)


def _have(text: str, patterns: tuple[str, ...]) -> bool:
    return all(re.search(pattern, text, re.MULTILINE) for pattern in patterns)


def _is_snakefile(name: str, text: str) -> bool:
    is_named = name == "Snakefile" or name.endswith(".smk")
    return is_named or (re.search(r"^rule \w+:", text, re.MULTILINE) is not None and "input:" in text)


DVC: Final = "a file of DVC"
_PAGE: Final = "docs/coming-from/{}.md shows how such a pipeline is written here"
_KINDS: Final = (
    _ForeignKind(_has(r"^stages:", r"^\s+(?:cmd|do):"), DVC, "write a pipeline file from it: pipespec convert {file}"),
    _ForeignKind(_is_snakefile, "a Snakefile", _PAGE.format("snakemake")),
    _ForeignKind(_has(r"^tasks:", r"^\s*(?:- +)?(?:source|class):"), "a pipeline of Ploomber", _PAGE.format("ploomber")),
    _ForeignKind(
        _has(r"^\w\S*:\s*$", r"^\s+type:\s*\S+Data[sS]et\b"),
        "a catalog of Kedro",
        "write a pipeline file from its project: pipespec convert kedro FOLDER",
    ),
    _ForeignKind(_has(r"^defaults:\s*$(?:\n\s*#.*)*\n\s*- "), "a configuration of Hydra", _PAGE.format("hydra")),
    _ForeignKind(_is_python(r"^(?:from|import) metaflow\b"), "a flow of Metaflow", _PAGE.format("metaflow")),
    _ForeignKind(_is_python(r"^(?:from|import) gokart\b"), "a module of gokart", _PAGE.format("luigi")),
    _ForeignKind(_is_python(r"^(?:from|import) luigi\b"), "a module of Luigi", _PAGE.format("luigi")),
    _ForeignKind(_is_python(r"^(?:from|import) kedro\b"), "a module of Kedro", "write a pipeline file from its project: pipespec convert kedro FOLDER"),
    _ForeignKind(
        _is_python(), "a Python file", "a pipeline file is YAML; a step of it calls a function of such a file: call: module:function"
    ),
)  # fmt: skip


def foreign_kind(file: str, text: str | bytes) -> tuple[str, str] | None:
    """Return what another tool's file is, and what to do with it; None if it may be a pipeline file."""
    beginning = text[:_BEGINNING]
    read = beginning.decode("utf-8", errors="replace") if isinstance(beginning, bytes) else beginning
    if _OURS.search(read):
        return None
    name = posixpath.basename(file)
    for kind in _KINDS:
        if kind.tells(name, read):
            return kind.title, kind.hint.format(file=shlex.quote(file))
    return None


def foreign_file(file: str, text: str | bytes) -> Diagnostic | None:
    """Return the diagnostic for a file of another tool, or None if it may be a pipeline file."""
    found = foreign_kind(file, text)
    if found is None:
        return None
    title, hint = found
    message = f"{quote(posixpath.basename(file))} is {title}, not a pipeline file"
    return Diagnostic("foreign-file", message, Span(file, 1, 1, 1, 1), hint)
