"""Find the project's modules on disk by name, as Python's path search would, without importing any.

First searches the given folders, then `sys.path`. On that path, only modules in a folder for installed packages, and
those of Python, count as installed. What `PYTHONPATH` or an editable install adds is source that people edit, so it
belongs to the project. A module of the project whose file leads out of its folder through a link is refused, and so is
everything that is not a regular file.
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
    """Finds and reads modules. An object is used for one command, because it caches listings of folders.

    A subclass may take modules from other places than the disk: it implements `read`, `_listing`, `_is_folder` and
    `_real`.

    `sites` are folders with installed packages. Without them, `path` is searched, by default `sys.path`, and each entry
    is classified by its location.
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
        """Return the file of a dotted name, or None.

        A regular package anywhere takes precedence over a folder without `__init__.py`.
        """
        places: list[_Place] = [*((folder, Origin.PROJECT) for folder in folders), *self._sites]
        parts = module.split(".")
        found = self._step(parts[0], places) or self._editable(parts[0])
        if parts[0] == _OURSELVES:  # installed as editable by developers of pipespec
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
        """Read a regular file of at most 16 MiB, and cache its content.

        Raises:
            OSError: if it is something else, larger, or cannot be read.
        """
        self._contents[path] = None
        self._contents[path] = content = self._read(path)
        return content

    def content(self, path: Path) -> bytes:
        """Return what was already read of a file. Raises the same errors as `read`."""
        known = self._contents.get(path)
        return self.read(path) if known is None else known

    def is_inside(self, path: Path) -> bool:
        """Return whether a path stays in the project after links are resolved."""
        return Path(self._real(path)).is_relative_to(self._real(self._root))

    def is_current(self) -> bool:
        """Return whether everything that was read and listed is unchanged, so that reading it again would have the same result."""
        now = DiskModules(self._root, self._given_sites)
        return (
            now._sites == self._sites
            and all(now._listing(folder) == names for folder, names in self._listings.items())
            and all(_content_of(now, path) == content for path, content in self._contents.items())
        )

    def contents(self) -> dict[str, bytes | None]:
        """Return the content that was read, by path; None if a file could not be read."""
        return {os.fspath(path): content for path, content in self._contents.items()}

    def listings(self) -> dict[str, frozenset[str]]:
        """Return the names in each folder that was listed. Something that is not a folder has no names."""
        return {os.fspath(folder): names for folder, names in self._listings.items()}

    def _read(self, path: Path) -> bytes:
        descriptor = os.open(
            path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
        )  # opening a pipe must not block
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise OSError(errno.EINVAL, "it is not a regular file", str(path))
            if status.st_size > _READ_LIMIT:
                raise OSError(errno.EFBIG, f"it is larger than {_READ_LIMIT >> 20} MiB", str(path))
            return file.read(_READ_LIMIT)

    def children(self, package: str, folders: Sequence[Path]) -> Collection[str]:
        """Return the names of the modules in a package, or of the project's own top-level modules."""
        if not package:
            return {name for folder in folders for name in self._modules_in(folder)}
        found = self.find(package, folders)
        if found is None or not found.is_package:
            return ()
        return set(self._modules_in(found.path.parent if found.path.suffix else found.path))

    def distribution(self, module: str, file: ModuleFile) -> tuple[str, str] | None:
        """Return name and version of the distribution whose record lists this file, or None."""
        from importlib import metadata  # noqa: PLC0415 - 8 ms, and seldom needed

        top = module.partition(".")[0].replace("_", "-").lower()
        for site, _ in self._sites:
            if not file.path.is_relative_to(site):
                continue
            entry = f"{file.path.relative_to(site).as_posix()},"
            found = sorted(
                metadata.distributions(path=[str(site)]),
                key=lambda one: (one.metadata["Name"] or "").replace("_", "-").lower() != top,
            )
            for one in found:  # first the one with the module's own name, because reading a record is slow
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
        """Look for one name in some places: a module or package, otherwise the folders that together are a namespace package."""
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
        """Return the names in a folder, spelled as on disk (some disks ignore case; Python does not)."""
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
        """Return the path with links resolved."""
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
        """Return the folders outside of the project whose modules nevertheless belong to it."""
        places = [place for place, origin in self._sites if origin is Origin.PROJECT]
        return [*places, *(place.parent for place in self._editables.values()), *self._editable_roots]

    def _editable(self, name: str) -> ModuleFile | list[_Place]:
        """Look where editable installs put packages that are not on the path."""
        place = self._editables.get(name)
        if place is not None:
            found = self._step(place.name.removesuffix(".py"), [(place.parent, Origin.PROJECT)])
            return found or [(place, Origin.PROJECT)]
        return self._step(name, [(root, Origin.PROJECT) for root in self._editable_roots])

    @cached_property
    def _editables(self) -> Mapping[str, Path]:
        """Read the finders of setuptools: top-level module -> its file or folder."""
        found: dict[str, Path] = {}
        for site, _ in self._sites:
            for entry in sorted(self._listing(site)):
                if entry.startswith("__editable__") and entry.endswith("_finder.py"):
                    found.update(_mapping(_content_of(self, site / entry) or b""))
        return found

    @cached_property
    def _editable_roots(self) -> list[Path]:
        """Return the sources of other editable installs, according to their `direct_url.json`."""
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
    # Python starts to look for modules of a console script in the folder of the script.
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
