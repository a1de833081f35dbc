"""Parts of expressions and imports: the name that an expression starts from, what an import loads.

Takes syntax trees and returns names; does not determine what they refer to.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from pipespec.python.identity.mentions import ITEM
from pipespec.python.name_resolution import Chain
from pipespec.python.statement_bindings import ImportTarget, absolute_module, import_targets

__all__ = ["SILENT_NODES", "is_method_of_literal", "loaded_by", "root_of"]

SILENT_NODES: Final = frozenset(
    {
        *(
            ast.Assert,
            ast.Assign,
            ast.Await,
            ast.BinOp,
            ast.BoolOp,
            ast.Compare,
            ast.Dict,
            ast.FormattedValue,
        ),
        *(
            ast.For,
            ast.IfExp,
            ast.JoinedStr,
            ast.List,
            ast.Raise,
            ast.Return,
            ast.Set,
            ast.Slice,
            ast.Starred,
        ),
        *(ast.Tuple, ast.UnaryOp, ast.While, ast.With, ast.keyword, ast.withitem),
    }
)
"""Nodes without meaning of their own; looked up first, because `match` tries one case after another."""


def root_of(node: ast.expr) -> Chain | None:
    """Return the name that an expression starts from, with the attributes before the first call or item."""
    rest: list[str] = []
    while True:
        match node:
            case ast.Attribute(value=value, attr=attr):
                rest.append(attr)
            case ast.Subscript(value=value):
                rest = [ITEM]
            case ast.Call(func=value):
                rest = [ITEM]
            case ast.Name(id=name):
                return (name, *reversed(rest))
            case _:
                return None
        node = value


def is_method_of_literal(node: ast.expr) -> bool:
    """Return whether an expression is a method of a value that stands there, as `", ".join` is."""
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Constant | ast.JoinedStr)


def loaded_by(node: ast.Import | ast.ImportFrom, package: str) -> Iterator[ImportTarget]:
    """Yield what an import statement loads: of `import a.b.c` all of it, not just the `a` that it binds; `*` stands for all names."""
    if isinstance(node, ast.Import):
        yield from (ImportTarget(alias.name) for alias in node.names)
    else:
        yield ImportTarget(absolute_module(node, package), "*" if node.names[0].name == "*" else None)
        yield from (target for _, target in import_targets(node, package))
