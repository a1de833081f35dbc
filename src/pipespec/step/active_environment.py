"""Detect that the active virtual environment is not the one of this Python: the usual reason for a missing module.

Takes the environment and the folder from which this Python runs. Returns the words to add to a message, empty if both
are the same, and the folders in which programs such as `python` are searched.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

__all__ = ["other_environment", "search_path"]

_VARIABLES: Final = ("VIRTUAL_ENV", "CONDA_PREFIX")


def other_environment(environ: Mapping[str, str] = os.environ, prefix: str = sys.prefix) -> str:
    """Say which environment is active, and to which one this Python belongs, if they differ."""
    active = _active(environ)
    if active is None or Path(active).resolve() == Path(prefix).resolve():
        return ""
    return f"pipespec runs in '{prefix}', but the active environment is '{active}'"


def search_path(environ: Mapping[str, str] = os.environ, prefix: str = sys.prefix) -> str:
    """Return the `PATH` for programs. If no environment is active, the environment of this Python is treated as active."""
    found = environ.get("PATH", os.defpath)
    if prefix == sys.base_prefix or _active(environ) is not None:
        return found
    return os.pathsep.join([str(Path(sys.executable).parent), found])


def _active(environ: Mapping[str, str]) -> str | None:
    return next((environ[name] for name in _VARIABLES if environ.get(name)), None)
