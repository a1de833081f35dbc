"""Paths of keys, as references, `--set` and `include` write them: `params.model.epochs`, `params.names["a.b"]`.

    path = key { "." key | '["' text '"]' }      the text as JSON writes it

Takes text and returns the keys with their offsets, and the reverse. A key with dots, spaces or special characters is
written in brackets and quotes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

__all__ = ["PathKey", "dotted_names", "join_path", "path_below", "read_path"]

_BARE: Final = re.compile(r'(?:[^.=\[]|\[(?!"))+')
_QUOTED: Final = re.compile(r'\["(?:[^"\\]|\\.)*"\]')
_PLAIN_KEY: Final = re.compile(r"[^\s.:,=+*/()<>|&'\"{}\[\]\\]+")


class PathKey(NamedTuple):
    """One key of a path, and its place in the text. `quoted` is true if it is in brackets."""

    name: str
    start: int
    end: int
    quoted: bool = False


def read_path(text: str) -> tuple[tuple[PathKey, ...], int]:
    """Return the keys at the beginning of a text, and where they end. If the text is not a path, they end before its end."""
    keys: list[PathKey] = []
    position = 0
    while found := _BARE.match(text, position):
        keys.append(PathKey(found[0], *found.span()))
        position = found.end()
        while quoted := _QUOTED.match(text, position):
            try:
                name = json.loads(quoted[0][1:-1])
            except ValueError:
                return tuple(keys), position
            keys.append(PathKey(name, *quoted.span(), quoted=True))
            position = quoted.end()
        if not text.startswith(".", position):
            return tuple(keys), position
        position += 1
    return tuple(keys), position


def path_below(path: str, key: str) -> str:
    """Return the path of a key below another path, which is empty at the top level."""
    if not path or _PLAIN_KEY.fullmatch(key):
        return f"{path}.{key}" if path else key
    escaped = json.dumps(key, ensure_ascii=False).replace("{", "\\u007b").replace("}", "\\u007d")
    return f"{path}[{escaped}]"


def join_path(keys: Iterable[str]) -> str:
    """Return the path of nested keys."""
    path = ""
    for key in keys:
        path = path_below(path, key)
    return path


def dotted_names(keys: Sequence[str]) -> Iterator[str]:
    """Yield the dotted keys that a user who wrote these keys may have meant, the longest first."""
    return (".".join(keys[:end]) for end in range(len(keys), 1, -1))
