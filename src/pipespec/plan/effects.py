"""What importing a module changes: the statements that reach beyond the names that they bind.

Takes the statements of a project, tells which of them may change a name's value when they are executed (hand it
to a call, decorate with it, derive from it), and which change something outside of the project. Rule and
reasons: docs/decisions/0007-code-identity.md.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

from pipespec.plan.mentions import Mentions, Ref, collect
from pipespec.plan.resolve import Name, Named, Outside, Resolver, Whole
from pipespec.plan.statements import ModuleCode, Statement, is_definition
from pipespec.spec.names import chain_of

__all__ = ["Effects", "subclasses_of", "whole"]

_SILENT: Final = ("logging.", "warnings.")
"""What changes what is said, not what is computed; `print` is of that kind too."""
_QUIET_METACLASSES: Final = frozenset({"ABCMeta", "EnumMeta", "EnumType"})


def whole(module: str) -> Name:
    """Return what stands for all names of a module."""
    return Name(module, "")


def subclasses_of(name: Name) -> Name:
    """Return what stands for the subclasses of a class: a name that every new one changes."""
    return Name(name.module, f"{name.name}.__subclasses__")


class Effects:
    """What the statements of one project change when they are imported; remembers what it found."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._mentions: dict[Statement, Mentions] = {}
        self._changed_by: dict[str, set[Name]] = {}
        self._changers: dict[Name, list[Statement]] = {}
        self._leaving: dict[str, list[Statement]] = {}
        self._states: dict[Name, frozenset[Name]] = {}
        self._leaves: dict[tuple[Name, bool], bool] = {}
        self._watching: dict[Name, bool] = {}

    def mentions(self, statement: Statement) -> Mentions:
        """Return what a statement mentions, the bodies of its functions included."""
        if statement not in self._mentions:
            self._mentions[statement] = collect([statement.node], self._code(statement))
        return self._mentions[statement]

    def changed_by(self, module: str) -> Collection[Name]:
        """Return the names whose values the statements of a module may change."""
        if module not in self._changed_by:
            self._find(module)
        return self._changed_by[module]

    def changers(self, name: Name) -> Sequence[Statement]:
        """Return the statements, of all modules looked at so far, that may change what a name holds."""
        return self._changers.get(name, ())

    def leaving(self, module: str) -> list[Statement]:
        """Return the statements of a module that change something outside of the project."""
        if module not in self._leaving:
            self._find(module)
        return self._leaving[module]

    def watches_subclasses(self, name: Name) -> bool:
        """Tell whether a class learns of its subclasses, so that one changes it by being there."""
        if name not in self._watching:
            self._find_watching(name)
        return self._watching[name]

    def _find_watching(self, name: Name) -> None:
        """Work it out for a class and all above it: from each that looks at its subclasses down to the class."""
        below: dict[Name, list[Name]] = {name: []}
        watching: list[Name] = []
        waiting = [name]
        while waiting:
            one = waiting.pop()
            if self._watching.get(one, False) or any(map(_looks_at_subclasses, self._binding(one))):
                watching.append(one)
            elif one not in self._watching:
                for base in self._bases(one):
                    waiting += [] if base in below else [base]
                    below.setdefault(base, []).append(one)
        self._watching |= {one: self._watching.get(one, False) for one in below}
        while watching:
            one = watching.pop()
            self._watching[one] = True
            watching += [lower for lower in below[one] if not self._watching[lower]]

    def _bases(self, name: Name) -> list[Name]:
        return [
            base.name
            for statement in self._binding(name)
            for base in self._named(statement, self.mentions(statement).bases)
        ]

    def _find(self, module: str) -> None:
        self._changed_by[module], self._leaving[module] = set(), []
        code = self._resolver.code(module)
        for statement in code.statements if code is not None else ():
            at_import = collect(
                [statement.node],
                self._code(statement),
                all_handed=not is_definition(statement.node),
                with_bodies=False,
            )
            for name in self._changed(statement, at_import):
                self._changed_by[module].add(name)
                self._changers.setdefault(name, []).append(statement)
            if self._changes_outside(statement, at_import):
                self._leaving[module].append(statement)

    def _changed(self, statement: Statement, mentions: Mentions) -> set[Name]:
        names: set[Name] = set()
        for base in self._named(statement, mentions.bases):
            names.add(subclasses_of(base.name))
            if self._is_state(base.name):  # made by a call: `Base = declarative_base()`
                names.add(base.name)
            if self.watches_subclasses(base.name):
                names |= self._states_behind(base.name)
        names |= {target.name for target in self._named(statement, mentions.stores)}
        for ref in mentions.handed:
            for target in self._resolver.resolve(statement.module, ref):
                if isinstance(target, Named):
                    names |= self._states_behind(target.name)
                    if target.rest:  # an attribute of a function or class is changed by its owner's name
                        names.add(target.name)
                elif isinstance(target, Whole):
                    names.add(whole(target.module))
        return names

    def _changes_outside(self, statement: Statement, mentions: Mentions) -> bool:
        if self._drops_outside(statement, mentions.drops[0]):
            return True
        if isinstance(statement.node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            return False  # its decorators only wrap it, its bases only make it
        return any(self._leaves_when_called(called) for called in self._named(statement, mentions.calls[0]))

    def _leaves_when_called(self, called: Named) -> bool:
        """Tell whether calling a function, a class or a method changes something outside, also by what it calls."""
        key = called.name, bool(called.rest)
        if key not in self._leaves:
            self._leaves[key] = self._leaves_outside(*key)
        return self._leaves[key]

    def _leaves_outside(self, name: Name, has_rest: bool) -> bool:  # noqa: FBT001 - private, called once
        seen: set[tuple[Name, bool]] = set()
        waiting = [(name, has_rest)]
        while waiting:
            one = waiting.pop()
            if one in seen:
                continue
            seen.add(one)
            for statement in self._binding(one[0]):
                mentions = self.mentions(statement)
                for level in (1, 2) if one[1] else (1,):  # which of its methods `rest` names is not looked at
                    if self._drops_outside(statement, mentions.drops[level]):
                        return True
                    calls = self._named(statement, mentions.calls[level])
                    waiting += [(call.name, bool(call.rest)) for call in calls]
        return False

    def _states_behind(self, name: Name) -> frozenset[Name]:
        """Return the variables that code behind a name reaches, itself included: all of them it may change."""
        if name not in self._states:
            self._states[name] = frozenset(one for one in self._behind(name) if self._is_state(one))
        return self._states[name]

    def _behind(self, name: Name) -> Iterator[Name]:
        """Yield a name and all names that its statements lead to."""
        seen = {name}
        waiting = [name]
        while waiting:
            one = waiting.pop()
            yield one
            for statement in self._binding(one):
                for target in self._named(statement, self.mentions(statement).refs):
                    if target.name not in seen:
                        seen.add(target.name)
                        waiting.append(target.name)

    def _drops_outside(self, statement: Statement, refs: Iterable[Ref]) -> bool:
        return any(
            isinstance(target, Outside) and target.dotted != "print" and not target.dotted.startswith(_SILENT)
            for ref in refs
            for target in self._resolver.resolve(statement.module, ref)
        )

    def _named(self, statement: Statement, refs: Iterable[Ref]) -> list[Named]:
        targets = (target for ref in refs for target in self._resolver.resolve(statement.module, ref))
        return [target for target in targets if isinstance(target, Named)]

    def _is_state(self, name: Name) -> bool:
        code = self._resolver.code(name.module)
        return code is not None and code.is_state(name.name)

    def _binding(self, name: Name) -> list[Statement]:
        code = self._resolver.code(name.module)
        return code.binding.get(name.name, []) if code is not None else []

    def _code(self, statement: Statement) -> ModuleCode:
        code = self._resolver.code(statement.module)
        assert code is not None  # a statement comes from a module that was read
        return code


def _looks_at_subclasses(statement: Statement) -> bool:
    return isinstance(statement.node, ast.ClassDef) and any(map(_tells_subclasses, ast.walk(statement.node)))


def _tells_subclasses(node: ast.AST) -> bool:
    match node:
        case ast.FunctionDef(name="__init_subclass__") | ast.Attribute(attr="__subclasses__"):
            return True
        case ast.keyword(arg="metaclass", value=value):
            chain = chain_of(value)
            return chain is None or chain[-1] not in _QUIET_METACLASSES
        case _:
            return False
