"""What was requested of a run: by options of `pipespec run`, or by arguments of `Pipeline.run`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from pipespec.frozen_values import frozen

if TYPE_CHECKING:
    from pipespec.engine.progress_events import Progress
    from pipespec.plan.records import RecordedModel

__all__ = ["RunRequest"]


@frozen
class RunRequest:
    """What a run does, and how. None means that the pipeline's `engine` decides."""

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
    """The address of the scheduler of a Dask cluster, or its scheduler file."""
    progress: Progress | None = None
    command: str | None = None
    """The command line as it is recorded."""
    report: Path | None = None
    """The file to which the report's page is written."""
    seeds: Mapping[str, int] = field(default_factory=dict)
    """The seeds of the random numbers of some steps, by their ids."""
    models: Mapping[str, RecordedModel] = field(default_factory=dict)
    """What some inputs read that name registered models, by the text of the input: the registry is not asked."""
