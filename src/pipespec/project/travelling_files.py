"""Which files of a project are sent to a machine that has no access to its folder.

Takes the project root. Returns names below it: the files that git tracks or would add or, without git, all files except
those that tools and pipespec create. A file `.env` is never sent.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from pipespec.project.git_state import ask_git

__all__ = ["travelling_files"]

_LONGEST_LIST: Final = 64 << 20
_MADE: Final = frozenset(
    {"__pycache__", "build", "dist", "mlartifacts", "mlruns", "node_modules", "site-packages", "venv"}
)
_STORES: Final = ("mlflow.db", "mlflow.db-journal", "mlflow.db-wal")


def travelling_files(root: Path) -> tuple[str, ...]:
    """Return the names of files, sorted. Some of them may not exist."""
    listed = ask_git(
        root, "ls-files", "--cached", "--others", "--exclude-standard", "-z", limit=_LONGEST_LIST
    )
    names = _walked(root) if listed is None else [os.fsdecode(name) for name in listed.split(b"\0") if name]
    return tuple(
        sorted(name for name in names if not name.startswith(".pipespec/") and not _is_private(name))
    )


def _is_private(name: str) -> bool:
    """Return whether a file is known to contain secrets: variables of the user's machine.

    Workers have these in their own environment.
    """
    return name.rpartition("/")[2].startswith(".env")


def _walked(root: Path) -> list[str]:
    names = []
    for folder, below, files in os.walk(root):
        below[:] = [name for name in below if name not in _MADE and not name.startswith(".")]
        names += [
            os.path.relpath(os.path.join(folder, name), root)  # noqa: PTH118 - there are thousands of them
            for name in files
            if name not in _STORES and not name.startswith(".")
        ]
    return names
