"""The project's modules on disk: found by name as Python's path search would, without importing any.

First in the folders handed in, then along `sys.path`. There, only what lies in a folder for installed packages or is
part of Python is installed; what `PYTHONPATH` or an editable install adds is source that people edit, so it is the
project's own. A module of the project whose file leads out of its folder through a link is refused; so is whatever
is no regular file.
"""

from __future__ import annotations

import ast
import errno
import json
import os
import stat
import sys
import sysconfig
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, cached_property
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import unquote, urlsplit

from pipespec.python.modules import ModuleFile, Origin

__all__ = ["DiskModules"]

_READ_LIMIT: Final = 16 << 20
_OURSELVES: Final = "pipespec"
_INSTALLED: Final = frozenset({"site-packages", "dist-packages"})
_SUFFIXES: Final = (*EXTENSION_SUFFIXES, ".py", ".pyc")  # the order in which Python prefers them

_Place: TypeAlias = tuple[Path, Origin]


class DiskModules:
    """Finds and reads modules; holds for one command, since it remembers folders' listings.

    A subclass may take them from elsewhere than the disk: it answers `read`, `_listing`, `_is_folder` and `_real`.

    `sites` are folders with installed packages. Without them `path` is searched, by default `sys.path`, and each
    entry is judged by where it lies.
    """

    def __init__(
        self, root: Path, sites: Sequence[Path] | None = None, *, path: Sequence[str] | None = None
    ) -> None:
        self.began = time.time_ns()
        self._root = root
        self._given_sites = sites
        self._path = path
        self._listings: dict[Path, frozenset[str]] = {}
        self._contents: dict[Path, bytes | None] = {}
        self.memo: dict[Any, Any] = {}

    def find(self, module: str, folders: Sequence[Path]) -> ModuleFile | None:
        """Return the file behind a dotted name, or None; a regular package anywhere wins over a mere folder."""
        places: list[_Place] = [*((folder, Origin.PROJECT) for folder in folders), *self._sites]
        parts = module.split(".")
        found = self._step(parts[0], places) or self._editable(parts[0])
        if parts[0] == _OURSELVES:  # installed as editable by those who work on it
            found = _as_installed(found)
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
        """Read a regular file of at most 16 MiB, and remember what was read.

        Raises:
            OSError: where it is something else, larger, or cannot be read.
        """
        self._contents[path] = None
        self._contents[path] = content = self._read(path)
        return content

    def content(self, path: Path) -> bytes:
        """Return what was read of a file already; raises as `read`."""
        known = self._contents.get(path)
        return self.read(path) if known is None else known

    def is_inside(self, path: Path) -> bool:
        """Tell whether a path stays in the project, links followed."""
        return Path(self._real(path)).is_relative_to(self._real(self._root))

    def is_current(self) -> bool:
        """Tell whether all that was read and listed is as it was, so that reading it again would change nothing."""
        now = DiskModules(self._root, self._given_sites)
        return (
            now._sites == self._sites
            and all(now._listing(folder) == names for folder, names in self._listings.items())
            and all(_content_of(now, path) == content for path, content in self._contents.items())
        )

    def contents(self) -> dict[str, bytes | None]:
        """Return what was read, by path; None is what could not be read."""
        return {os.fspath(path): content for path, content in self._contents.items()}

    def listings(self) -> dict[str, frozenset[str]]:
        """Return the names in each folder that was looked into; what is no folder has none."""
        return {os.fspath(folder): names for folder, names in self._listings.items()}

    def _read(self, path: Path) -> bytes:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe must not hang us
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise OSError(errno.EINVAL, "it is not a regular file", str(path))
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
        if self._given_sites is not None:
            return [(site, _origin(site, Origin.INSTALLED)) for site in self._given_sites]
        entries = sys.path if self._path is None else self._path
        return [(Path(entry), _origin(Path(entry))) for entry in entries if entry and Path(entry).is_dir()]

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
        if any(real.is_relative_to(self._real(place)) for place in self._own_places):
            return file
        return ModuleFile(
            file.path, file.origin, file.is_package, "is a link to a file outside of the project"
        )

    @cached_property
    def _own_places(self) -> list[Path]:
        """Return the folders outside of the project whose modules are its own all the same."""
        places = [place for place, origin in self._sites if origin is Origin.PROJECT]
        return [*places, *(place.parent for place in self._editables.values()), *self._editable_roots]

    def _editable(self, name: str) -> ModuleFile | list[_Place]:
        """Look where editable installs put packages that stand on no path."""
        place = self._editables.get(name)
        if place is not None:
            found = self._step(place.name.removesuffix(".py"), [(place.parent, Origin.PROJECT)])
            return found or [(place, Origin.PROJECT)]
        return self._step(name, [(root, Origin.PROJECT) for root in self._editable_roots])

    @cached_property
    def _editables(self) -> Mapping[str, Path]:
        """Read the finders of setuptools: top module -> its file or folder."""
        found: dict[str, Path] = {}
        for site, _ in self._sites:
            for entry in sorted(self._listing(site)):
                if entry.startswith("__editable__") and entry.endswith("_finder.py"):
                    found.update(_mapping(_content_of(self, site / entry) or b""))
        return found

    @cached_property
    def _editable_roots(self) -> list[Path]:
        """Return where the sources of other editable installs are, as their `direct_url.json` says."""
        records = [
            site / entry / "direct_url.json"
            for site, _ in self._sites
            for entry in sorted(self._listing(site))
            if entry.endswith(".dist-info") and "direct_url.json" in self._listing(site / entry)
        ]
        found = (_editable_root(_content_of(self, record) or b"") for record in records)
        return [place for root in found if root for place in (root / "src", root) if self._listing(place)]


def _origin(folder: Path, otherwise: Origin = Origin.PROJECT) -> Origin:
    if _INSTALLED.intersection(folder.parts):
        return Origin.INSTALLED
    return _places_of_python().get(folder, otherwise)


@cache
def _places_of_python() -> Mapping[Path, Origin]:
    own = {Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")}
    own |= {place / "lib-dynload" for place in own}
    # Python starts to look for modules of a console script where that is.
    return {Path(sysconfig.get_path("scripts")): Origin.INSTALLED, **dict.fromkeys(own, Origin.STDLIB)}


def _as_installed(found: ModuleFile | list[_Place]) -> ModuleFile | list[_Place]:
    if isinstance(found, ModuleFile):
        return replace(found, origin=Origin.INSTALLED)
    return [(place, Origin.INSTALLED) for place, _ in found]


def _content_of(modules: DiskModules, path: Path) -> bytes | None:
    try:
        return modules.read(path)
    except OSError:
        return None


def _mapping(finder: bytes) -> dict[str, Path]:
    """Read the literals `MAPPING` and `NAMESPACES` of an editable install's finder."""
    found: dict[str, Path] = {}
    try:
        for node in ast.parse(finder).body:
            if isinstance(node, ast.AnnAssign | ast.Assign) and node.value is not None:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                names = {target.id for target in targets if isinstance(target, ast.Name)}
                if "MAPPING" in names:
                    found |= {
                        str(name): Path(str(path)) for name, path in ast.literal_eval(node.value).items()
                    }
                elif "NAMESPACES" in names:
                    found |= {
                        str(name): Path(str(paths[0]))
                        for name, paths in ast.literal_eval(node.value).items()
                        if paths and "." not in name
                    }
    except (SyntaxError, ValueError, AttributeError, LookupError, TypeError):
        pass
    return found


def _editable_root(record: bytes) -> Path | None:
    try:
        said = json.loads(record)
        url = urlsplit(str(said["url"]))
        is_editable = said["dir_info"]["editable"] is True and url.scheme == "file"
    except (ValueError, LookupError, TypeError):
        return None
    return Path(unquote(url.path)) if is_editable else None
