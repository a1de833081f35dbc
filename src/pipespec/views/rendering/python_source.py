"""Convert syntax trees of expressions to Python source in the format of `ruff format`.

Takes the few kinds of nodes that are needed for calls with literal arguments. What is too long for a line has one
argument on each line, each with its comma. Texts are in the quotes that need fewer escapes. Characters that a reader
would not see, or a terminal would interpret (line ends, control characters, marks of direction), are escaped. Values
are never inserted into code as text.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from pipespec.document.nodes import JSON

__all__ = [
    "WIDTH",
    "assignment",
    "call",
    "comment",
    "expressions",
    "function_returning",
    "literal",
    "name",
    "sequence",
]

WIDTH: Final = 88

_ESCAPES: Final = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def literal(value: JSON | tuple[JSON, ...]) -> ast.expr:
    """Return the tree of a JSON value."""
    match value:
        case bool() | None | str():
            return ast.Constant(value)
        case int() | float():
            is_negative = value < 0 or (value == 0 and math.copysign(1.0, value) < 0)
            number = ast.Constant(abs(value))
            return ast.UnaryOp(ast.USub(), number) if is_negative else number
        case list():
            return ast.List([literal(item) for item in value], ast.Load())
        case tuple():
            return ast.Tuple([literal(item) for item in value], ast.Load())
        case _:
            return ast.Dict([ast.Constant(key) for key in value], [literal(item) for item in value.values()])


def expressions(values: Mapping[str, ast.expr]) -> ast.expr | None:
    """Return the tree of a mapping of trees; None for an empty one."""
    if not values:
        return None
    return ast.Dict([ast.Constant(key) for key in values], list(values.values()))


def sequence(values: Iterable[ast.expr]) -> ast.expr:
    """Return the tree of a list of trees."""
    return ast.List(list(values), ast.Load())


def name(dotted: str) -> ast.expr:
    """Return the tree of a name with its attributes."""
    first, *rest = dotted.split(".")
    tree: ast.expr = ast.Name(first, ast.Load())
    for attribute in rest:
        tree = ast.Attribute(tree, attribute, ast.Load())
    return tree


def call(function: str, *arguments: ast.expr, **keywords: ast.expr | None) -> ast.Call:
    """Return the tree of a call. A keyword that is None is left out."""
    stated = [ast.keyword(key, value) for key, value in keywords.items() if value is not None]
    return ast.Call(name(function), list(arguments), stated)


def assignment(target: str, value: ast.expr, indent: str = "") -> list[str]:
    """Return the lines of `target = value`."""
    return _laid_out(value, indent, f"{target} = ", "")


def function_returning(head: str, value: ast.expr, indent: str) -> list[str]:
    """Return the lines of a function that returns a value. `head` is its `def` without the colon."""
    return [f"{indent}{head}:", *_laid_out(value, indent + "    ", "return ", "")]


def comment(text: str) -> str:
    """Return a text as one line of comment. Nothing in it can end the line, change its direction or hide."""
    return f"# {''.join(map(_visible, text))}".rstrip()


def _visible(character: str) -> str:
    return character if character.isprintable() else _escape(character)


def _laid_out(node: ast.expr, indent: str, before: str, after: str) -> list[str]:
    """Format an expression between the text before it on its first line and the text after it on its last line."""
    flat = f"{indent}{before}{_flat(node)}{after}"
    opening, items, closing = _parts(node)
    if not items or _width(flat) <= WIDTH:
        return [flat]
    lines = [f"{indent}{before}{opening}"]
    for label, item in items:
        lines += _laid_out(item, indent + "    ", label, ",")
    return [*lines, f"{indent}{closing}{after}"]


def _parts(node: ast.expr) -> tuple[str, Sequence[tuple[str, ast.expr]], str]:
    """Split a collection or a call: the opening text, its items with the text before each, the closing text."""
    match node:
        case ast.List(elts=items):
            return "[", [("", item) for item in items], "]"
        case ast.Tuple(elts=items):
            return "(", [("", item) for item in items], ")"
        case ast.Dict(keys=keys, values=values):
            pairs = zip(keys, values, strict=True)
            return "{", [(f"{_flat(key)}: ", value) for key, value in pairs if key is not None], "}"
        case ast.Call(func=function, args=arguments, keywords=keywords):
            stated = [(f"{keyword.arg}=", keyword.value) for keyword in keywords]
            return f"{_flat(function)}(", [*(("", item) for item in arguments), *stated], ")"
        case _:
            return "", (), ""


def _flat(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return _quoted(text)
        case ast.Constant(value=float(number)):
            return repr(number).replace("e+", "e")
        case ast.Constant(value=value):
            return repr(value)
        case ast.UnaryOp(operand=operand):
            return f"-{_flat(operand)}"
        case ast.Name(id=identifier):
            return identifier
        case ast.Attribute(value=value, attr=attribute):
            return f"{_flat(value)}.{attribute}"
    opening, items, closing = _parts(node)
    lonely = "," if isinstance(node, ast.Tuple) and len(items) == 1 else ""
    return opening + ", ".join(label + _flat(item) for label, item in items) + lonely + closing


def _quoted(text: str) -> str:
    quote = "'" if text.count('"') > text.count("'") else '"'
    escaped = "".join(
        f"\\{character}" if character == quote else character if _is_plain(character) else _escape(character)
        for character in text
    )
    return f"{quote}{escaped}{quote}"


def _is_plain(character: str) -> bool:
    return character.isprintable() and character != "\\"


def _escape(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    code = ord(character)
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _width(line: str) -> int:
    """Return at least the number of columns of a line.

    `ruff format` does not change a line that is broken without need, but it breaks one that is too long.
    """
    return sum(1 if character.isascii() else 2 for character in line)
