"""Read docstrings in the three common styles: what they say about a function, and about each of its arguments.

Takes a docstring as it is in the source. A docstring in no known style describes no argument.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from pipespec.python.signature import CallableSource

__all__ = ["described_arguments", "headline"]

_GOOGLE_SECTION: Final = re.compile(
    r"^(?:Args|Arguments|Parameters):[ \t]*\n((?:[ \t]+\S.*\n?|[ \t]*\n)+)", re.MULTILINE
)
_NUMPY_SECTION: Final = re.compile(
    r"^Parameters[ \t]*\n-{3,}[ \t]*\n((?:(?!.*\n-{3,}[ \t]*$).*\n)*)", re.MULTILINE
)
_GOOGLE_ENTRY: Final = re.compile(r"^\*{0,2}(\w+)(?:\s*\([^)]*\))?:\s*(.*)")
_FIELD: Final = re.compile(r"^:param(?:\s+[^:]+)?\s+(\w+):\s*(.*(?:\n[ \t]+\S.*)*)", re.MULTILINE)


def headline(source: CallableSource) -> str:
    """Return the first paragraph of a docstring, on one line; empty if there is none."""
    first = (source.docstring or "").strip().split("\n\n", 1)[0]
    return " ".join(first.split())


def described_arguments(docstring: str | None) -> Mapping[str, str]:
    """Return what a docstring says about arguments: sections `Args:` and `Parameters`, or fields `:param name:`."""
    text = "\n".join(line.rstrip() for line in _dedented((docstring or "").split("\n"))) + "\n"
    found = {name: " ".join(said.split()) for name, said in _FIELD.findall(text)}
    if section := _GOOGLE_SECTION.search(text):
        found |= _entries(_dedented(["", *section[1].split("\n")]))
    if section := _NUMPY_SECTION.search(text):
        found |= _entries_of_numpy(section[1].split("\n"))
    return found


def _entries_of_numpy(lines: Iterable[str]) -> dict[str, str]:
    """Read `name : type` lines with the indented text below each. `a, b : int` describes both."""
    found: dict[str, list[str]] = {}
    said: list[str] = []
    for line in lines:
        if line.startswith((" ", "\t")):
            said.append(line.strip())
        elif line:
            said = []
            names = line.partition(":")[0].split(",")
            found |= dict.fromkeys((name.strip().lstrip("*") for name in names), said)
    return {name: " ".join(said) for name, said in found.items() if said}


def _entries(lines: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    name = None
    for line in lines:
        if entry := _GOOGLE_ENTRY.match(line):
            name = entry[1]
            found[name] = entry[2].strip()
        elif name is not None and line.startswith(" "):
            found[name] = f"{found[name]} {line.strip()}".strip()
    return found


def _dedented(lines: list[str]) -> list[str]:
    """Remove the common indentation of all lines except the first."""
    depth = min((len(line) - len(line.lstrip()) for line in lines[1:] if line.strip()), default=0)
    return [lines[0].strip(), *(line[depth:] for line in lines[1:])]
