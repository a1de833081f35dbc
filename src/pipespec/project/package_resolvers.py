"""Additional resolvers from installed packages: the entry-point group `pipespec.resolvers`.

An entry point's name is the resolver's (`vault`, for `${vault:path}`). Its object is a function: the argument's text ->
the value's text. Names are read without importing anything. The package is imported when a trusted pipeline uses the
resolver. Packages cannot replace our own names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Final

from pipespec.document.interpolation.resolver_interface import BUILT_IN, Ask, Problem
from pipespec.document.wording import listing, quote

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["GROUP", "InstalledResolvers"]

GROUP: Final = "pipespec.resolvers"


class InstalledResolvers(Mapping[str, Ask | None]):
    """The resolvers of installed packages by name; each is None if it may not be called."""

    def __init__(self, *, trusted: bool) -> None:
        self._trusted = trusted
        self._functions: dict[str, Callable[[str], object]] = {}

    def __getitem__(self, name: str) -> Ask | None:
        entries = self._entries[name]
        if not self._trusted:
            return None
        return lambda argument, _span: self._answer(name, entries, argument)

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def were_asked(self) -> bool:
        """True if packages were searched for a name."""
        return "_entries" in self.__dict__

    @cached_property
    def _entries(self) -> Mapping[str, tuple[EntryPoint, ...]]:
        """Searched if a name is not ours, because searching all installed packages takes milliseconds."""
        from importlib.metadata import entry_points  # noqa: PLC0415 - 20 ms, and few pipelines need it

        found: dict[str, dict[str, EntryPoint]] = {}
        for entry in entry_points(group=GROUP):
            if entry.name not in BUILT_IN:
                found.setdefault(entry.name, {}).setdefault(entry.value, entry)
        return {name: tuple(entries.values()) for name, entries in found.items()}

    def _answer(self, name: str, entries: tuple[EntryPoint, ...], argument: str) -> str | Problem:
        if len(entries) > 1:
            packages = listing(sorted(entry.dist.name if entry.dist else entry.value for entry in entries))
            return Problem(
                f"several packages define the resolver {quote(name)}: {packages}", "uninstall all but one"
            )
        subject = f"resolver {quote(name)} of '{entries[0].value}'"
        try:
            if name not in self._functions:
                self._functions[name] = entries[0].load()
            answer = self._functions[name](argument)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong in a package of others
            return Problem(f"{subject} failed: {type(error).__name__}: {error}".splitlines()[0])
        if not isinstance(answer, str):
            return Problem(f"{subject} returned a value of type {quote(type(answer).__name__)}")
        return answer
