"""Defaults that a user or a project sets for options: variables `PIPESPEC_*`, and `[tool.pipespec]` in pyproject.toml.

Takes a pipeline's file and the environment. Returns each default with its origin, by the name of the option's
parameter. A variable takes precedence over pyproject.toml. Refuses values that do not fit. Only verbs that trust the
file may call this: a stranger's pyproject.toml could otherwise decide what is run.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from pipespec.errors import UsageError
from pipespec.project.project_root import find_root
from pipespec.project.project_settings import SETTINGS_FILE, read_settings

__all__ = ["OptionDefault", "misspelled_variables", "option_defaults"]

_PREFIX: Final = "PIPESPEC_"
_OTHERS: Final = ("DOWNLOADS_LIMIT", "ROOT")
"""Variables that users set and other parts of pipespec read."""
_WORDS: Final = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


class OptionDefault(NamedTuple):
    """The default of an option: its value, and the file or variable that sets it."""

    value: Any
    origin: str


def option_defaults(file: str | None, environment: Mapping[str, str]) -> Mapping[str, OptionDefault]:
    """Return the defaults of options for a pipeline, or for the working directory. Relative paths start from there.

    Raises:
        UsageError: if a variable, or a key of pyproject.toml, has a value that does not fit.
    """
    root = find_root(Path("pipeline.yaml" if file is None else file))
    found = {
        key.replace("-", "_"): OptionDefault(
            _from_root(root, value) if key == "overlays" else value, SETTINGS_FILE
        )
        for key, value in read_settings(root).items()
        if key != "file"
    }
    for name, read in _READERS.items():
        variable = f"{_PREFIX}{name.upper()}"
        if environment.get(variable):
            found[name] = OptionDefault(read(variable, environment[variable]), variable)
    return {name: found[name] for name in _READERS if name in found}


def misspelled_variables(environment: Mapping[str, str]) -> Mapping[str, str]:
    """Return variables `PIPESPEC_*` that mean nothing, each with the known one that its name resembles; others may be a user's own."""
    known = [*(name.upper() for name in _READERS), *_OTHERS]
    named = sorted(name.removeprefix(_PREFIX) for name in environment if name.startswith(_PREFIX))
    unknown = [name for name in named if name not in known]
    if not unknown:
        return {}
    from pipespec.document.wording import nearest  # noqa: PLC0415 - most environments have no such variable

    near = ((name, nearest(name, known)) for name in unknown)
    return {f"{_PREFIX}{name}": f"{_PREFIX}{meant}" for name, meant in near if meant is not None}


def _from_root(root: Path, overlays: list[str]) -> tuple[str, ...]:
    return tuple(os.path.relpath(root / overlay) for overlay in overlays)


def _jobs(variable: str, text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text[:9]) <= 1024:
        raise UsageError(f"{variable} is '{text}'; it must be a whole number from 1 to 1024")
    return int(text)


def _flag(variable: str, text: str) -> bool:
    if text.lower() not in _WORDS:
        raise UsageError(f"{variable} is '{text}'; it must be 1, true or yes, or 0, false or no")
    return _WORDS[text.lower()]


def _paths(_variable: str, text: str) -> tuple[str, ...]:
    return tuple(path for path in text.split(os.pathsep) if path)


def _text(_variable: str, text: str) -> str:
    return text


_READERS: Final[Mapping[str, Callable[[str, str], Any]]] = {
    "jobs": _jobs,
    "overlays": _paths,
    "scheduler": _text,
    "verbose": _flag,
    "keep_going": _flag,
    "tracking": _flag,
}
"""The options that have defaults, and how the text of a variable is parsed."""
