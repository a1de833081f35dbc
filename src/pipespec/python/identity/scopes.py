"""Scopes: which names a function, class or comprehension binds itself.

Takes syntax trees and returns names. Names that an import binds are returned with what they refer to.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from pipespec.python.identity.canonical_tree import children
from pipespec.python.modules import Function
from pipespec.python.statement_bindings import ImportTarget, import_targets

__all__ = ["Names", "Scope", "argument_names", "bound_names", "names_in", "type_parameters"]

_NO_BINDING: Final = frozenset(
    {
        *(
            ast.Assert,
            ast.Assign,
            ast.Attribute,
            ast.Await,
            ast.BinOp,
            ast.BoolOp,
            ast.Call,
            ast.Compare,
            ast.Dict,
        ),
        *(
            ast.Expr,
            ast.For,
            ast.If,
            ast.IfExp,
            ast.JoinedStr,
            ast.List,
            ast.Return,
            ast.Starred,
            ast.Subscript,
        ),
        *(ast.Tuple, ast.UnaryOp, ast.While, ast.With, ast.keyword, ast.withitem),
    }
)
"""Nodes that bind nothing themselves; asked first, since a match tries case after case."""

Names: TypeAlias = Mapping[str, Sequence[ImportTarget] | None]
"""What a scope binds: an import's names with what they stand for, others with nothing, `global` ones with None."""


@dataclass(frozen=True, slots=True, eq=False)
class Scope:
    """The names that a function, class or comprehension binds."""

    names: Names
    outer: Scope | None
    is_class: bool = False

    def is_local(self, name: str) -> bool:
        """Return whether this scope or one around it binds a name."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return True
            scope = scope.outer
        return False


def argument_names(args: ast.arguments) -> Names:
    """Return the names of a function's arguments."""
    arguments = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
    return {arg.arg: () for arg in arguments if arg is not None}


def type_parameters(node: Function | ast.ClassDef) -> Names:
    """Return the names of `def f[T]`, which Python 3.12 brought."""
    return {parameter.name: () for parameter in getattr(node, "type_params", ())}


def names_in(target: ast.expr) -> Iterator[str]:
    """Yield the names that an assignment's target binds."""
    waiting: list[ast.expr] = [target]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Tuple | ast.List):
            waiting += node.elts
        elif isinstance(node, ast.Starred):
            waiting.append(node.value)


def bound_names(body: Sequence[ast.stmt], package: str) -> Names:
    """Return the names that a function's or class's own code binds; those declared `nonlocal` are not its own."""
    found: dict[str, list[ImportTarget]] = {}
    in_module: set[str] = set()
    in_function: set[str] = set()
    waiting: list[ast.AST] = list(body)
    while waiting:
        node = waiting.pop()
        if type(node) in _NO_BINDING:
            waiting += children(node)
            continue
        match node:
            case ast.Name(ctx=ast.Store() | ast.Del()):
                found.setdefault(node.id, [])
            case ast.Name() | ast.Constant():
                continue
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                found.setdefault(node.name, [])
                waiting += node.decorator_list
            case ast.Import() | ast.ImportFrom():
                for name, target in import_targets(node, package):
                    found.setdefault(name, []).append(target)
            case ast.Global(names=names):
                in_module.update(names)
            case ast.Nonlocal(names=names):
                in_function.update(names)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                waiting += _walruses(node)
            case ast.Lambda():
                continue
            case (
                ast.MatchMapping(rest=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name))
            ):
                found.setdefault(name, [])
                waiting += children(node)
            case ast.ExceptHandler(name=str(name)):
                found.setdefault(name, [])
                waiting += children(node)
            case _:
                waiting += children(node)
    own = {name: targets for name, targets in found.items() if name not in in_function}
    return {**own, **dict.fromkeys(in_module)}


def _walruses(node: ast.AST) -> list[ast.expr]:
    """Return the targets of `:=` in a comprehension, which bind outside of it."""
    return [one.target for one in ast.walk(node) if isinstance(one, ast.NamedExpr)]
