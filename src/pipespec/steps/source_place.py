"""The path of a file that a step runs as code, in the version that was planned. It is looked for where modules are."""

from __future__ import annotations

import sys
from pathlib import Path

from pipespec.document.wording import quote
from pipespec.step.failure import StepError

__all__ = ["source_place"]


def source_place(name: str) -> Path:
    """Return the absolute path of a file, in the first folder of `sys.path` that contains it.

    Raises:
        StepError: if there is none.
    """
    for folder in sys.path:
        place = Path(folder, name).absolute()
        if place.is_file():
            return place
    raise StepError("import", f"there is no file {quote(name)}")
