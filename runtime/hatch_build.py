"""Makes the package `pipespec_runtime` of pipespec's own source: the modules that a rendered module reaches.

Takes `../src/pipespec`, or the package as a source distribution holds it already; gives the files of the wheel. In the
copies `pipespec` is called `pipespec_runtime` where it is imported; nothing else of them changes, so that what is
true of the one is true of the other.
"""

from __future__ import annotations

import ast
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

__all__ = ["RuntimeHook", "copied", "reached"]

OLD: Final = "pipespec"
NEW: Final = "pipespec_runtime"

BEGINS: Final = (
    "pipespec.runtime",
    "pipespec.runtime.record_server",
    "pipespec.engine.processes.fork_template",
    "pipespec.engine.processes.step_worker",
    "pipespec.step.questions.probes",
    "pipespec.steps",
)
"""What a rendered module imports, and what is begun by its name in a process of its own."""

ABOUT: Final = (
    '"""What a Luigi module rendered by pipespec runs on: `from pipespec_runtime import runtime`."""\n'
)


class RuntimeHook(BuildHookInterface):  # type: ignore[type-arg]  # of no configuration of ours
    """Lays the made files into the wheel, or into the source distribution."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the files, and say where they go."""
        del version
        made = Path(self.root) / NEW
        if made.is_dir() and self.target_name == "wheel":
            return  # of a source distribution, in which it is the package that is packed anyway
        if not made.is_dir():
            self._folder = tempfile.TemporaryDirectory()
            made = Path(self._folder.name)
            for name, text in copied(Path(self.root).parent / "src"):
                (made / name).parent.mkdir(parents=True, exist_ok=True)
                (made / name).write_text(text, encoding="utf-8")
        build_data["force_include"][str(made)] = NEW


def copied(source: Path) -> Iterator[tuple[str, str]]:
    """Yield the files of the made package: name below it, and text."""
    yield "__init__.py", ABOUT
    yield "py.typed", ""
    yield "LICENSE", (source.parent / "LICENSE").read_text(encoding="utf-8")
    for module in reached(source):
        file = _file(source, module)
        name = file.relative_to(source / OLD).as_posix()
        yield name, _renamed(file.read_text(encoding="utf-8"))


def reached(source: Path) -> list[str]:
    """Return the modules that those of `BEGINS` import, near or far, and the packages around them; sorted."""
    found: set[str] = set()
    waiting = list(BEGINS)
    while waiting:
        module = waiting.pop()
        if module in found or module == OLD:
            continue
        found.add(module)
        waiting.append(module.rpartition(".")[0])
        waiting += _imports(source, _file(source, module))
    return sorted(found)


def _imports(source: Path, file: Path) -> Iterator[str]:
    for node in _ours(ast.parse(file.read_text(encoding="utf-8"))):
        yield str(node.module)
        for alias in node.names:
            if _exists(source, f"{node.module}.{alias.name}"):
                yield f"{node.module}.{alias.name}"


def _ours(tree: ast.AST) -> Iterator[ast.ImportFrom]:
    """Yield the imports of our own modules, but for those that only a type checker follows."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.ImportFrom) and str(node.module).partition(".")[0] == OLD:
            yield node
        waiting += ast.iter_child_nodes(node)


def _renamed(text: str) -> str:
    """Rename the package in all imports of it."""
    lines = text.splitlines(keepends=True)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and str(node.module).partition(".")[0] == OLD:
            line = lines[node.lineno - 1]
            lines[node.lineno - 1] = line.replace(f"from {OLD}", f"from {NEW}", 1)
    return "".join(lines)


def _exists(source: Path, module: str) -> bool:
    place = source.joinpath(*module.split("."))
    return place.with_suffix(".py").is_file() or (place / "__init__.py").is_file()


def _file(source: Path, module: str) -> Path:
    place = source.joinpath(*module.split("."))
    return place.with_suffix(".py") if place.with_suffix(".py").is_file() else place / "__init__.py"
