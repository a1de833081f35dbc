"""Find the pipeline files below a folder: YAML files with `pipespec:` at their top level.

Fragments (overlays, included files) do not have it, and are checked with the pipelines that use them. Folders that
contain no work of the project are skipped: those that git ignores, those of tracking stores and of environments, and
hidden ones. A folder that the user names is always searched. Links to folders are not followed, and neither are links to
files outside of the project.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from pipespec.document.size_limits import MAX_BYTES
from pipespec.project.project_root import find_root

__all__ = ["find_pipelines", "pipelines_in"]

_SUFFIXES: Final = (".yaml", ".yml")
_NOT_ENTERED: Final = frozenset({"node_modules", "__pycache__", "mlruns", "mlartifacts"})
_RUN_ID: Final = re.compile(r"[0-9a-f]{32}")
"""The name of a run's folder in a tracking store, which contains `artifacts`, wherever that store is."""
_IGNORED: Final = ("ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory")
_LONGEST_ANSWER: Final = 1 << 24
_ENVIRONMENT_MARK: Final = "pyvenv.cfg"
"""The file that identifies a virtual environment, whatever its name."""
_TOP_KEY: Final = re.compile(
    rb"""^(?:\xef\xbb\xbf)?(?:\{\s*)?["']?pipespec["']?[ \t]*:(?:\s|$)""", re.MULTILINE
)


def find_pipelines(paths: Iterable[str]) -> tuple[str, ...]:
    """Replace each folder by the pipelines below it, sorted. Anything else is returned unchanged, whether it exists or not.

    Each file is returned once, with its first spelling.
    """
    found: dict[str, str] = {}
    for path in paths:
        for file in _below(path) if Path(path).is_dir() else (path,):
            found.setdefault(str(Path(file).absolute()), file)
    return tuple(found.values())


def pipelines_in(folder: Path) -> tuple[Path, ...]:
    """Return the pipelines directly in a folder, sorted; none if it cannot be listed. Hidden files are left out."""
    try:
        seen = sorted(path for path in folder.iterdir() if _is_seen(path.name))
    except OSError:
        return ()
    return tuple(filter(_is_pipeline, seen))


def _below(folder: str) -> Iterator[str]:
    ignored = _ignored(Path(folder))
    for place, folders, files in os.walk(folder):
        paths = [Path(place, name) for name in sorted(folders)]  # relative to the folder that was named
        folders[:] = [path.name for path in paths if _is_entered(path) and path not in ignored]
        for path in (Path(place, name) for name in sorted(files)):
            if _is_seen(path.name) and path not in ignored and _is_pipeline(path):
                yield str(path)


def _ignored(folder: Path) -> frozenset[Path]:
    """Return the files and whole folders below a folder that git ignores; none if there is no repository."""
    from pipespec.project.git_state import ask_git  # noqa: PLC0415 - not needed if the file is given

    answer = ask_git(folder, *_IGNORED, limit=_LONGEST_ANSWER)
    names = [] if answer is None else answer.split(b"\0")[:-1]  # the last one may be incomplete
    return frozenset(folder / os.fsdecode(name) for name in names)


def _is_entered(path: Path) -> bool:
    is_own = not path.name.startswith(".") and path.name not in _NOT_ENTERED
    is_run = _RUN_ID.fullmatch(path.name) is not None and (path / "artifacts").is_dir()
    return is_own and not is_run and not (path / _ENVIRONMENT_MARK).exists()


def _is_seen(name: str) -> bool:
    return not name.startswith(".") and name.endswith(_SUFFIXES)


def _leads_out(path: Path) -> bool:
    """Return whether this is a link to a place outside of its project."""
    return path.is_symlink() and not path.resolve().is_relative_to(find_root(path).resolve())


def _is_pipeline(path: Path) -> bool:
    """Return whether a file contains `pipespec:`. If it cannot be read, nothing is known, so it is left out."""
    try:
        if not path.is_file() or _leads_out(path):  # opening a pipe would block
            return False
        with path.open("rb") as file:
            return _TOP_KEY.search(file.read(MAX_BYTES)) is not None
    except OSError:
        return False
