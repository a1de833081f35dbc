"""The project's modules on disk: found by name as Python's path search would, without importing any.

First in the folders handed in, then where packages are installed. A module of the project whose file leads out
of it through a link is refused; so is whatever is no regular file.
"""

from __future__ import annotations

import ast
import errno
import os
import stat
import sys
import sysconfig
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any, Final, TypeAlias

from pipespec.spec.modules import ModuleFile, Origin

__all__ = ["DiskModules"]

_READ_LIMIT: Final = 16 << 20
_SUFFIXES: Final = (*EXTENSION_SUFFIXES, ".py", ".pyc")  # the order in which Python prefers them

_Place: TypeAlias = tuple[Path, Origin]


class DiskModules:
    """Finds and reads modules; holds for one command, since it remembers folders' listings.

    A subclass may take them from elsewhere than the disk: it answers `read`, `_listing`, `_is_folder` and `_real`.

    `sites` are the folders with installed packages, by default what `sys.path` names.
    """

    def __init__(self, root: Path, sites: Sequence[Path] | None = None) -> None:
        self._root = root
        self._given_sites = sites
        self._listings: dict[Path, frozenset[str]] = {}
        self.memo: dict[Any, Any] = {}

    def find(self, module: str, folders: Sequence[Path]) -> ModuleFile | None:
        """Return the file behind a dotted name, or None; a regular package anywhere wins over a mere folder."""
        places: list[_Place] = [*((folder, Origin.PROJECT) for folder in folders), *self._sites]
        parts = module.split(".")
        found = self._step(parts[0], places) or self._editable(parts[0])
        for part in parts[1:]:
            if isinstance(found, ModuleFile):
                if not found.is_package:
                    return None
                found = [(found.path.parent, found.origin)]
            found = self._step(part, found)
        if isinstance(found, ModuleFile):
            return self._guard(found, folders)
        return self._guard(ModuleFile(*found[0], is_package=True), folders) if found else None

    def read(self, path: Path) -> bytes:
        """Read a regular file of at most 16 MiB.

        Raises:
            OSError: where it is something else, larger, or cannot be read.
        """
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe must not hang us
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise OSError(errno.EINVAL, "it is no regular file", str(path))
            if status.st_size > _READ_LIMIT:
                raise OSError(errno.EFBIG, f"it is larger than {_READ_LIMIT >> 20} MiB", str(path))
            return file.read(_READ_LIMIT)

    def children(self, package: str, folders: Sequence[Path]) -> Collection[str]:
        """Return the names of the modules in a package, or of the project's own top modules."""
        if not package:
            return {name for folder in folders for name in self._modules_in(folder)}
        found = self.find(package, folders)
        if found is None or not found.is_package:
            return ()
        return set(self._modules_in(found.path.parent if found.path.suffix else found.path))

    def distribution(self, module: str, file: ModuleFile) -> tuple[str, str] | None:
        """Return name and version of the distribution whose record lists this file, or None."""
        from importlib import metadata  # noqa: PLC0415 - 8 ms, and seldom asked

        top = module.partition(".")[0].replace("_", "-").lower()
        for site, _ in self._sites:
            if not file.path.is_relative_to(site):
                continue
            entry = f"{file.path.relative_to(site).as_posix()},"
            found = sorted(
                metadata.distributions(path=[str(site)]),
                key=lambda one: (one.metadata["Name"] or "").replace("_", "-").lower() != top,
            )
            for one in found:  # the one of the module's own name first: reading a record costs
                record = one.read_text("RECORD") or ""
                if record.startswith(entry) or f"\n{entry}" in record:
                    return one.metadata["Name"], one.version
        return None

    @cached_property
    def _sites(self) -> list[_Place]:
        given = self._given_sites
        if given is None:
            given = [Path(entry) for entry in sys.path if entry and Path(entry).is_dir()]
        own = {Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")}
        own |= {folder / "lib-dynload" for folder in own}
        return [(site, Origin.STDLIB if site in own else Origin.INSTALLED) for site in given]

    def _step(self, name: str, places: Sequence[_Place]) -> ModuleFile | list[_Place]:
        """Look for one name in some places: a module or package, else the folders that together are a package."""
        portions: list[_Place] = []
        for folder, origin in places:
            listing = self._listing(folder)
            if name in listing:
                inside = self._listing(folder / name)
                for suffix in _SUFFIXES:
                    if f"__init__{suffix}" in inside:
                        return ModuleFile(folder / name / f"__init__{suffix}", origin, is_package=True)
            for suffix in _SUFFIXES:
                if f"{name}{suffix}" in listing:
                    return ModuleFile(folder / f"{name}{suffix}", origin)
            if name in listing and self._is_folder(folder / name):
                portions.append((folder / name, origin))
        return portions

    def _listing(self, folder: Path) -> frozenset[str]:
        """Return the names in a folder, spelt as on disk (some disks ignore case; Python does not)."""
        if folder not in self._listings:
            try:
                with os.scandir(folder) as entries:
                    self._listings[folder] = frozenset(entry.name for entry in entries)
            except OSError:
                self._listings[folder] = frozenset()
        return self._listings[folder]

    def _is_folder(self, path: Path) -> bool:
        return path.is_dir()

    def _real(self, path: Path) -> str:
        """Return where a path leads, links followed."""
        return os.path.realpath(path)

    def _modules_in(self, folder: Path) -> Iterator[str]:
        for entry in sorted(self._listing(folder)):
            name, dot, suffix = entry.partition(".")
            if not name.isidentifier() or name == "__init__":
                continue
            has_modules = not dot and any(inside.endswith(".py") for inside in self._listing(folder / name))
            if has_modules or f"{dot}{suffix}" in _SUFFIXES:
                yield name

    def _guard(self, file: ModuleFile, folders: Sequence[Path]) -> ModuleFile:
        if file.origin is not Origin.PROJECT:
            return file
        real = Path(self._real(file.path))
        if any(real.is_relative_to(self._real(place)) for place in (self._root, *folders)):
            return file
        return ModuleFile(file.path, file.origin, file.is_package, "is a link that leads out of the project")

    def _editable(self, name: str) -> ModuleFile | list[_Place]:
        """Look where setuptools' editable installs put packages: they stand on no path, only in a mapping."""
        place = self._editables.get(name)
        return self._step(name, [(Path(place).parent, Origin.INSTALLED)]) if place else []

    @cached_property
    def _editables(self) -> Mapping[str, str]:
        found: dict[str, str] = {}
        for site, _ in self._sites:
            for entry in sorted(self._listing(site)):
                if entry.startswith("__editable__") and entry.endswith("_finder.py"):
                    found.update(_mapping(site / entry))
        return found


def _mapping(finder: Path) -> dict[str, str]:
    """Read the literal `MAPPING` of an editable install's finder: top module -> its file or folder."""
    try:
        body = ast.parse(finder.read_bytes()).body
        for node in body:
            if isinstance(node, ast.AnnAssign | ast.Assign) and node.value is not None:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                if any(isinstance(target, ast.Name) and target.id == "MAPPING" for target in targets):
                    return {str(name): str(path) for name, path in ast.literal_eval(node.value).items()}
    except (OSError, SyntaxError, ValueError, AttributeError):
        pass
    return {}
