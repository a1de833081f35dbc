"""What code of the project runs while modules are imported, followed from name to name.

Takes names of functions, classes and variables, and returns what their code may change, in the project and outside of it.
Each name is examined once. All functions that code mentions are assumed to run, so that functions in tables, callbacks and
methods are included; only the wrapper that a decorator creates runs later.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from pipespec.python.identity.class_state import ClassState
from pipespec.python.identity.mentions import ITEM, LevelUsage, NameUsage, Ref
from pipespec.python.identity.module_statements import ModuleCode, Statement, is_pure_name
from pipespec.python.identity.name_meaning import Name, Named, Outside, Resolver, Whole
from pipespec.python.identity.name_usage import collect
from pipespec.python.identity.outside_calls import (
    changes_outside,
    is_exposed,
    reads_docstrings,
    sets_logging,
)
from pipespec.python.name_resolution import chain_of

__all__ = ["Executed", "ExecutedCode", "Use", "whole"]


def whole(module: str) -> Name:
    """Return what stands for all names of a module."""
    return Name(module, "")


class Use(Enum):
    """How something is used: a class `made` into an object and left alone, a function that `decorates`, anything else."""

    USED = 0
    MADE = 1
    DECORATES = 2
    DECORATES_BY_CALL = 3


_DEFAULTING: Final = "collections.defaultdict"
_PASSING: Final = frozenset(
    {
        _DEFAULTING,
        "csv.DictReader",
        "csv.reader",
        "enumerate",
        "filter",
        "iter",
        "map",
        "open",
        "reversed",
        "zip",
    }
)
"""Calls that make something that changes when it is read."""

_ENTERING: Final = frozenset({"__enter__", "activate", "enable", "enter_context", "install", "start"})

_LEVELS: Final = {
    Use.USED: (0, 1, 2, 3),
    Use.MADE: (1,),
    Use.DECORATES: (1,),
    Use.DECORATES_BY_CALL: (1, 2),
}


@dataclass(slots=True)
class Executed:
    """What code does when it is executed.

    `names` are variables that it reaches and names that it sets: all of them it may change. `leaves`: it changes
    something outside of the project; `touches`: it reads or changes anything that others could change;
    `changes_arguments`: attributes of what it is handed; `reads_docstrings`: it hands on to something that may;
    `changes_implicitly`: an operator that is applied to what it makes may do all of this; `sets_logging`: it changes what is logged.
    """

    names: set[Name] = field(default_factory=set)
    leaves: bool = False
    touches: bool = False
    changes_arguments: bool = False
    reads_docstrings: bool = False
    changes_implicitly: bool = False
    sets_logging: bool = False

    def add(self, other: Executed) -> None:
        """Take in what more code does."""
        self.names |= other.names
        self.leaves = self.leaves or other.leaves
        self.touches = self.touches or other.touches
        self.changes_arguments = self.changes_arguments or other.changes_arguments
        self.reads_docstrings = self.reads_docstrings or other.reads_docstrings
        self.changes_implicitly = self.changes_implicitly or other.changes_implicitly
        self.sets_logging = self.sets_logging or other.sets_logging


class ExecutedCode:
    """Follows the code of one project; remembers what it found."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._mentions: dict[Statement, NameUsage] = {}
        self._ran: dict[tuple[Statement, Use], tuple[Executed, list[tuple[Name, Use]]]] = {}
        self._behind: dict[tuple[Name, Use], Executed] = {}
        self._outside_objects: dict[Name, bool] = {}
        self._passing: dict[Name, str | None] = {}
        self._class_states: dict[Statement, ClassState] = {}

    def mentions(self, statement: Statement) -> NameUsage:
        """Return what a statement mentions, the bodies of its functions included."""
        if statement not in self._mentions:
            self._mentions[statement] = collect([statement.node], self.code(statement))
        return self._mentions[statement]

    def behind(self, name: Name, use: Use = Use.USED) -> Executed:
        """Return what using something does; what it calls, and so on, included."""
        if (name, use) not in self._behind:
            self._behind[name, use] = self._follow(name, use)
        return self._behind[name, use]

    def is_class(self, name: Name) -> bool:
        """Return whether a name is bound by a class statement, and by nothing else."""
        binding = self.binding(name)
        return bool(binding) and all(isinstance(one.node, ast.ClassDef) for one in binding)

    def _is_defined(self, name: Name) -> bool:
        nodes = [one.node for one in self.binding(name)]
        return any(isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) for one in nodes)

    def is_state(self, name: Name) -> bool:
        """Return whether a name holds something that can be changed in place."""
        code = self._resolver.code(name.module)
        return code is not None and code.is_state(name.name)

    def binding(self, name: Name) -> Sequence[Statement]:
        """Return the statements that bind a name."""
        code = self._resolver.code(name.module)
        return code.binding.get(name.name, ()) if code is not None else ()

    def named(self, statement: Statement, refs: Iterable[Ref]) -> list[Named]:
        """Return what mentions stand for that the project binds."""
        targets = (target for ref in refs for target in self._resolver.resolve(statement.module, ref))
        return [target for target in targets if isinstance(target, Named)]

    def outside(self, statement: Statement, refs: Iterable[Ref]) -> list[str]:
        """Return the absolute names of what mentions stand for outside of the project."""
        targets = (target for ref in refs for target in self._resolver.resolve(statement.module, ref))
        return [target.dotted for target in targets if isinstance(target, Outside)]

    def code(self, statement: Statement) -> ModuleCode:
        """Return the module of a statement."""
        code = self._resolver.code(statement.module)
        assert code is not None  # a statement comes from a module that was read
        return code

    def leaves(self, statement: Statement, level: LevelUsage, *, in_body: bool) -> bool:
        """Return whether what happens at one time changes something outside of the project, calls of the project's own aside."""
        return (
            any(changes_outside(one, taken=False) for one in self.outside(statement, level.drops))
            or any(
                changes_outside(one, taken=True, in_body=in_body)
                for one in self.outside(statement, level.calls - level.drops)
            )
            or any(
                self.is_outside_object(one.name) for one in self.named(statement, level.writes | level.drops)
            )
            or any(map(self._enters, self.named(statement, level.calls | level.drops)))
            or (level.changes_arguments and any(map(is_exposed, self.outside(statement, level.refs))))
        )

    def sets_logging(self, statement: Statement, level: LevelUsage) -> bool:
        """Return whether what happens at one time changes what is logged, and where to."""
        methods = (
            ".".join(("", *one.rest)) for one in self.named(statement, level.calls | level.drops) if one.rest
        )
        return any(map(sets_logging, self.outside(statement, level.drops))) or any(map(sets_logging, methods))

    def touches(self, statement: Statement, level: LevelUsage) -> bool:
        """Return whether what happens at one time reads or changes something that other statements may change."""
        return (
            any(not is_pure_name(one) for one in self.outside(statement, level.calls | level.drops))
            or any(one.endswith("[]") or is_exposed(one) for one in self.outside(statement, level.refs))
            or any(self.is_state(one.name) for one in self.named(statement, level.refs))
        )

    def changed_by_use(self, statement: Statement, level: LevelUsage) -> set[Name]:
        """Return what is changed by being used, though no call or assignment shows it.

        An iterator by whatever takes from it, a `defaultdict` by a look at an item, and anything by operators that change something.
        """
        names: set[Name] = set()
        for target in self.named(statement, level.refs):
            name = target.name
            maker = self._passing_maker(name)
            if maker is not None and (maker != _DEFAULTING or target.rest[:1] == (ITEM,)):
                names.add(name)
            if self.is_state(name) and (run := self.behind(name)).changes_implicitly:
                names |= run.names
        return names

    def _passing_maker(self, name: Name) -> str | None:
        """Return the maker of an iterator, or of a mapping that grows when it is read; None for what stays as it is."""
        if name not in self._passing:
            makers = [self._maker(one) for one in self.binding(name)]
            self._passing[name] = next((maker for maker in makers if maker is not None), None)
        return self._passing[name]

    def _maker(self, statement: Statement) -> str | None:
        match statement.node:
            case ast.Assign(value=ast.GeneratorExp()):
                return "generator"
            case ast.Assign(value=ast.Call(func=callee)) | ast.AnnAssign(value=ast.Call(func=callee)):
                chain = chain_of(callee)
            case _:
                return None
        found = self._resolver.resolve(statement.module, Ref("", chain)) if chain is not None else ()
        for one in found:
            if isinstance(one, Outside) and (one.dotted in _PASSING or one.dotted.startswith("itertools.")):
                return one.dotted
            if isinstance(one, Named) and not one.rest and any(map(_yields, self.binding(one.name))):
                return str(one)
        return None

    def is_outside_object(self, name: Name) -> bool:
        """Return whether a variable is another name for something outside that all share: `env = os.environ`."""
        if name not in self._outside_objects:
            self._outside_objects[name] = False  # until it is known: for circles
            self._outside_objects[name] = any(map(self._holds_outside, self.binding(name)))
        return self._outside_objects[name]

    def _holds_outside(self, statement: Statement) -> bool:
        match statement.node:
            case ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value):
                node = value.func if isinstance(value, ast.Call) else value
                chain = chain_of(node)
            case ast.For(iter=ast.Tuple(elts=values) | ast.List(elts=values)):
                return any(self._is_outside(statement, one) for one in values)
        if not isinstance(statement.node, ast.Assign | ast.AnnAssign) or chain is None:
            return False
        found = self._resolver.resolve(statement.module, Ref("", chain))
        if isinstance(value, ast.Call):
            return any(isinstance(one, Outside) and changes_outside(one.dotted, taken=True) for one in found)
        return any(isinstance(one, Outside) and not one.is_builtin for one in found) or any(
            isinstance(one, Named) and self.is_outside_object(one.name) for one in found
        )

    def _is_outside(self, statement: Statement, node: ast.expr) -> bool:
        chain = chain_of(node)
        found = self._resolver.resolve(statement.module, Ref("", chain)) if chain is not None else ()
        return any(isinstance(one, Outside) and not one.is_builtin for one in found)

    def _enters(self, target: Named) -> bool:
        """Return whether a method lets an object that a library made work from now on: `context.__enter__()`."""
        return target.rest[-1:] != () and target.rest[-1] in _ENTERING and self.is_state(target.name)

    def _follow(self, start: Name, use: Use) -> Executed:
        done = Executed()
        seen = {(start, use)}
        waiting = [(start, use)]
        while waiting:
            name, how = waiting.pop()
            if self.is_state(name):
                done.names.add(name)
            for statement in self.binding(name):
                own, following = self._run(statement, how)
                done.add(own)
                for step in following:
                    if step not in seen and (step[0], Use.USED) not in seen:
                        seen.add(step)
                        waiting.append(step)
        done.touches = done.touches or bool(done.names) or done.leaves
        return done

    def _run(self, statement: Statement, use: Use) -> tuple[Executed, list[tuple[Name, Use]]]:
        """Return what one statement's own code does, and which names it leads to, with how they are used."""
        key = statement, use
        if key not in self._ran:
            self._ran[key] = self._look_through(statement, use)
        return self._ran[key]

    def _look_through(self, statement: Statement, use: Use) -> tuple[Executed, list[tuple[Name, Use]]]:
        usage = self.mentions(statement)
        above = use if use is Use.MADE else Use.USED
        if use is Use.MADE and usage.levels[1].calls_itself:
            use = Use.USED
        levels = [usage.levels[number] for number in _LEVELS[use]]
        refs = {ref for level in levels for ref in level.refs} - usage.bases
        if use is Use.MADE:
            refs |= usage.decorators
        done = Executed(
            leaves=any(self.leaves(statement, level, in_body=True) for level in levels),
            touches=any(self.touches(statement, level) for level in levels),
            sets_logging=any(self.sets_logging(statement, level) for level in levels),
            changes_arguments=any(level.changes_arguments for level in levels),
            reads_docstrings=any(
                reads_docstrings(one) for level in levels for one in self.outside(statement, level.calls)
            ),
        )
        for level in levels:
            for target in self._targets(statement, level.writes):
                done.names.add(whole(target.module) if isinstance(target, Whole) else target.name)
            done.names |= {
                one.name
                for one in self.named(statement, level.drops)
                if one.rest and (self.is_state(one.name) or self._is_defined(one.name))
            }
        if usage.open_ended:
            done.names.add(whole(statement.module))
        if use is Use.USED and _keeps_state(statement.node):
            done.names |= {Name(statement.module, name) for name in statement.names}
        if isinstance(statement.node, ast.ClassDef):
            done.names |= self._shared_by_objects(statement, statement.node)
            done.changes_implicitly = self._class_state(statement, statement.node).changes_implicitly
        following: list[tuple[Name, Use]] = []
        for refs_to, next_use in ((refs, Use.USED), (usage.bases, above)):
            for target in self._targets(statement, refs_to):
                if isinstance(target, Whole):
                    done.names.add(whole(target.module))
                else:
                    following.append((target.name, next_use))
        return done, list(dict.fromkeys(following))

    def _class_state(self, statement: Statement, node: ast.ClassDef) -> ClassState:
        if statement not in self._class_states:
            self._class_states[statement] = ClassState(node)
        return self._class_states[statement]

    def _shared_by_objects(self, statement: Statement, node: ast.ClassDef) -> set[Name]:
        """Return the classes of which the methods of one change what all objects share: itself, and those above it."""
        own = self._class_state(statement, node)
        if not own.changed and not own.changes_class:
            return set()
        above: dict[Statement, ClassState] = {statement: own}
        waiting = [statement]
        while waiting:
            one = waiting.pop()
            for base in self.named(one, self.mentions(one).bases):
                for lower in self.binding(base.name):
                    if isinstance(lower.node, ast.ClassDef) and lower not in above:
                        above[lower] = self._class_state(lower, lower.node)
                        waiting.append(lower)
        of_objects = {name for state in above.values() for name in state.of_objects}
        return {
            Name(one.module, name)
            for one, state in above.items()
            if (one is statement and own.changes_class) or state.shared & (own.changed - of_objects)
            for name in one.names
        }

    def _targets(self, statement: Statement, refs: Iterable[Ref]) -> list[Named | Whole]:
        targets = (target for ref in refs for target in self._resolver.resolve(statement.module, ref))
        return [target for target in targets if isinstance(target, Named | Whole)]


def _yields(statement: Statement) -> bool:
    """Return whether a function is a generator."""
    match statement.node:
        case ast.FunctionDef() as function:
            return any(isinstance(one, ast.Yield | ast.YieldFrom) for one in ast.walk(function))
        case _:
            return False


def _keeps_state(node: ast.AST) -> bool:
    """Return whether functions have arguments whose default is an object of their own, which calls may change."""
    return any(
        isinstance(
            default, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp | ast.Call
        )
        for one in ast.walk(node)
        if isinstance(one, ast.arguments)
        for default in (*one.defaults, *one.kw_defaults)
    )
