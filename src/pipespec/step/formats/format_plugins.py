"""Additional formats from installed packages: the entry-point group `pipespec.formats`.

The name of an entry point is the suffix without its dot (`geojson`). Its object is anything with two functions, for
example a module: `load(path, annotation, options)` returns the value, `save(value, path, options)` writes it. A package
cannot replace a suffix of pipespec. The names are read without importing anything; the package is imported when a step
uses its format.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from pipespec.document.nodes import JSON
from pipespec.document.wording import listing, quote
from pipespec.spec.file_formats import FORMATS
from pipespec.step.formats.library_options import FormatError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["GROUP", "PluginFormat", "find", "installed_suffixes"]

GROUP: Final = "pipespec.formats"


class PluginFormat(Protocol):
    """The object of an entry point of the group."""

    def load(self, path: Path, annotation: Any, options: Mapping[str, JSON]) -> Any:
        """Return the content of the file at `path`, for an argument with this annotation (None if it has none)."""

    def save(self, value: Any, path: Path, options: Mapping[str, JSON]) -> None:
        """Write a regular file at `path`, which does not exist yet."""


def installed_suffixes() -> frozenset[str]:
    """Return the suffixes, with their dots, that installed packages add to those of pipespec."""
    return frozenset(_by_suffix()) - frozenset(FORMATS)


def find(suffix: str) -> PluginFormat | None:
    """Return the format that an installed package provides for this suffix, or None if there is none.

    Raises:
        FormatError: if two packages provide it, or it cannot be loaded.
    """
    if suffix in FORMATS:  # first: most files have such a suffix, and searching takes 10 ms
        return None
    found = _by_suffix().get(suffix, ())
    if not found:
        return None
    if len(found) > 1:
        packages = listing(sorted(entry.dist.name if entry.dist else entry.value for entry in found))
        raise FormatError(f"several packages define the suffix {quote(suffix)}: {packages}")
    return _loaded(found[0])


def _loaded(entry: EntryPoint) -> PluginFormat:
    try:
        plugin: PluginFormat = entry.load()
    except Exception as error:  # another package may fail in any way when it is imported
        raise FormatError(
            f"the format {quote(entry.name)} of '{entry.value}' cannot be loaded: {error}"
        ) from error
    for function in ("load", "save"):
        if not callable(getattr(plugin, function, None)):
            raise FormatError(
                f"the format {quote(entry.name)} of '{entry.value}' has no function '{function}'"
            )
    return plugin


@cache
def _by_suffix() -> Mapping[str, tuple[EntryPoint, ...]]:
    """Search all installed packages. This takes milliseconds for each package, so a process does it only once."""
    from importlib.metadata import entry_points  # noqa: PLC0415 - loads an email parser, 20 ms

    found: dict[str, dict[str, EntryPoint]] = {}
    for entry in entry_points(group=GROUP):
        suffix = "." + entry.name.removeprefix(".").lower()
        found.setdefault(suffix, {}).setdefault(entry.value, entry)
    return {suffix: tuple(entries.values()) for suffix, entries in found.items()}
