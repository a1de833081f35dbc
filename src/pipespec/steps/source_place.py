"""Where a file is that a step runs as code: looked for where modules are, as it was when the step was planned."""

from __future__ import annotations

import sys
from pathlib import Path

from pipespec.document.wording import quote
from pipespec.step.failure import StepError

__all__ = ["source_place"]


def source_place(name: str) -> Path:
    """Return the absolute path of a file, which the first folder of `sys.path` has that has any.

    Raises:
        StepError: where there is none.
    """
    for folder in sys.path:
        place = Path(folder, name).absolute()
        if place.is_file():
            return place
    raise StepError("import", f"there is no file {quote(name)}")
