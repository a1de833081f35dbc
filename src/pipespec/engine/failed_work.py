"""What a step wrote before it failed for its outputs or metrics: kept beside the logs, and removed after a month like them.

Takes a step's staging folder and its failure; gives the failure, which says where the files are. A function that raised has
made nothing that is known to be whole, so nothing of it is kept.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Final

from pipespec.step.step_job import Failure, taken_outputs, written_outputs

__all__ = ["keep_failed_work", "sweep_failed_work"]

_AFTER_THE_WORK: Final = frozenset({"metrics", "outputs", "store"})
_AGE: Final = 30 * 24 * 3600.0


def keep_failed_work(staging: Path, folder: Path, failure: Failure) -> Failure:
    """Move what a step wrote to a folder below `folder`, named like its run, if the function had returned."""
    if failure.kind not in _AFTER_THE_WORK:
        return failure
    place = folder / staging.name
    for made in (taken_outputs(staging), written_outputs(staging)):
        with contextlib.suppress(OSError):  # nothing is there, or the disk takes it no more
            if any(path.is_file() for path in made.rglob("*")):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                made.rename(place)
                os.utime(place)
                said = f"{failure.traceback}\nThe files that it wrote are kept in '{place}'."
                return replace(failure, traceback=said.lstrip("\n"))
    return failure


def sweep_failed_work(folder: Path) -> None:
    """Remove what was kept for a month."""
    oldest = time.time() - _AGE
    for place in folder.iterdir() if folder.is_dir() else ():
        with contextlib.suppress(OSError):
            if place.stat(follow_symlinks=False).st_mtime < oldest:
                shutil.rmtree(place)
