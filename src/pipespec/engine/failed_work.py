"""Keep what a step wrote before its outputs or metrics failed: next to the logs, and like them for a month.

Takes a step's staging folder and its failure. Returns the failure with the place of the files. If the function itself
did not return, its files may be incomplete, so nothing is kept. However `after` ends, the files are complete.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Final

from pipespec.step.step_job import Failure, taken_outputs, tested_outputs, written_outputs

__all__ = ["keep_failed_work", "sweep_failed_work"]

_AFTER_THE_WORK: Final = frozenset({"metrics", "outputs", "store"})
_AGE: Final = 30 * 24 * 3600.0


def keep_failed_work(staging: Path, folder: Path, failure: Failure) -> Failure:
    """If the function had returned, move what a step wrote into `folder`, to a folder named after its run."""
    if failure.kind not in _AFTER_THE_WORK and not tested_outputs(staging).is_dir():
        return failure
    place = folder / staging.name
    for made in (taken_outputs(staging), written_outputs(staging)):
        with contextlib.suppress(OSError):  # nothing is there, or the disk does not accept it
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
