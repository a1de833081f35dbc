"""What the import of a module changes: the statements with an effect beyond the names that they bind.

Takes the statements of a project. Returns which of them may change the value of a name when they are executed (they pass it
to a call, decorate with it, derive from it), which change something outside of the project, and for which the order
matters. Rule and reasons: docs/decisions/0007-code-identity.md.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Sequence
from enum import IntEnum

from pipespec.python.identity.executed_code import Executed, ExecutedCode, Use, whole
from pipespec.python.identity.mentions import ITEM, NameUsage
from pipespec.python.identity.module_statements import Statement, is_definition
from pipespec.python.identity.name_meaning import Name, Named, Resolver, Whole
from pipespec.python.identity.name_usage import collect
from pipespec.python.identity.outside_calls import changes_outside, decorates_quietly, reads_docstrings
from pipespec.python.identity.subclass_lists import SubclassLists, subclasses_of
from pipespec.python.name_resolution import chain_of

__all__ = ["Effects", "When"]


class When(IntEnum):
    """Whether it matters when a statement runs: not at all, before what it reads changes, or before and after others."""

    ANY = 0
    READS = 1
    CHANGES = 2


class Effects:
    """What the statements of one project change when they are imported; keeps the results."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self.executed = ExecutedCode(resolver)
        self.classes = SubclassLists(self.executed)
        self._changed_by: dict[str, set[Name]] = {}
        self._changers: dict[Name, list[Statement]] = {}
        self._leaving: dict[str, list[Statement]] = {}
        self._logging: dict[str, list[Statement]] = {}
        self._when: dict[Statement, When] = {}

    def mentions(self, statement: Statement) -> NameUsage:
        """Return what a statement mentions, the bodies of its functions included."""
        return self.executed.mentions(statement)

    def changed_by(self, module: str) -> Collection[Name]:
        """Return the names whose values the statements of a module may change."""
        self._find(module)
        return self._changed_by[module]

    def changers(self, name: Name) -> Sequence[Statement]:
        """Return the statements, of all modules looked at so far, that may change what a name holds."""
        return self._changers.get(name, ())

    def leaving(self, module: str) -> list[Statement]:
        """Return the statements of a module that change something outside of the project."""
        self._find(module)
        return self._leaving[module]

    def setting_logging(self, module: str) -> list[Statement]:
        """Return the statements of a module that change what is logged. It matters only to code that looks at this."""
        if module not in self._logging:
            code = self._resolver.code(module)
            self._logging[module] = [
                one for one in (code.statements if code is not None else ()) if self._sets_logging(one)
            ]
        return self._logging[module]

    def _sets_logging(self, statement: Statement) -> bool:
        usage = self._at_import(statement)
        return self.executed.sets_logging(statement, usage.levels[0]) or any(
            run.sets_logging for run in self._runs(statement, usage)
        )

    def when(self, statement: Statement) -> When:
        """Return whether it matters when a statement runs."""
        self._find(statement.module)
        if statement not in self._when:
            usage = self._at_import(statement)
            is_reading = self.executed.touches(statement, usage.levels[0]) or any(
                run.touches for run in self._runs(statement, usage)
            )
            self._when[statement] = When.READS if is_reading else When.ANY
        return self._when[statement]

    def reads_docstrings(self, statement: Statement) -> bool:
        """Return whether something from outside may read the docstrings of what a statement defines.

        A decorator or base class may, an object that a library made, and what a decorator of the project hands on to.
        """
        usage = self.mentions(statement)
        makers = [*usage.decorators, *usage.bases]
        if not makers:
            return False
        decorators = self.executed.named(statement, usage.decorators)
        bases = self.executed.named(statement, usage.bases)
        return (
            any(map(reads_docstrings, self.executed.outside(statement, makers)))
            or any(self.executed.behind(one.name).reads_docstrings for one in decorators)
            or any(self.classes.reads_docstrings(one.name) for one in bases)
        )

    def _find(self, module: str) -> None:
        if module in self._changed_by:
            return
        self._changed_by[module], self._leaving[module] = set(), []
        code = self._resolver.code(module)
        for statement in code.statements if code is not None else ():
            at_import = self._at_import(statement)
            changed = self._changed(statement, at_import)
            for name in changed:
                self._changed_by[module].add(name)
                self._changers.setdefault(name, []).append(statement)
            is_leaving = self._leaves(statement, at_import)
            if is_leaving:
                self._leaving[module].append(statement)
            own = {Name(module, name) for name in statement.names}
            if is_leaving or changed - own:
                self._when[statement] = When.CHANGES

    def _at_import(self, statement: Statement) -> NameUsage:
        """Return what a statement mentions that runs when it is executed."""
        code = self.executed.code(statement)
        handed = not is_definition(statement.node)
        return collect([statement.node], code, all_handed=handed, with_bodies=False)

    def _changed(self, statement: Statement, usage: NameUsage) -> set[Name]:
        names = self._changed_as_subclass(statement, usage)
        resolve = self._resolver.resolve
        for ref in usage.stores | usage.handed:
            for target in resolve(statement.module, ref):
                if isinstance(target, Whole):
                    names.add(whole(target.module))
                elif isinstance(target, Named) and (target.rest or ref in usage.stores):
                    names.add(
                        target.name
                    )  # an attribute of a function or class is changed by its owner's name
        runs = [self.executed.behind(one.name) for one in self.executed.named(statement, usage.handed)]
        for run in runs:
            names |= run.names
        if any(run.changes_arguments for run in runs) or self._calls_outside(statement, usage):
            given = usage.handed - usage.levels[0].calls
            names |= {one.name for one in self.executed.named(statement, given)}
        if usage.open_ended:
            names.add(whole(statement.module))
        own = {Name(statement.module, name) for name in statement.names}
        return names | (self.executed.changed_by_use(statement, usage.levels[0]) - own)

    def _changed_as_subclass(self, statement: Statement, usage: NameUsage) -> set[Name]:
        names: set[Name] = set()
        for base in self.executed.named(statement, usage.bases):
            names.add(subclasses_of(base.name))
            if self.executed.is_state(base.name):  # made by a call: `Base = declarative_base()`
                names.add(base.name)
            if self.classes.watches(base.name):
                names |= self.executed.behind(base.name).names
        return names

    def _calls_outside(self, statement: Statement, usage: NameUsage) -> bool:
        level = usage.levels[0]
        return any(
            changes_outside(one, taken=True)
            for one in self.executed.outside(statement, level.calls | level.drops)
        )

    def _leaves(self, statement: Statement, usage: NameUsage) -> bool:
        level = usage.levels[0]
        defines = isinstance(statement.node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        outside = self.executed.outside
        if (
            self.executed.leaves(statement, level, in_body=defines)
            or not all(map(decorates_quietly, outside(statement, usage.decorators)))
            or any(map(self.classes.registers, outside(statement, usage.bases)))
            or any(
                self.classes.is_registered(one.name) for one in self.executed.named(statement, usage.bases)
            )
            or self._is_kept_outside(statement, usage)
        ):
            return True
        return any(run.leaves for run in self._runs(statement, usage))

    def _is_kept_outside(self, statement: Statement, usage: NameUsage) -> bool:
        """Return whether an unknown class from outside is given functions or classes of the project, to call them."""
        return any(
            not decorates_quietly(callee)
            for ref, given in usage.passed
            for callee in self.executed.outside(statement, [ref])
            for one in self.executed.named(statement, [given])
            if not one.rest and not self.executed.is_state(one.name)
        )

    def _runs(self, statement: Statement, usage: NameUsage) -> Iterator[Executed]:
        """Yield what the project's own code does that runs with a statement."""
        decorators = usage.decorators
        for ref in usage.handed | usage.levels[0].calls | decorators:
            for target in self.executed.named(statement, [ref]):
                if ref in decorators and not self.executed.is_class(target.name):
                    use = Use.DECORATES_BY_CALL if ITEM in ref.chain else Use.DECORATES
                elif ref in decorators or ref in usage.decorating:
                    use = Use.DECORATES
                elif (
                    not target.rest
                    and self._is_made(statement, ref.chain)
                    and self.executed.is_class(target.name)
                ):
                    use = Use.MADE
                else:
                    use = Use.USED
                yield self.executed.behind(target.name, use)
        for base in self.executed.named(statement, usage.bases):
            if self.classes.watches(base.name):
                yield self.executed.behind(base.name)

    @staticmethod
    def _is_made(statement: Statement, chain: tuple[str, ...]) -> bool:
        """Return whether a statement makes an object of a class and does nothing else with it: `ONE = C()`."""
        match statement.node:
            case ast.Assign(value=ast.Call(func=callee)) | ast.AnnAssign(value=ast.Call(func=callee)):
                return chain_of(callee) == chain
            case _:
                return False
