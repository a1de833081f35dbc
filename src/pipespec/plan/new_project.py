"""What `init` created, and what the user needs to know to continue. A value, which a view displays."""

from __future__ import annotations

from pathlib import Path

from pipespec.frozen_values import frozen

__all__ = ["NewProject"]


@frozen
class NewProject:
    """A project that was created: its files, with paths as the user would write them, including the pipeline.

    `ignored` are the lines that git's `ignore_file` lacked. `kept` is the README that already existed. `pipespec` is
    the command for this program: its path, if the shell does not find it or finds another one.
    """

    folder: Path
    pipeline: Path
    files: tuple[Path, ...]
    ignore_file: Path
    ignored: tuple[str, ...]
    kept: Path | None
    python: str
    pipespec: str
