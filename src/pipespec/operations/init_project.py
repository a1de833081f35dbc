"""Create the project of `pipespec init`: a small project that runs, from a template of the package.

Takes a folder, which may already contain a project, and the name of a template. Returns a `NewProject`. An existing
README is kept, and `.gitignore` gets the lines that it lacks. Refuses to change any other existing file, and creates
either all files or none.
"""

from __future__ import annotations

import contextlib
import os
import platform
import re
import shutil
import sys
from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from pipespec.document.wording import did_you_mean, listing, quote
from pipespec.errors import UsageError
from pipespec.plan.new_project import NewProject
from pipespec.project.project_root import find_root, without_dots

__all__ = ["TEMPLATES", "make_project", "pipeline_name"]

TEMPLATES: Final = {
    "minimal": "fits a curve to points and judges it",
    "sklearn": "trains a classifier and judges it by rows that it has not seen",
    "sweep": "tries all points of a matrix and keeps the best",
    "sql": "queries a database",
}
"""The names of the templates, and what the pipeline of each does."""

_PIPELINE: Final = "pipeline.yaml"
_COMMAND: Final = "pipespec"
_README: Final = "README.md"
_IGNORE: Final = ".gitignore"
_PLACEHOLDER: Final = re.compile(r"\{\{ (\w+) \}\}")


def make_project(folder: Path, template: str) -> NewProject:
    """Create a project's files in a folder. The folder is created if it does not exist.

    Raises:
        UsageError: for an unknown template, if a file already exists, or if the folder cannot be written; then
            nothing is created.
    """
    if template not in TEMPLATES:
        hint = did_you_mean(template, TEMPLATES) or f"there are: {', '.join(TEMPLATES)}"
        raise UsageError(f"there is no template {quote(template)}; {hint}")
    root = find_root(folder / _PIPELINE)
    values = {"name": pipeline_name(folder)}
    texts = {folder / name: text for name, text in _filled(template, values)}
    kept = _readme_in(folder)
    if kept is not None:
        del texts[folder / _README]
    _refuse_to_replace(folder, texts)
    ignore_file = folder / _IGNORE if root == without_dots(folder) else Path(os.path.relpath(root / _IGNORE))
    with _undone_on_failure(folder) as made:
        for path, text in texts.items():
            with path.open("x", encoding="utf-8") as file:
                made.append(path)
                file.write(text)
        is_new = not os.path.lexists(ignore_file)
        if is_new:
            made.append(ignore_file)
        ignored = _add_lines(ignore_file, _template(_IGNORE))
    return NewProject(
        folder,
        pipeline=folder / _PIPELINE,
        files=(*([ignore_file] if is_new else []), *texts),
        ignore_file=ignore_file,
        ignored=ignored,
        kept=kept,
        python=f"Python {platform.python_version()}: {sys.executable}",
        pipespec=_typed_command(),
    )


def _template(*path: str) -> str:
    return _place(*path).read_text(encoding="utf-8")


def _place(*path: str) -> Traversable:
    """Return a file or folder of the templates."""
    place = resources.files("pipespec.templates")
    for name in ("project", *path):
        place = place.joinpath(name)
    return place


def _filled(template: str, values: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the files of a template by name, with their placeholders filled in."""
    for name in sorted(file.name for file in _place(template).iterdir() if file.is_file()):
        yield name, _PLACEHOLDER.sub(lambda found: values[found[1]], _template(template, name))


def pipeline_name(folder: Path) -> str:
    """Derive a pipeline's name from the folder's name."""
    words = re.sub(r"[^a-z0-9_-]+", "_", Path(os.path.normpath(folder.absolute())).name.lower()).strip("_-")
    return words if re.match(r"[a-z]", words) else "pipeline"


def _readme_in(folder: Path) -> Path | None:
    """Return the README that a folder has, whatever its format."""
    try:
        found = sorted(file for file in folder.iterdir() if file.name.lower().partition(".")[0] == "readme")
    except OSError:  # it does not exist; any other problem is reported when it is written
        return None
    return found[0] if found else None


def _refuse_to_replace(folder: Path, texts: dict[Path, str]) -> None:
    there = [path.name for path in texts if os.path.lexists(path)]
    if there:
        where = "here" if folder == Path() else f"in '{folder}'"
        raise UsageError(
            f"{listing(there)} {'is' if len(there) == 1 else 'are'} {where} already, and init does not overwrite files; choose"
            " another folder: pipespec init FOLDER"
        )


@contextlib.contextmanager
def _undone_on_failure(folder: Path) -> Iterator[list[Path]]:
    """Make a folder, and yield a list for the files to be made in it: if that fails, all of it is removed.

    Raises:
        UsageError: if it fails.
    """
    missing = [place for place in (folder, *folder.parents) if not os.path.lexists(place)]
    made: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield made
    except OSError as error:
        for path in made:
            with contextlib.suppress(OSError):
                path.unlink()
        for place in missing:
            with contextlib.suppress(OSError):
                place.rmdir()
        culprit = error.filename or str(made[-1] if made else folder)
        if isinstance(error, FileExistsError) and culprit == str(folder):
            raise UsageError(f"'{folder}' is no folder") from error
        raise UsageError(f"'{culprit}' cannot be written: {error.strerror}; nothing was made") from error


def _add_lines(file: Path, text: str) -> tuple[str, ...]:
    """Add to a file the patterns that it lacks, each with the comment above it, and return them. Existing lines are kept."""
    old = file.read_bytes() if file.exists() else b""
    has = {line.strip().strip("/") for line in old.decode(errors="replace").splitlines()}
    added: list[str] = []
    comment: list[str] = []
    for line in text.splitlines():
        if line.startswith("#"):
            comment = [line]
        elif line.strip("/") not in has:
            added += [*comment, line]
            comment = []
    if added:
        end = "\r\n" if b"\r\n" in old else "\n"
        head = "" if not old else end if old.endswith(b"\n") else end * 2
        _append(file, head + "".join(line + end for line in added))
    return tuple(line for line in added if not line.startswith("#"))


def _append(file: Path, text: str) -> None:
    """Append a text to a file, as a whole or not at all."""
    size = file.stat().st_size if file.exists() else 0
    try:
        with file.open("ab") as end:
            end.write(text.encode())
    except OSError as error:
        with contextlib.suppress(OSError):
            os.truncate(file, size)
        raise OSError(error.errno, error.strerror, str(file)) from error


def _typed_command() -> str:
    """Return the command for pipespec: its path, unless the shell finds this program by its name."""
    own = Path(sys.executable).with_name(_COMMAND)
    found = shutil.which(_COMMAND)
    if not own.exists() or (found is not None and Path(found).resolve() == own.resolve()):
        return _COMMAND
    return str(own)
