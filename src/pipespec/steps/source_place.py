"""The path and text of a file that a step runs as code. It is looked for where modules are."""

from __future__ import annotations

import sys
from pathlib import Path

from pipespec.document.wording import quote
from pipespec.step.failure import StepError

__all__ = ["source_place", "source_text"]


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


def source_text(place: Path) -> str:
    """Return the text of such a file.

    Raises:
        StepError: if it is not UTF-8.
    """
    try:
        return place.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise StepError(
            "import", f"{quote(place.name)} is not UTF-8 text (at byte {error.start}); save it as UTF-8"
        ) from None
