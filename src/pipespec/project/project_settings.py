"""The settings in `[tool.pipespec]` of a project's pyproject.toml.

Takes a folder. Returns the values by key, none if there is no such table. Refuses unknown keys and values of the wrong
type. In a project that is not trusted, only `file` is read, and it must name a file inside the project.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pipespec.document.size_limits import MAX_BYTES
from pipespec.errors import UsageError

__all__ = ["SETTINGS_FILE", "default_file", "read_settings"]

SETTINGS_FILE: Final = "pyproject.toml"
_JOBS_LIMIT: Final = 1024
_TABLE: Final = "[tool.pipespec]"
_KINDS: Final[Mapping[str, str]] = {
    "file": "a text",
    "jobs": f"a whole number from 1 to {_JOBS_LIMIT}",
    "overlays": "a list of texts",
    "scheduler": "a text",
    "verbose": "true or false",
    "keep-going": "true or false",
    "tracking": "true or false",
}


def default_file(folder: Path) -> Path | None:
    """Return the pipeline that `file` in a folder's pyproject.toml names, or None. Its other keys are not read.

    Raises:
        UsageError: if it is not a text, not a file, or outside of the folder, or if the table cannot be read.
    """
    name = _table(folder).get("file")
    if name is None:
        return None
    _check("file", name)
    path = Path(os.path.normpath(folder / name))
    if not path.resolve().is_relative_to(folder.resolve()):
        raise UsageError(
            f"{SETTINGS_FILE}: 'file' in {_TABLE} is '{name}', which is outside of the project; name a file inside it"
        )
    if not os.path.isfile(path):  # noqa: PTH113 - opening a pipe would block; for a name that is too long, a `Path` raises
        raise UsageError(f"{SETTINGS_FILE}: 'file' in {_TABLE} is '{name}', but there is no such file")
    return path


def read_settings(folder: Path) -> Mapping[str, Any]:
    """Return all settings in a folder's pyproject.toml, checked.

    Raises:
        UsageError: for a key that does not exist, a value of another type, or a table that cannot be read.
    """
    found = _table(folder)
    for key, value in found.items():
        _check(key, value)
    return found


def _table(folder: Path) -> Mapping[str, Any]:
    path = folder / SETTINGS_FILE
    try:
        if not path.is_file():  # opening a pipe would block
            return {}
        with path.open("rb") as file:
            content = file.read(MAX_BYTES)
    except OSError:
        return {}
    if b"pipespec" not in content:
        return {}
    from pipespec.document.toml_text import read_toml  # noqa: PLC0415 - few projects are asked for it

    try:
        tool = read_toml(content).get("tool", {})
    except ValueError as error:
        if _TABLE.encode() not in content:
            return {}  # the project's other tools report it
        raise UsageError(f"{SETTINGS_FILE}: {_TABLE} cannot be read: {error}") from None
    table = tool.get("pipespec", {}) if isinstance(tool, dict) else {}
    if not isinstance(table, dict):
        raise UsageError(f"{SETTINGS_FILE}: 'tool.pipespec' is no table; write {_TABLE} above its keys")
    return table


def _check(key: str, value: object) -> None:
    if key not in _KINDS:
        import difflib  # noqa: PLC0415 - needed only for a mistake

        near = difflib.get_close_matches(key, _KINDS, n=1)
        way = f"did you mean '{near[0]}'?" if near else f"the keys are {', '.join(_KINDS)}"
        raise UsageError(f"{SETTINGS_FILE}: {_TABLE} has no key '{key}'; {way}")
    match key:
        case "jobs":
            fits = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _JOBS_LIMIT
        case "overlays":
            fits = isinstance(value, list) and all(map(_is_text, value))
        case "verbose" | "keep-going" | "tracking":
            fits = isinstance(value, bool)
        case _:
            fits = _is_text(value)
    if not fits:
        raise UsageError(f"{SETTINGS_FILE}: '{key}' in {_TABLE} is {value!r}; it must be {_KINDS[key]}")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != "" and "\0" not in value
