"""The top-level statements of a module, by what they define: the pieces of code that count or do not count.

Takes a parsed module. Returns its `Statement`s, the names that each binds or changes, and which of these names hold
something that can be changed in place. Imports are not pieces; the names that they bind are followed instead.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from pipespec.python.identity.canonical_tree import does_something
from pipespec.python.identity.readable_parts import calls_in_annotations
from pipespec.python.modules import Module
from pipespec.python.name_resolution import Chain, chain_of, is_overload
from pipespec.python.statement_bindings import branches, import_targets, stored_names

__all__ = ["ModuleCode", "Statement", "is_definition", "is_pure_name"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PURE_BUILTINS: Final = _words(
    "abs all any bool bytes chr classmethod complex dict divmod enumerate filter float format frozenset hash int "
    "isinstance issubclass len list map max min object ord pow property range repr reversed round set slice sorted "
    "staticmethod str sum tuple zip"
)
_IMMUTABLE: Final = _words(
    "bool bytes complex float frozenset int range str tuple collections.namedtuple datetime.date datetime.datetime "
    "datetime.timedelta decimal.Decimal fractions.Fraction logging.getLogger os.environ.get os.getenv pathlib.Path "
    "pathlib.PurePosixPath re.compile types.MappingProxyType typing.NewType typing.ParamSpec typing.TypeVar"
)
"""Calls whose result cannot be changed in place, or not so that it would matter to a result (a logger)."""
_PURE: Final = (
    _PURE_BUILTINS
    | _IMMUTABLE
    | _words(
        "collections.Counter collections.OrderedDict collections.defaultdict collections.deque dataclasses.dataclass "
        "dataclasses.field enum.auto functools.cache functools.lru_cache functools.partial functools.wraps "
        "itertools.chain itertools.product os.path.dirname os.path.join"
    )
)
"""Calls that change nothing that they are given."""


_TYPING_OVERLOADS: Final = _words("overload typing.overload typing_extensions.overload")

_DEPENDENT: Final = _words("decimal.Decimal os.environ.get os.getenv")
"""Of these calls, those whose result depends on what others set."""


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """A top-level statement that is no import.

    `names` are those that it binds, in blocks too. `owner` is the name of the module that a statement changes
    which binds none: `X.append(1)`, `X[0] = 1`.
    """

    module: str
    index: int
    node: ast.stmt
    names: tuple[str, ...]
    owner: str | None = None


class ModuleCode:
    """The pieces of one module."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.name = module.name

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        """Return the pieces in the order of the text, without those that an import does not run."""
        found = []
        bound: set[str] = set()
        for index, node in enumerate(self.module.tree.body):
            if isinstance(node, ast.Import | ast.ImportFrom) or not self._runs(node):
                found += [Statement(self.name, index, call, ()) for call in self._calls_in_annotations(node)]
                continue
            names = tuple(dict.fromkeys(_bound_names(node, self.module.package)))
            bound.update(names)
            found.append(Statement(self.name, index, node, names, None if names else _changed_name(node)))
            found += [Statement(self.name, index, call, ()) for call in self._calls_in_annotations(node)]
        return tuple(
            one if one.owner in bound else Statement(one.module, one.index, one.node, one.names)
            for one in found
        )

    def _calls_in_annotations(self, node: ast.stmt) -> list[ast.stmt]:
        """Return the calls that annotations outside of classes make at import, each as a statement that uses its result."""
        if self._has_late_annotations or not isinstance(
            node, ast.AnnAssign | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
        ):
            return []
        return [
            ast.copy_location(ast.Expr(ast.copy_location(ast.Tuple([call], ast.Load()), call)), call)
            for call in calls_in_annotations(node)
        ]

    @cached_property
    def _has_late_annotations(self) -> bool:
        return any(
            isinstance(node, ast.ImportFrom)
            and node.module == "__future__"
            and any(one.name == "annotations" for one in node.names)
            for node in self.module.tree.body
        )

    @cached_property
    def binding(self) -> dict[str, list[Statement]]:
        """Return the statements that bind each name."""
        found: dict[str, list[Statement]] = {}
        for statement in self.statements:
            for name in statement.names:
                found.setdefault(name, []).append(statement)
        return found

    @cached_property
    def changing(self) -> dict[str, list[Statement]]:
        """Return the statements that change what each name holds, and do nothing else."""
        found: dict[str, list[Statement]] = {}
        for statement in self.statements:
            if statement.owner is not None:
                found.setdefault(statement.owner, []).append(statement)
        return found

    @cached_property
    def imports(self) -> list[ast.stmt]:
        """Return the import statements at the top, for a module that counts as a whole."""
        return [node for node in self.module.tree.body if isinstance(node, ast.Import | ast.ImportFrom)]

    @cached_property
    def _states(self) -> dict[str, bool]:
        return {}

    def is_state(self, name: str) -> bool:
        """Return whether a name holds something that other code could change in place."""
        if name not in self._states:
            nodes = [one.node for one in self.module.bindings.get(name, ()) if one.target is None]
            self._states[name] = any(self._holds_state(node) for node in nodes)
        return self._states[name]

    def is_pure(self, chain: Chain) -> bool:
        """Return whether calling this changes nothing that it is given."""
        return self.imported_name(chain) in _PURE

    def imported_name(self, chain: Chain) -> str | None:
        """Return the absolute name behind a chain that starts with an import or a built-in; None for others."""
        bindings = self.module.bindings.get(chain[0])
        if bindings is None:
            return ".".join(chain)
        target = bindings[-1].target
        if target is None:
            return None
        names = (target.module, target.attribute) if target.attribute else (target.module,)
        return ".".join((*names, *chain[1:]))

    def _runs(self, node: ast.stmt) -> bool:
        """Return whether an import executes anything of a statement; `if TYPE_CHECKING` and `__main__` blocks are not."""
        if isinstance(node, ast.If):
            return any(body and not typing_only for body, typing_only in branches(node))
        if isinstance(node, ast.FunctionDef) and any(map(self._is_overload, node.decorator_list)):
            return False
        return does_something(node)

    def _is_overload(self, decorator: ast.expr) -> bool:
        """Return whether a decorator is that of `typing`; others of its name keep what they are given."""
        chain = chain_of(decorator)
        return chain is not None and is_overload(decorator) and self.imported_name(chain) in _TYPING_OVERLOADS

    def _holds_state(self, node: ast.stmt) -> bool:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                return False
            case (
                ast.Assign(value=value)
                | ast.AugAssign(value=value)
                | ast.AnnAssign(value=ast.expr() as value)
            ):
                return not self._is_immutable(value)
            case ast.AnnAssign():
                return False
            case _:
                return True

    def _is_immutable(self, value: ast.expr) -> bool:
        waiting = [value]
        while waiting:
            match waiting.pop():
                case ast.Constant() | ast.JoinedStr() | ast.Lambda() | ast.Compare():
                    continue
                case ast.UnaryOp(operand=operand):
                    waiting.append(operand)
                case ast.BinOp(left=left, right=right):
                    waiting += [left, right]
                case ast.Tuple(elts=parts) | ast.BoolOp(values=parts):
                    waiting += parts
                case ast.Call(func=callee) if self._makes_immutable(callee):
                    continue
                case _:
                    return False
        return True

    def _makes_immutable(self, callee: ast.expr) -> bool:
        chain = chain_of(callee)
        return chain is not None and self.imported_name(chain) in _IMMUTABLE


def is_pure_name(dotted: str) -> bool:
    """Return whether a call, by its absolute name, changes nothing, and gives the same whatever ran before."""
    return (dotted in _PURE and dotted not in _DEPENDENT) or dotted.startswith("typing.")


def is_definition(node: ast.stmt) -> bool:
    """Return whether a statement only defines names: nothing runs but decorators, calls and bases in it."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() | ast.AnnAssign(target=ast.Name()):
            return True
        case ast.Assign(targets=targets):
            return all(isinstance(target, ast.Name | ast.Tuple | ast.List) for target in targets)
        case _:
            return type(node).__name__ == "TypeAlias"  # Python 3.12 and later


def _bound_names(node: ast.stmt, package: str) -> Iterator[str]:
    """Yield the names that a statement binds, with those in its blocks."""
    waiting: list[ast.stmt] = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, ast.Import | ast.ImportFrom):
            yield from (name for name, _ in import_targets(one, package))
        else:
            yield from stored_names(one)
            blocks: list[Sequence[ast.stmt]] = [
                body for body, typing_only in branches(one) if not typing_only
            ]
            waiting += [child for body in reversed(blocks) for child in reversed(body)]


def _changed_name(node: ast.stmt) -> str | None:
    """Return the name that `X.append(1)`, `X[0] = 1`, `X.a += 1` or `del X` is about, or None."""
    match node:
        case ast.Expr(value=ast.Call(func=ast.Attribute() as place)):
            return _root(place)
        case ast.Assign(targets=[place]) | ast.AugAssign(target=place) | ast.Delete(targets=[place]):
            return _root(place)
        case _:
            return None


def _root(place: ast.expr) -> str | None:
    while isinstance(place, ast.Attribute | ast.Subscript):
        place = place.value
    return place.id if isinstance(place, ast.Name) else None
