"""Save the value that a called function returned to files, or format it as text for the terminal.

Takes the words of `--out`: a file, a folder, or `NAME=FILE` for each part. In a folder, a value whose parts have names
and are more than plain data is saved as one file for each part. Any other value is saved as one file, named after its
function. The type determines the format.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any, Final

from pipespec.document.wording import listing, quote
from pipespec.errors import UsageError
from pipespec.frozen_values import frozen
from pipespec.step import formats
from pipespec.step.failure import StepError
from pipespec.step.formats.type_names import name_of, type_of_value
from pipespec.step.results.output_saving import save_output
from pipespec.step.results.returned_values import named_parts, returned_values
from pipespec.step.step_job import OutputJob

__all__ = ["Out", "read_out", "require_free", "save_returned", "text_of_returned"]

_SUFFIXES: Final[Mapping[str, str]] = {
    "pandas.DataFrame": ".csv",
    "pandas.Series": ".csv",
    "polars.DataFrame": ".csv",
    "polars.Series": ".csv",
    "numpy.ndarray": ".npy",
    "matplotlib.figure.Figure": ".png",
    "plotly.graph_objects.Figure": ".html",
    "dict": ".json",
    "list": ".json",
    "int": ".json",
    "float": ".json",
    "bool": ".json",
    "str": ".txt",
    "bytes": ".bin",
}
"""How a value without a file name is saved. Other types are saved as objects."""
_OBJECT: Final = ".joblib"
_PRINTED: Final = frozenset({".csv", ".json", ".txt"})
_DATA: Final = frozenset({".json", ".txt"})
"""What a mapping contains if it is saved as one file instead of several."""


@frozen
class Out:
    """Where a returned value is saved: nowhere, or in one of these places."""

    file: Path | None = None
    folder: Path | None = None
    parts: Mapping[str, Path] = field(default_factory=dict)

    @property
    def places(self) -> Sequence[Path]:
        """The places that must be free."""
        return [place for place in (self.file, self.folder, *self.parts.values()) if place is not None]


def read_out(words: Sequence[str]) -> Out:
    """Parse the words of `--out`.

    Raises:
        UsageError: if they contradict each other, or name no file.
    """
    named = dict(word.split("=", 1) for word in words if "=" in word)
    if named:
        if len(named) < len(words):
            raise UsageError("--out: each part needs a name of its own: --out NAME=FILE")
        if folders := [place for place in named.values() if not place or place.endswith("/")]:
            raise UsageError(f"--out: {quote(folders[0])} is no file; name one for each part")
        return Out(parts={name: Path(place) for name, place in named.items()})
    if len(words) > 1:
        raise UsageError("--out: several places need a name each: --out NAME=FILE")
    if not words:
        return Out()
    return Out(folder=Path(words[0])) if _is_folder(words[0]) else Out(file=Path(words[0]))


def _is_folder(word: str) -> bool:
    return word.endswith("/") or Path(word).is_dir()


def require_free(places: Sequence[Path], *, force: bool) -> None:
    """Refuse places that cannot be written and, without `force`, existing files. An empty folder does not count as existing.

    Raises:
        UsageError: with the places.
    """
    for place in places:
        above = next(folder for folder in place.absolute().parents if folder.exists())
        if not os.access(above, os.W_OK):
            raise UsageError(
                f"{quote(str(place))} cannot be written: nothing may be made in {quote(str(above))}"
            )
    if force:
        return
    taken = [place for place in places if os.path.lexists(place) and not _is_empty(place)]
    if taken:
        names = listing([str(place) for place in taken])
        raise UsageError(f"{names} {'is' if len(taken) == 1 else 'are'} there already; replace with --force")


def _is_empty(place: Path) -> bool:
    return place.is_dir() and not any(place.iterdir())


def save_returned(value: Any, out: Out, function: str) -> tuple[Path, ...]:
    """Write a value, or its parts, and return the files. No file is left incomplete.

    Raises:
        StepError: if the value has other parts, or does not fit the format of its file.
    """
    places = _places(value, out, function)
    jobs = [OutputJob(name, place.name) for name, place in places.items()]
    written = []
    parts = returned_values(value, jobs)
    for job in jobs:
        target = places[job.name].absolute()
        partial = target.with_name(f".{target.name}.part")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            save_output(parts[job.name], partial, job)
            partial.replace(target)
        finally:
            with contextlib.suppress(OSError):
                partial.unlink()
        written.append(places[job.name])
    return tuple(written)


def text_of_returned(value: Any, folder: Path) -> str | None:
    """Return a value as it is printed, created in a scratch folder; None for None.

    Raises:
        StepError: if it is not something that a terminal can show.
    """
    if value is None:
        return None
    suffix = _suffix(value)
    if suffix not in _PRINTED:
        kind = quote(name_of(value))
        raise StepError("outputs", f"a value of type {kind} cannot be printed; add --out result{suffix}")
    place = folder / f"returned{suffix}"
    try:
        formats.save(value, place, place.name, {})
    except formats.FormatError as error:
        raise StepError("outputs", f"{error}; add --out FILE, or a folder for its parts") from None
    return place.read_text(encoding="utf-8").rstrip("\n")


def _places(value: Any, out: Out, function: str) -> Mapping[str, Path]:
    if out.folder is None:
        return out.parts or {function: out.file or Path()}
    parts = named_parts(value)
    if parts is None or all(_suffix(part) in _DATA for part in parts.values()):
        return {function: out.folder / f"{function}{_suffix(value)}"}
    return {str(name): out.folder / f"{name}{_suffix(part)}" for name, part in parts.items()}


def _suffix(value: Any) -> str:
    return _SUFFIXES.get(type_of_value(value), _OBJECT)
