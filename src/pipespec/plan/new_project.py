"""What `init` made, and what one needs to know to go on from there: a value, which a view shows."""

from __future__ import annotations

from pathlib import Path

from pipespec.frozen_values import frozen

__all__ = ["NewProject"]


@frozen
class NewProject:
    """A project that was made: its files as one writes them here, the pipeline among them.

    `ignored` are the lines that git's `ignore_file` lacked, and `kept` is the README that was there. `pipespec` is this program
    as one types it: by its path, where a shell does not find it, or finds another.
    """

    folder: Path
    pipeline: Path
    files: tuple[Path, ...]
    ignore_file: Path
    ignored: tuple[str, ...]
    kept: Path | None
    python: str
    pipespec: str
