"""Syntax trees -> canonical text: what code does, independent of its layout.

Equal text means equal code. Comments, docstrings, formatting, quote style, the spelling of numbers and statements
that do nothing do not change the text; everything else does, including the names of local variables. The text is the same in
every version of Python, unlike that of `ast.dump`: fields are written with their names, empty fields are left out, f-strings
have one form. The walk uses its own stack, so that deeply nested code does not exceed Python's.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence
from enum import Enum
from functools import cache, lru_cache
from typing import Final, TypeAlias

__all__ = ["canonical_tree", "children", "does_something"]

_LEFT_OUT: Final = frozenset({"ctx", "kind", "simple", "type_comment", "type_ignores"})
"""Fields without meaning: `ctx` follows from the place, `kind` is the `u` of a text."""


class _Where(Enum):
    """Whether annotations count: those in a class body define fields; those of a function without decorators are not read by anyone."""

    PLAIN = 0
    CLASS = 1
    BARE = 2


_SPECIAL: Final = frozenset(
    {
        ast.AnnAssign,
        ast.AsyncFunctionDef,
        ast.ClassDef,
        ast.Constant,
        ast.FormattedValue,
        ast.FunctionDef,
        ast.JoinedStr,
        ast.MatchSingleton,
        ast.arg,
    }
)
"""Nodes that are not written as their fields say; asked first, since a match tries case after case."""

_Piece: TypeAlias = str | tuple[ast.AST, _Where]
"""Text to write, or a node to expand."""


def canonical_tree(nodes: Sequence[ast.AST]) -> str:
    """Return the canonical text of some statements or expressions, as a JSON list.

    Annotations of variables and of functions without a decorator do not count, those of decorated functions and
    in class bodies do.
    """
    written: list[str] = []
    kept = [node for node in nodes if not isinstance(node, ast.stmt) or does_something(node)]
    waiting = _list(kept, _Where.PLAIN)
    waiting.reverse()
    while waiting:
        piece = waiting.pop()
        if isinstance(piece, str):
            written.append(piece)
        else:
            pieces = _expand(*piece)
            pieces.reverse()
            waiting += pieces
    return "".join(written)


def children(node: ast.AST) -> list[ast.AST]:
    """Return the nodes directly below a node, in order; twice as fast as `ast.iter_child_nodes`."""
    found: list[ast.AST] = []
    for name in _field_names(type(node).__name__):
        value = getattr(node, name, None)
        if isinstance(value, list):
            found += [one for one in value if isinstance(one, ast.AST)]
        elif isinstance(value, ast.AST):
            found.append(value)
    return found


def does_something(node: ast.stmt, *, in_class: bool = False) -> bool:
    """Return whether a statement has any effect: a docstring, `pass`, `...` and a bare `x: int` have none."""
    match node:
        case ast.Pass() | ast.Expr(value=ast.Constant()):
            return False
        case ast.AnnAssign(value=None):
            return in_class
        case _:
            return True


def _expand(node: ast.AST, where: _Where) -> list[_Piece]:
    if type(node) not in _SPECIAL:
        return _record(type(node).__name__, _fields(node), where)
    match node:
        case ast.Constant(value=value):
            return [_constant(value)]
        case ast.JoinedStr():
            return _text(node)
        case ast.FormattedValue():
            return _formatted(node)
        case ast.MatchSingleton(value=value):
            return [f'["MatchSingleton",{_constant(value)}]']
        case ast.AnnAssign(target=target, value=ast.expr() as value) if where is not _Where.CLASS:
            return _record("Assign", {"targets": [target], "value": value}, where)
        case ast.FunctionDef() | ast.AsyncFunctionDef() if not node.decorator_list:
            bare = _Where.BARE
            return _record(type(node).__name__, _fields(node, "returns"), _Where.PLAIN, args=bare)
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return _record(type(node).__name__, _fields(node), _Where.PLAIN)
        case ast.ClassDef():
            return _record("ClassDef", _fields(node), _Where.PLAIN, body=_Where.CLASS)
        case ast.arg() if where is _Where.BARE:
            return [f'["arg",{{"arg":{_quoted(node.arg)}}}]']
        case _:
            return _record(type(node).__name__, _fields(node), where)


def _record(kind: str, fields: dict[str, object], where: _Where, **elsewhere: _Where) -> list[_Piece]:
    """Write a node as its kind and its fields by name; absent and empty fields are left out."""
    pieces: list[_Piece] = [f'["{kind}",{{']
    comma = ""
    for name, value in fields.items():
        inner = elsewhere.get(name, where)
        if isinstance(value, list):
            statements = bool(value) and isinstance(value[0], ast.stmt)
            kept = [
                one for one in value if not statements or does_something(one, in_class=inner is _Where.CLASS)
            ]
            if not kept:
                continue
            pieces.append(f'{comma}"{name}":')
            pieces += _list(kept, inner)
        elif isinstance(value, ast.AST):
            pieces += [f'{comma}"{name}":', (value, inner)]
        else:
            pieces.append(f'{comma}"{name}":{_quoted(value)}')
        comma = ","
    pieces.append("}]")
    return pieces


def _list(nodes: Sequence[object], where: _Where) -> list[_Piece]:
    pieces: list[_Piece] = ["["]
    for position, node in enumerate(nodes):
        if position:
            pieces.append(",")
        pieces.append((node, where) if isinstance(node, ast.AST) else _quoted(node))
    pieces.append("]")
    return pieces


def _fields(node: ast.AST, left_out: str = "") -> dict[str, object]:
    return {
        name: value
        for name in _field_names(type(node).__name__)
        if (value := getattr(node, name, None)) is not None and name != left_out
    }


@cache
def _field_names(kind: str) -> tuple[str, ...]:
    return tuple(sorted(set(getattr(ast, kind)._fields) - _LEFT_OUT))


@lru_cache(maxsize=4096, typed=True)  # the same few names come again and again
def _quoted(value: object) -> str:
    return json.dumps(value)


def _constant(value: object) -> str:
    """Write a constant with its type: `1`, `1.0`, `True`, `'1'` and `b'1'` are five values."""
    match value:
        case None:
            return '["None"]'
        case bool():
            return f'["bool",{json.dumps(value)}]'
        case int():
            return f'["int","{value:x}"]'  # hexadecimal: Python refuses to write long decimals
        case float():
            return f'["float","{value!r}"]'
        case complex():
            return f'["complex","{value.real!r}","{value.imag!r}"]'
        case str():
            return f'["str",{json.dumps(value)}]'
        case bytes():
            return f'["bytes","{value.hex()}"]'
        case _:
            return '["..."]'


def _text(node: ast.JoinedStr) -> list[_Piece]:
    """Write an f-string: neighbouring texts as one, empty ones not at all, one without a value as a text."""
    parts: list[str | ast.AST] = []
    for value in node.values:
        if not isinstance(value, ast.Constant):
            parts.append(value)
        elif parts and isinstance(parts[-1], str):
            parts[-1] += str(value.value)
        elif value.value:
            parts.append(str(value.value))
    if not parts or (len(parts) == 1 and isinstance(parts[0], str)):
        return [_constant("".join(part for part in parts if isinstance(part, str)))]
    pieces = _list([ast.Constant(part) if isinstance(part, str) else part for part in parts], _Where.PLAIN)
    return ['["JoinedStr",', *pieces, "]"]


def _formatted(node: ast.FormattedValue) -> list[_Piece]:
    fields = _fields(node)
    if isinstance(node.format_spec, ast.JoinedStr) and not node.format_spec.values:
        del fields["format_spec"]  # `{x:}` is `{x}`
    return _record("FormattedValue", fields, _Where.PLAIN)
