"""Parts of code that change nothing unless other code reads them: annotations and docstrings.

Takes syntax trees and returns these parts in the order of the text. Quoted annotations are parsed, also in brackets.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from pipespec.python.identity.canonical_tree import children
from pipespec.python.modules import Function
from pipespec.python.name_resolution import Chain, chain_of

__all__ = [
    "annotated",
    "annotations_in",
    "calls_in_annotations",
    "docstrings_in",
    "names_in_annotation",
    "quoted_names",
]


def annotated(node: Function) -> dict[str, ast.expr]:
    """Return the annotations of a signature by argument, `return` for the result; quoted ones are parsed."""
    args = node.args
    everything = [*args.posonlyargs, *args.args, args.vararg, *args.kwonlyargs, args.kwarg]
    found = {arg.arg: arg.annotation for arg in everything if arg is not None and arg.annotation is not None}
    if node.returns is not None:
        found["return"] = node.returns
    return {name: _parsed(annotation) or annotation for name, annotation in found.items()}


def annotations_in(node: ast.AST) -> dict[str, ast.expr]:
    """Return the annotations of all signatures within a statement, nested ones too, by function and argument."""
    found: dict[str, ast.expr] = {}
    for number, one in enumerate(_functions(node)):
        found |= {f"{number}:{one.name}.{name}": what for name, what in annotated(one).items()}
    return found


def calls_in_annotations(node: ast.stmt) -> list[ast.Call]:
    """Return the calls in annotations that are made when a statement is executed, except those of fields in a class."""
    match node:
        case ast.AnnAssign(annotation=annotation):
            written = [annotation]
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            written = [*annotated(node).values()]
        case ast.ClassDef(body=body):
            methods = [
                one for one in body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            ]
            return [call for one in methods for call in calls_in_annotations(one)]
        case _:
            return []
    return [one for annotation in written for one in _walk(annotation) if isinstance(one, ast.Call)]


def docstrings_in(node: ast.AST) -> list[str]:
    """Return the docstrings of all functions and classes within a statement, with what they belong to."""
    found: list[str] = []
    for one in _walk(node):
        match one:
            case (
                ast.FunctionDef(name=name, body=[ast.Expr(value=ast.Constant(value=str(text))), *_])
                | ast.AsyncFunctionDef(name=name, body=[ast.Expr(value=ast.Constant(value=str(text))), *_])
                | ast.ClassDef(name=name, body=[ast.Expr(value=ast.Constant(value=str(text))), *_])
            ):
                found += [name, text]
            case ast.Module(body=[ast.Expr(value=ast.Constant(value=str(text))), *_]):
                found.append(text)
    return found


def names_in_annotation(node: ast.expr) -> Iterator[Chain]:
    """Yield all names in an annotation, quoted ones too."""
    yield from _chains(node)
    yield from quoted_names([node])


def quoted_names(nodes: Sequence[ast.AST]) -> Iterator[Chain]:
    """Yield the names in quoted parts of annotations."""
    for node in nodes:
        for one in _walk(node):
            parsed = _parsed(one)
            if parsed is not None:
                yield from _chains(parsed)
                yield from quoted_names([parsed])


def _chains(node: ast.expr) -> Iterator[Chain]:
    waiting: list[ast.AST] = [node]
    while waiting:
        one = waiting.pop()
        chain = chain_of(one) if isinstance(one, ast.expr) else None
        if chain is not None:
            yield chain
        else:
            waiting += children(one)


def _functions(node: ast.AST) -> Iterator[Function]:
    return (one for one in _walk(node) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef))


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a node and all below, in the order of the text."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        yield one
        waiting += reversed(children(one))


def _parsed(node: ast.AST) -> ast.expr | None:
    """Return what a quoted annotation says; None for one that is not quoted, or is no expression."""
    match node:
        case ast.Constant(value=str(text)):
            try:
                return ast.parse(" ".join(text.split()), mode="eval").body
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                return None
        case _:
            return None
