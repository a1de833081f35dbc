"""Texts that code composes, as far as they can be read from the source: `f"models.{kind}"` is `models.` and something.

Takes an expression and its place. Returns all texts that it may be, each as a list of parts: known texts, and None for the
others. Constants of modules, tables, local variables and the usual ways to join texts are evaluated.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Sequence
from itertools import product
from typing import Final, TypeAlias

from pipespec.frozen_values import frozen
from pipespec.python.identity.canonical_tree import children
from pipespec.python.name_resolution import Chain, chain_of

__all__ = ["Template", "TextReader", "pattern_of"]

Template: TypeAlias = tuple[str | None, ...]

_UNKNOWN: Final[list[Template]] = [(None,)]
_MOST: Final = 400
_DEEPEST: Final = 12
_FORMAT_FIELD: Final = re.compile(r"\{[^{}]*\}|%(?:\(\w+\))?[-#0 +]*[\d.]*[a-zA-Z]")
_TABLE_METHODS: Final = frozenset({"get", "pop", "values", "items", "keys", "setdefault", "copy"})


@frozen
class TextReader:
    """Reads the expressions of one statement. `constants` gives the values that a name of its module, or of one that it imports, is bound to."""

    statement: ast.AST
    module: str
    package: str
    constants: Callable[[Chain], Sequence[ast.expr]]

    def texts(self, node: ast.expr, depth: int = 0) -> list[Template]:
        """Return all texts that an expression may be."""
        if depth > _DEEPEST:
            return _UNKNOWN
        found = self._texts(node, depth + 1)
        return found if len(found) <= _MOST else _UNKNOWN

    def _texts(self, node: ast.expr, depth: int) -> list[Template]:
        match node:
            case ast.Constant(value=str(text)):
                return [(text,)]
            case ast.JoinedStr(values=parts):
                return self._joined(parts, depth)
            case ast.FormattedValue(value=value):
                return self.texts(value, depth)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return self._joined([left, right], depth)
            case ast.BinOp(left=ast.Constant(value=str(text)), op=ast.Mod()):
                return [_with_gaps(text)]
            case ast.IfExp(body=body, orelse=other):
                return self._any([body, other], depth)
            case ast.BoolOp(values=values):
                return self._any(values, depth)
            case ast.NamedExpr(value=value) | ast.Starred(value=value):
                return self.texts(value, depth)
            case ast.Call():
                return self._call(node, depth)
            case ast.Subscript(value=table):
                return self._inside(table, depth)
            case ast.Name(id="__name__"):
                return [(self.module,)]
            case ast.Name(id="__package__"):
                return [(self.package,)]
            case ast.Name() | ast.Attribute():
                return self._name(node, depth)
            case _:
                return _UNKNOWN

    def _joined(self, parts: Sequence[ast.expr], depth: int) -> list[Template]:
        choices = [self.texts(part, depth) for part in parts]
        size = 1
        for choice in choices:
            size *= len(choice)
        if size > _MOST:
            return _UNKNOWN
        return [tuple(piece for part in parts for piece in part) for parts in product(*choices)]

    def _any(self, nodes: Iterable[ast.expr], depth: int) -> list[Template]:
        return list(dict.fromkeys(text for node in nodes for text in self.texts(node, depth)))

    def _call(self, node: ast.Call, depth: int) -> list[Template]:
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(text)), attr="format")):
                return [_with_gaps(text)]
            case ast.Call(
                func=ast.Attribute(value=ast.Constant(value=str(glue)), attr="join"),
                args=[ast.List(elts=parts) | ast.Tuple(elts=parts)],
            ) if parts:
                glued = [one for part in parts for one in (part, ast.Constant(glue))]
                return self._joined(glued[:-1], depth)
            case ast.Call(func=ast.Name(id="str"), args=[value]):
                return self.texts(value, depth)
            case ast.Call(func=ast.Attribute(value=table, attr=attr), args=args) if attr in _TABLE_METHODS:
                return self._inside(table, depth) + [
                    text for one in args[1:] for text in self.texts(one, depth)
                ]
            case _:
                return _UNKNOWN

    def _name(self, node: ast.Name | ast.Attribute, depth: int) -> list[Template]:
        values = self._values(node)
        return self._any(values, depth) if values else _UNKNOWN

    def _inside(self, node: ast.expr, depth: int) -> list[Template]:
        """Return the texts in a list or table: the values of a mapping, and of those in it."""
        if depth > _DEEPEST:
            return _UNKNOWN
        match node:
            case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts):
                return [text for part in parts for text in self._inside(part, depth + 1)] or _UNKNOWN
            case ast.Dict(keys=keys, values=values):
                inner = [one for one in (*keys, *values) if one is not None]
                return [text for part in inner for text in self._inside(part, depth + 1)] or _UNKNOWN
            case ast.Subscript(value=table):
                return self._inside(table, depth + 1)
            case ast.Call(func=ast.Attribute(value=table, attr=attr)) if attr in _TABLE_METHODS:
                return self._inside(table, depth + 1)
            case ast.Call(
                func=ast.Name(id="sorted" | "list" | "tuple" | "set" | "reversed" | "enumerate" | "dict"),
                args=[one, *_],
            ):
                return self._inside(one, depth + 1)
            case ast.Name() | ast.Attribute():
                bound = self._values(node)
                return [text for value in bound for text in self._inside(value, depth + 1)] or _UNKNOWN
            case _:
                return self.texts(node, depth + 1)

    def _values(self, node: ast.Name | ast.Attribute) -> Sequence[ast.expr]:
        """Return what a name is bound to: in the statement around it, else in a module; nothing if that is not known."""
        chain = chain_of(node)
        if chain is None:
            return ()
        local = self._local_values(chain[0]) if len(chain) == 1 else []
        if local is None:
            return ()
        return [*local] or self.constants(chain)

    def is_local(self, name: str) -> bool:
        """Return whether the statement binds a name itself."""
        return self._local_values(name) != []

    def _local_values(self, name: str) -> list[ast.expr] | None:
        """Return what a local is bound to; None for an argument, which can be anything."""
        found: list[ast.expr] = []
        waiting: list[ast.AST] = [self.statement]
        while waiting:
            one = waiting.pop()
            match one:
                case ast.arg(arg=argument) if argument == name:
                    return None
                case ast.Assign(targets=targets, value=value) if any(
                    _is_name(target, name) for target in targets
                ):
                    found.append(value)
                case (
                    ast.AnnAssign(target=target, value=ast.expr() as value)
                    | ast.AugAssign(target=target, value=value)
                    | ast.NamedExpr(target=target, value=value)
                ) if _is_name(target, name):
                    found.append(value)
                case ast.For(target=target, iter=values) | ast.comprehension(target=target, iter=values) if (
                    any(_is_name(part, name) for part in ast.walk(target))
                ):
                    found.append(ast.Subscript(values, ast.Constant(0), ast.Load()))
                case _:
                    pass
            waiting += children(one)
        return found


def pattern_of(template: Template) -> str | None:
    """Return a regular expression for a text, or None if not even its beginning is known."""
    if not template or not template[0]:
        return None
    return "".join(".+" if part is None else re.escape(part) for part in template)


def _with_gaps(text: str) -> Template:
    parts: list[str | None] = []
    end = 0
    for field in _FORMAT_FIELD.finditer(text):
        parts += [text[end : field.start()], None]
        end = field.end()
    return tuple(part for part in (*parts, text[end:]) if part != "")


def _is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name
