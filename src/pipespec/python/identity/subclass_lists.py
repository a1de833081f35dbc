"""Which classes are told about their subclasses: by `__init_subclass__`, a metaclass, or a base class of a library.

Takes names of classes, and examines these classes and all their base classes.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import Final

from pipespec.python.identity.executed_code import ExecutedCode
from pipespec.python.identity.module_statements import Statement
from pipespec.python.identity.name_meaning import Name
from pipespec.python.identity.outside_calls import derives_quietly, keeps_with_base, reads_docstrings
from pipespec.python.name_resolution import chain_of

__all__ = ["SubclassLists", "subclasses_of"]

_QUIET_METACLASSES: Final = frozenset({"ABCMeta", "EnumMeta", "EnumType"})


def subclasses_of(name: Name) -> Name:
    """Return what stands for the subclasses of a class: a name that every new one changes."""
    return Name(name.module, f"{name.name}.__subclasses__")


class SubclassLists:
    """Looks at the classes of one project; remembers what it found."""

    def __init__(self, executed: ExecutedCode) -> None:
        self._executed = executed
        self._watching: dict[Name, bool] = {}
        self._registered: dict[Name, bool] = {}
        self._documented: dict[Name, bool] = {}

    def watches(self, name: Name) -> bool:
        """Return whether a class learns of its subclasses, so that one changes it by being there."""
        return self._inherits(name, self._watching, self._looks_at_subclasses)

    def is_registered(self, name: Name) -> bool:
        """Return whether a library keeps a list of what derives from a class of the project."""
        return self._inherits(name, self._registered, lambda one: any(map(self.registers, self._bases(one))))

    def reads_docstrings(self, name: Name) -> bool:
        """Return whether a class of the project has a base from outside that may read docstrings."""
        return self._inherits(
            name, self._documented, lambda one: any(map(reads_docstrings, self._bases(one)))
        )

    def registers(self, dotted: str) -> bool:
        """Return whether a base from outside keeps a list, where everyone can find it, of what derives from it."""
        return not derives_quietly(dotted) and not keeps_with_base(dotted)

    def _inherits(self, name: Name, known: dict[Name, bool], test: Callable[[Statement], bool]) -> bool:
        """Work it out for a class and all above it: from each that passes the test down to the class."""
        if name in known:
            return known[name]
        below: dict[Name, list[Name]] = {name: []}
        passing: list[Name] = []
        waiting = [name]
        while waiting:
            one = waiting.pop()
            if known.get(one, False) or any(map(test, self._executed.binding(one))):
                passing.append(one)
            elif one not in known:
                for base in self._own_bases(one):
                    waiting += [] if base in below else [base]
                    below.setdefault(base, []).append(one)
        known |= {one: known.get(one, False) for one in below}
        while passing:
            one = passing.pop()
            known[one] = True
            passing += [lower for lower in below[one] if not known[lower]]
        return known[name]

    def _own_bases(self, name: Name) -> Iterator[Name]:
        for statement in self._executed.binding(name):
            if not isinstance(statement.node, ast.ClassDef):
                continue
            for base in self._executed.named(statement, self._executed.mentions(statement).bases):
                yield base.name

    def _bases(self, statement: Statement) -> list[str]:
        if not isinstance(statement.node, ast.ClassDef):
            return []
        return self._executed.outside(statement, self._executed.mentions(statement).bases)

    def _looks_at_subclasses(self, statement: Statement) -> bool:
        if not isinstance(statement.node, ast.ClassDef):
            return False
        return any(map(_tells_subclasses, ast.walk(statement.node))) or any(
            not derives_quietly(base) for base in self._bases(statement)
        )


def _tells_subclasses(node: ast.AST) -> bool:
    match node:
        case ast.FunctionDef(name="__init_subclass__") | ast.Attribute(attr="__subclasses__"):
            return True
        case ast.keyword(arg="metaclass", value=value):
            chain = chain_of(value)
            return chain is None or chain[-1] not in _QUIET_METACLASSES
        case _:
            return False
