"""The pipeline files below a folder: those YAML files that say `pipespec:` at their top.

Fragments (overlays, included files) do not, and are checked with the pipelines that use them. Folders that hold no
work of the project's own are not entered, nor are links to folders followed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from pipespec.document.yaml_reader import MAX_BYTES

__all__ = ["find_pipelines"]

_SUFFIXES: Final = (".yaml", ".yml")
_NOT_ENTERED: Final = frozenset({"node_modules", "__pycache__"})
_ENVIRONMENT_MARK: Final = "pyvenv.cfg"
"""The file by which a virtual environment is known, whatever its name."""
_TOP_KEY: Final = re.compile(
    rb"""^(?:\xef\xbb\xbf)?(?:\{\s*)?["']?pipespec["']?[ \t]*:(?:\s|$)""", re.MULTILINE
)


def find_pipelines(paths: Iterable[str]) -> tuple[str, ...]:
    """Put the pipelines below each folder in its place, sorted; what is no folder stands as it is, there or not.

    Each file comes once, as it was spelt first.
    """
    found: dict[str, str] = {}
    for path in paths:
        for file in _below(path) if Path(path).is_dir() else (path,):
            found.setdefault(str(Path(file).absolute()), file)
    return tuple(found.values())


def _below(folder: str) -> Iterator[str]:
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if _is_entered(Path(place), name))
        for name in sorted(files):
            path = Path(place, name)  # spelt from the folder that was named
            if name.endswith(_SUFFIXES) and not name.startswith(".") and _is_pipeline(path):
                yield str(path)


def _is_entered(place: Path, name: str) -> bool:
    is_own = not name.startswith(".") and name not in _NOT_ENTERED
    return is_own and not (place / name / _ENVIRONMENT_MARK).exists()


def _is_pipeline(path: Path) -> bool:
    """Tell whether a file says `pipespec:`; of one that cannot be read nothing is known, so it is left out."""
    try:
        if not path.is_file():  # a pipe would hang us
            return False
        with path.open("rb") as file:
            return _TOP_KEY.search(file.read(MAX_BYTES)) is not None
    except OSError:
        return False
