"""What statements bind: names, imports, and which blocks an import executes at all.

Takes statements of a module. Returns names. `name_resolution` determines what they mean.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

__all__ = [
    "ImportTarget",
    "absolute_module",
    "branches",
    "import_targets",
    "mark_own_typing_guards",
    "run_by_import",
    "stored_names",
]


class ImportTarget(NamedTuple):
    """What an import binds: a module (`attribute` None) or a name in it. `module` is absolute."""

    module: str
    attribute: str | None = None


def import_targets(node: ast.Import | ast.ImportFrom, package: str) -> Iterator[tuple[str, ImportTarget]]:
    """Yield each name that an import binds, and its target; nothing for a star."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            if alias.asname:
                yield alias.asname, ImportTarget(alias.name)
            else:
                top = alias.name.partition(".")[0]
                yield top, ImportTarget(top)
        return
    module = absolute_module(node, package)
    for alias in node.names:
        if alias.name != "*":
            yield alias.asname or alias.name, ImportTarget(module, alias.name)


def stored_names(node: ast.stmt) -> tuple[str, ...]:
    """Return the names that a statement itself binds, without those in the blocks below it, and without imports."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return (node.name,)
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            return (name, *_walrus_names([value]))
        case ast.Try() | ast.TryStar():
            return tuple(handler.name for handler in node.handlers if handler.name)
        case ast.Match():
            return tuple(_captures(node))
        case _:
            headers = [child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.stmt)]
            names = [name.id for header in headers for name in _targets(header)]
            return tuple(dict.fromkeys([*names, *_walrus_names(headers)]))


def branches(node: ast.stmt) -> tuple[tuple[Sequence[ast.stmt], bool], ...]:
    """Return the blocks below a compound statement that an import may execute, and whether each is for typing only.

    A block below `if __name__ == "__main__"` never runs in an imported module, so it is left out.
    """
    match node:
        case ast.If(test=test):
            if _is_main_guard(test):
                return ((node.orelse, False),)
            negated = isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
            guard = _is_typing_guard(test.operand if isinstance(test, ast.UnaryOp) else test)
            return (node.body, guard and not negated), (node.orelse, guard and negated)
        case ast.For() | ast.AsyncFor() | ast.While():
            return (node.body, False), (node.orelse, False)
        case ast.With() | ast.AsyncWith():
            return ((node.body, False),)
        case ast.Try() | ast.TryStar():
            bodies = [node.body, *(handler.body for handler in node.handlers), node.orelse, node.finalbody]
            return tuple((body, False) for body in bodies)
        case ast.Match():
            return tuple((case.body, False) for case in node.cases)
        case _:
            return ()


def mark_own_typing_guards(tree: ast.Module) -> None:
    """Mark `if TYPE_CHECKING` in a module that gives this name a value of its own other than false: such blocks run."""
    if any(_sets_typing_guard(node) for node in tree.body):
        for node in ast.walk(tree):
            if isinstance(node, ast.If):
                for one in ast.walk(node.test):
                    setattr(one, _OWN_GUARD, True)


def _sets_typing_guard(node: ast.stmt) -> bool:
    match node:
        case ast.Assign(targets=targets, value=value):
            pass
        case ast.AnnAssign(target=target, value=ast.expr() as value):
            targets = [target]
        case _:
            return False
    if isinstance(value, ast.Constant) and not value.value:
        return False
    return any(map(_is_typing_guard, targets))


_OWN_GUARD: Final = "own_typing_guard"


def _is_typing_guard(test: ast.expr) -> bool:
    """Return whether an expression is `TYPE_CHECKING`, which is false whenever code runs."""
    if hasattr(test, _OWN_GUARD):
        return False
    match test:
        case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
            return True
        case _:
            return False


def _is_main_guard(test: ast.expr) -> bool:
    match test:
        case ast.BoolOp(op=ast.And(), values=parts):
            return any(map(_is_main_guard, parts))
        case ast.Compare(left=left, ops=[ast.Eq()], comparators=[right]):
            sides = [side for side in (left, right) if isinstance(side, ast.Name | ast.Constant)]
            values = {side.id if isinstance(side, ast.Name) else side.value for side in sides}
            return values == {"__name__", "__main__"}
        case _:
            return False


def run_by_import(body: Sequence[ast.stmt]) -> Iterator[tuple[ast.stmt, bool]]:
    """Yield all statements that an import may execute, also those in blocks, and whether each is for typing only."""
    waiting = [(node, False) for node in reversed(body)]
    while waiting:
        node, typing_only = waiting.pop()
        yield node, typing_only
        blocks = [
            (below, typing_only or for_typing) for block, for_typing in branches(node) for below in block
        ]
        waiting.extend(reversed(blocks))


def _targets(header: ast.AST) -> Iterator[ast.Name]:
    """Yield the names stored in a statement's header, except in separate scopes (a lambda, a comprehension)."""
    waiting = [header]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Store):
                yield node
        elif isinstance(node, ast.Tuple | ast.List | ast.Starred | ast.withitem):
            waiting.extend(reversed(list(ast.iter_child_nodes(node))))


def _walrus_names(headers: Sequence[ast.AST]) -> list[str]:
    """Return the names bound by `:=`. This walk is done only for modules with expressions at their top level."""
    found: list[str] = []
    waiting: list[ast.AST] = list(headers)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.NamedExpr):
            found.append(node.target.id)
        if not isinstance(node, ast.Lambda | ast.Constant | ast.Name):
            waiting.extend(ast.iter_child_nodes(node))
    return found


def _captures(node: ast.Match) -> Iterator[str]:
    for case in node.cases:
        for pattern in ast.walk(case.pattern):
            if isinstance(pattern, ast.MatchAs | ast.MatchStar) and pattern.name:
                yield pattern.name
            elif isinstance(pattern, ast.MatchMapping) and pattern.rest:
                yield pattern.rest


def absolute_module(node: ast.ImportFrom, package: str) -> str:
    """Return the absolute name of the module of an import. If it leads out of all packages, it keeps its dots."""
    if not node.level:
        return node.module or ""
    parts = package.split(".") if package else []
    if node.level > len(parts):
        return "." * node.level + (node.module or "")
    base = parts[: len(parts) - node.level + 1]
    return ".".join([*base, node.module] if node.module else base)
