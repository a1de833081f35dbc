"""The modules of a project as syntax trees: found by name, read once each, never imported.

Takes module names and the folders in which to look. Returns a `Module` or a `ModuleProblem`. The disk is accessed
through `ModuleFiles`. Source may be malicious: too large, too deep, not text. Each of these is a problem, never a
crash.
"""

from __future__ import annotations

import ast
import sys
import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from functools import cached_property
from importlib.util import decode_source
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias

from pipespec.frozen_values import frozen
from pipespec.python.problem_kind import ProblemKind
from pipespec.python.statement_bindings import (
    ImportTarget,
    absolute_module,
    import_targets,
    mark_own_typing_guards,
    run_by_import,
    stored_names,
)

__all__ = [
    "PARSE_LIMIT",
    "Function",
    "Module",
    "ModuleBinding",
    "ModuleFile",
    "ModuleFiles",
    "ModuleProblem",
    "Modules",
    "Origin",
    "excerpt",
    "modules_of",
    "parse",
]

PARSE_LIMIT: Final = 2 << 20
"""Maximum size in bytes of a module. A larger one was generated, and its tree would take gigabytes."""

_MOST_MODULES: Final = 5000

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


class Origin(StrEnum):
    """Where a module comes from. Only modules of the project count as its code."""

    PROJECT = "project"
    INSTALLED = "installed"
    STDLIB = "stdlib"


@frozen
class ModuleFile:
    """The file of a module: a source, a compiled module, or the folder of a namespace package.

    `refusal` says why an existing file is not followed (a link that leads out of the project).
    """

    path: Path
    origin: Origin = Origin.PROJECT
    is_package: bool = False
    refusal: str | None = None


class ModuleFiles(Protocol):
    """The access to files that reading code needs. `pipespec.project` implements it for the disk."""

    @property
    def memo(self) -> dict[Any, Any]:
        """Cache for what is made from these files. It lives as long as this object, so each file is parsed once."""

    def find(self, module: str, folders: Sequence[Path]) -> ModuleFile | None:
        """Find a module as Python would, first in these folders and then where packages are installed."""

    def read(self, path: Path) -> bytes:
        """Read a regular file of limited size.

        Raises:
            OSError: if it cannot be read or is too large.
        """

    def children(self, package: str, folders: Sequence[Path]) -> Collection[str]:
        """Return the names of the modules in a package, or of the project's own top-level modules for an empty name."""

    def distribution(self, module: str, file: ModuleFile) -> tuple[str, str] | None:
        """Return name and version of the distribution that installed this file, or None."""


@frozen
class ModuleBinding:
    """One statement at a module's top level, or in a block there, that binds a name.

    `target` is set for imports. `typing_only` is true below `if TYPE_CHECKING`.
    """

    node: ast.stmt
    target: ImportTarget | None = None
    typing_only: bool = False


@frozen
class ModuleProblem:
    """Why a module cannot be read. `message` is in lower case and names it."""

    kind: ProblemKind
    message: str
    file: ModuleFile | None = None
    line: int | None = None
    is_stdlib: bool = False


@dataclass(frozen=True)
class Module:
    """A parsed module. A namespace package has no statements."""

    name: str
    file: ModuleFile
    tree: ast.Module
    text: str

    @cached_property
    def bindings(self) -> Mapping[str, tuple[ModuleBinding, ...]]:
        """Return what binds each name, in the order of the text. Star imports are in `stars`."""
        found: dict[str, list[ModuleBinding]] = {}
        for node, typing_only in self.statements:
            if isinstance(node, ast.Import | ast.ImportFrom):
                for name, target in import_targets(node, self.package):
                    found.setdefault(name, []).append(ModuleBinding(node, target, typing_only))
            else:
                for name in stored_names(node):
                    found.setdefault(name, []).append(ModuleBinding(node, None, typing_only))
        return {name: tuple(bindings) for name, bindings in found.items()}

    @cached_property
    def statements(self) -> tuple[tuple[ast.stmt, bool], ...]:
        """Return all statements that an import may execute, also those in blocks, and whether each is for typing only."""
        return tuple(run_by_import(self.tree.body))

    @cached_property
    def stars(self) -> tuple[str, ...]:
        """Return the modules of `from x import *`, absolute, in order."""
        return tuple(
            absolute_module(node, self.package)
            for node, typing_only in self.statements
            if isinstance(node, ast.ImportFrom) and node.names[0].name == "*" and not typing_only
        )

    @property
    def package(self) -> str:
        """The package from which relative imports start; empty for a top-level module."""
        return self.name if self.file.is_package else self.name.rpartition(".")[0]

    @cached_property
    def lines(self) -> Sequence[str]:
        """Return the text's lines as the parser counts them: a form feed does not end a line."""
        return self.text.split("\n")

    def excerpt(self, node: ast.expr) -> str:
        """Return an expression as it is written, on one line."""
        return excerpt(self.lines, node)


class Modules:
    """The modules that can be found from some folders, each found and parsed at most once."""

    def __init__(self, folders: Sequence[Path], files: ModuleFiles) -> None:
        self._folders = tuple(folders)
        self._files = files
        self._known: dict[str, Module | ModuleProblem] = {}
        self._found: dict[str, ModuleFile | None] = {}

    def find(self, name: str) -> ModuleFile | None:
        """Return the file of a module. It is not read."""
        if name not in self._found:
            self._found[name] = self._files.find(name, self._folders) if _is_dotted(name) else None
        return self._found[name]

    def is_own(self, name: str) -> bool:
        """Return whether a module is the project's own."""
        file = self.find(name)
        return file is not None and file.origin is Origin.PROJECT

    def get(self, name: str) -> Module | ModuleProblem:
        """Return a module, or why it cannot be read."""
        if name not in self._known:
            self._known[name] = self._load(name)
        return self._known[name]

    def distribution(self, name: str) -> tuple[str, str] | None:
        """Return name and version of the distribution to which an installed module belongs, or None."""
        file = self.find(name)
        return None if file is None else self._files.distribution(name, file)

    def below(self, package: str) -> tuple[str, ...]:
        """Return the project's own modules in a package and in those below it; for an empty name, all of them.

        The order is always the same. At most a few thousand are returned.
        """
        found: list[str] = []
        waiting = [package]
        while waiting and len(found) < _MOST_MODULES:
            one = waiting.pop(0)
            for child in sorted(self._files.children(one, self._folders)):
                name = f"{one}.{child}" if one else child
                if name not in found and self.is_own(name):
                    found.append(name)
                    waiting.append(name)
        return tuple(found)

    def beside(self, module: str) -> tuple[str, ...]:
        """Return all modules of the top-level package that contains a module, whether they belong to the project or not."""
        found: list[str] = []
        waiting = [module.partition(".")[0]]
        while waiting and len(found) < _MOST_MODULES:
            one = waiting.pop(0)
            found.append(one)
            waiting += [f"{one}.{child}" for child in sorted(self._files.children(one, self._folders))]
        return tuple(found)

    def beside_missing(self, name: str) -> tuple[str, ...]:
        """Return the project's own modules in the innermost existing package of a name, sorted."""
        package = name.rpartition(".")[0]
        while package and not self.is_own(package):
            package = package.rpartition(".")[0]
        found = sorted(self._files.children(package, self._folders))
        return tuple(f"{package}.{child}" if package else child for child in found)

    def nearest(self, name: str) -> tuple[str, ...]:
        """Return existing modules with names similar to that of a missing one, the most similar first."""
        guesses = [""]
        for part in name.split("."):
            longer = []
            for guess in guesses:
                children = sorted(self._files.children(guess, self._folders))
                exact = [part] if part in children else get_close_matches(part, children, n=3)
                longer += [f"{guess}.{child}" if guess else child for child in exact]
            guesses = longer[:3]
        return tuple(guess for guess in guesses if guess != name)

    def _load(self, name: str) -> Module | ModuleProblem:
        file = self.find(name)
        if file is None:
            return self._missing(name)
        if file.refusal is not None:
            return ModuleProblem(ProblemKind.REFUSED, f"module '{name}' {file.refusal}", file)
        is_stdlib = file.origin is Origin.STDLIB
        if file.path.suffix != ".py":
            if file.is_package:
                return Module(name, file, ast.Module([], []), "")
            message = f"module '{name}' is compiled, so its source cannot be read"
            return ModuleProblem(ProblemKind.NOT_READABLE, message, file, is_stdlib=is_stdlib)
        try:
            data = self._files.read(file.path)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            return ModuleProblem(
                ProblemKind.NOT_READABLE, f"module '{name}' cannot be read: {reason.lower()}", file
            )
        return parse(name, file, data)

    @staticmethod
    def _missing(name: str) -> ModuleProblem:
        if name.partition(".")[0] in sys.stdlib_module_names:
            message = f"module '{name}' is part of Python itself and has no source to read"
            return ModuleProblem(ProblemKind.NOT_READABLE, message, is_stdlib=True)
        return ModuleProblem(ProblemKind.MODULE_NOT_FOUND, f"there is no module '{name}'")


def modules_of(folders: Sequence[Path], files: ModuleFiles) -> Modules:
    """Return the modules of these folders, always the same object while `files` lives."""
    key = ("modules", tuple(folders))
    if key not in files.memo:
        files.memo[key] = Modules(folders, files)
    known: Modules = files.memo[key]
    return known


def parse(name: str, file: ModuleFile, data: bytes) -> Module | ModuleProblem:
    """Parse a module's bytes as Python would read them, including BOM, coding line and line ends."""
    if len(data) > PARSE_LIMIT:
        message = f"module '{name}' is larger than {PARSE_LIMIT >> 20} MiB, so it is not read"
        return ModuleProblem(ProblemKind.NOT_READABLE, message, file)
    try:
        text = decode_source(data)
        with (
            warnings.catch_warnings()
        ):  # an invalid escape concerns only its author; with -W error it would raise
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
        if "TYPE_CHECKING" in text:
            mark_own_typing_guards(tree)
    except SyntaxError as error:
        return ModuleProblem(
            ProblemKind.SYNTAX_ERROR, f"module '{name}' has a syntax error: {error.msg}", file, error.lineno
        )
    except (
        ValueError,
        LookupError,
    ):  # not valid in the encoding of its coding line; NUL bytes on some Pythons
        return ModuleProblem(
            ProblemKind.SYNTAX_ERROR, f"module '{name}' is not valid text in its encoding", file, 1
        )
    except (RecursionError, MemoryError, OverflowError, SystemError):
        message = f"module '{name}' is nested too deeply to be read"
        return ModuleProblem(ProblemKind.NOT_READABLE, message, file)
    return Module(name, file, tree, text)


def excerpt(lines: Sequence[str], node: ast.expr) -> str:
    """Return an expression of these lines as it is written, on one line."""
    line = lines[node.lineno - 1]
    if node.end_lineno == node.lineno and line.isascii():
        return " ".join(line[node.col_offset : node.end_col_offset].split())
    cut = list(lines[node.lineno - 1 : node.end_lineno])
    cut[-1] = _bytes(cut[-1])[: node.end_col_offset].decode()  # columns of a tree count bytes
    cut[0] = _bytes(cut[0])[node.col_offset :].decode()
    return " ".join(" ".join(cut).split())


def _is_dotted(name: str) -> bool:
    return all(part.isidentifier() for part in name.split("."))


def _bytes(line: str) -> bytes:
    return line.encode("utf-8", "surrogatepass")
