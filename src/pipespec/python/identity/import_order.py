"""The order in which the import of a module executes statements, if it matters.

Takes the module that is imported, those that are loaded with it, and counted statements. Returns the order as a list. The
position of statements that only define something does not matter. A statement that changes something has its position, also
among imports; one that only reads has a position between two changes.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from pipespec.document.nodes import JSON
from pipespec.python.identity.expression_parts import loaded_by
from pipespec.python.identity.import_effects import When
from pipespec.python.identity.module_statements import Statement
from pipespec.python.identity.name_meaning import Resolver
from pipespec.python.statement_bindings import run_by_import

__all__ = ["execution_order", "import_steps"]


def execution_order(
    first: str,
    loaded: Collection[str],
    labels: Mapping[Statement, str],
    when: Callable[[Statement], When],
    steps: Callable[[str], Sequence[Statement | str]],
) -> list[JSON]:
    """Return the labels of statements that change something, in order, with the sorted ones of those that read before each.

    Empty if nothing is changed, or where all of it has one label: then that label's own digest shows the order.

    What is imported late, by a function, comes last, what imports before what it imports; in which order functions import is in
    their text.
    """
    order: list[JSON] = []
    reading: list[str] = []
    imported = {one for module in loaded for one in steps(module) if isinstance(one, str)}
    late = sorted(loaded, key=lambda module: (module in imported, module))
    for statement in _Importer(steps, labels).executed([first, *late]):
        kind = when(statement)
        if kind is When.CHANGES:
            order += [[*sorted(reading)], labels[statement]] if reading else [labels[statement]]
            reading = []
        elif kind is When.READS:
            reading.append(labels[statement])
    order += [[*sorted(reading)]] if reading else []
    names = {name for one in order for name in (one if isinstance(one, list) else [one])}
    return order if len(names) > 1 and any(isinstance(one, str) for one in order) else []


def import_steps(resolver: Resolver, module: str) -> list[Statement | str]:
    """Return the statements of a module and the modules that it imports, in the order of the text."""
    code = resolver.code(module)
    if code is None:
        return []
    found: list[Statement | str] = []
    statements: dict[int, list[Statement]] = {}
    for statement in code.statements:
        statements.setdefault(statement.index, []).append(statement)
    for index, node in enumerate(code.module.tree.body):
        for one, typing_only in run_by_import([node]):
            if isinstance(one, ast.Import | ast.ImportFrom) and not typing_only:
                for target in loaded_by(one, code.module.package):
                    found += resolver.own_modules(target)
        found += statements.get(index, ())
    return found


class _Importer:
    """Goes through modules as Python would, each once."""

    def __init__(
        self, steps: Callable[[str], Sequence[Statement | str]], wanted: Collection[Statement]
    ) -> None:
        self._steps = steps
        self._wanted = wanted
        self._seen: set[str] = set()

    def executed(self, modules: Collection[str]) -> Iterator[Statement]:
        """Yield the wanted statements in the order in which importing these modules executes them."""
        waiting: list[Iterator[Statement | str]] = [iter(modules)]
        while waiting:
            step = next(waiting[-1], None)
            if step is None:
                waiting.pop()
            elif isinstance(step, Statement):
                if step in self._wanted:
                    yield step
            elif step not in self._seen:
                around = step.rpartition(".")[0]
                if around and around not in self._seen:
                    waiting += [iter([step]), iter([around])]
                    continue
                self._seen.add(step)
                waiting.append(iter(self._steps(step)))
