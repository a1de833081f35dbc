"""Which modules of the user a step used while it ran, although its key does not count them.

Takes what is loaded in the process and returns files. A module that was loaded before the step began was loaded for other steps:
it counts only if the step's own code imports it. A module that the key does not know counts as a whole, together with what it
imports, even from modules of which the key counts other parts.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from importlib.util import resolve_name
from pathlib import Path

from pipespec.step.loaded_files import loaded_files
from pipespec.step.witness.path_judgement import PathJudgement
from pipespec.step.witness.witness_job import WitnessJob

__all__ = ["absent_modules", "own_modules", "uncounted_modules"]


def own_modules(judgement: PathJudgement) -> dict[str, str]:
    """Return the loaded modules that are the user's, each with its absolute file."""
    return {
        name: file
        for name, file in loaded_files().items()
        if name not in ("__main__", "__mp_main__") and judgement.is_code(file)
    }


def uncounted_modules(
    own: Mapping[str, str],
    before: Collection[str],
    unpickled: Iterable[tuple[str, str]],
    job: WitnessJob,
) -> set[str]:
    """Return the files of the modules that the key does not cover.

    `own` are all of the user that are loaded, `before` the names of those that were loaded when the step began.
    """
    counted, names = frozenset(job.counted_files), frozenset(job.counted_names)
    whole: dict[str, None] = {
        name: None for name, file in own.items() if name not in before and file not in counted
    }
    for module, name in unpickled:
        if module in own and not _covers(names, module, name):
            whole[module] = None
    # Loaded for others, and imported by code of this step's all the same.
    others = {name for name, file in own.items() if name in before and file not in counted}
    if others:
        for name, file in own.items():
            if file in counted:
                whole.update((module, None) for module, _ in _imports(name, file, own) if module in others)
    waiting = [*whole]
    while waiting:
        name = waiting.pop()
        for module, part in _imports(name, own[name], own):
            if module not in whole and not (own[module] in counted and _covers(names, module, part)):
                whole[module] = None
                waiting.append(module)
    return {own[name] for name in whole}


def absent_modules(
    not_found: Iterable[tuple[str, tuple[str, ...] | None]], folders: Iterable[str], judgement: PathJudgement
) -> Iterator[str]:
    """Yield the paths at which modules that code asked for, and nobody found, would be found from now on."""
    of_project = [*dict.fromkeys(folders)]
    for name, package in not_found:
        if name in sys.modules:
            continue
        last = name.rpartition(".")[2]
        for folder in of_project if package is None else package:
            if judgement.is_code(f"{folder}/{last}.py"):
                yield f"{folder}/{last}.py"
                yield f"{folder}/{last}"


def _covers(names: frozenset[str], module: str, name: str | None) -> bool:
    """Return whether the key counts a module whole, or what is wanted of it."""
    return module in names or (name is not None and f"{module}:{name}" in names)


def _imports(name: str, file: str, own: Mapping[str, str]) -> Iterator[tuple[str, str | None]]:
    """Yield the loaded modules of the user that a module names in its imports, each with the name that it takes of it."""
    if not file.endswith(".py"):
        return
    try:
        tree = ast.parse(Path(file).read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return
    package = name if Path(file).name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=aliases):
                for alias in aliases:
                    yield from ((module, None) for module in _with_parents(alias.name) if module in own)
            case ast.ImportFrom(module=base, names=aliases, level=level):
                yield from _of_from_import("." * level + (base or ""), package, aliases, own)


def _of_from_import(
    written: str, package: str, aliases: list[ast.alias], own: Mapping[str, str]
) -> Iterator[tuple[str, str | None]]:
    try:
        base = resolve_name(written, package) if written.startswith(".") else written
    except ImportError:
        return
    for alias in aliases:
        if f"{base}.{alias.name}" in own:
            yield f"{base}.{alias.name}", None
        elif base in own:
            yield base, None if alias.name == "*" else alias.name


def _with_parents(name: str) -> Iterator[str]:
    parts = name.split(".")
    for count in range(1, len(parts) + 1):
        yield ".".join(parts[:count])
