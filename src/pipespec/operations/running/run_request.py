"""What was asked of a run: by options of `pipespec run`, or by arguments of `Pipeline.run`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from pipespec.frozen_values import frozen

if TYPE_CHECKING:
    from pipespec.engine.progress_events import Progress

__all__ = ["RunRequest"]


@frozen
class RunRequest:
    """What a run is to do, and how; None leaves it to the pipeline's `engine`."""

    targets: tuple[str, ...] = ()
    force: tuple[str, ...] = ()
    verify: bool = False
    """Whether the content of recorded outputs is compared with its digests before they are reused."""
    workers: int | None = None
    keep_going: bool | None = None
    debug: bool = False
    scheduler: str | None = None
    """The address of a luigid."""
    executor: str | None = None
    dask: str | None = None
    """The address of the scheduler of a Dask cluster."""
    progress: Progress | None = None
    command: str | None = None
    """What is recorded as the command line."""
    report: Path | None = None
    """A file that gets the report's page."""
    seeds: Mapping[str, int] = field(default_factory=dict)
    """What the random numbers of some steps start from, by their ids."""
