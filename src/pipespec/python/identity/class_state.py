"""What the methods of a class change: the class itself, through what its objects share, or anything else if an operator is applied.

Takes the statement of a class and returns names of attributes. The caller finds out which base class binds them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from pipespec.python.modules import Function

__all__ = ["ClassState"]

_CHANGERS: Final = frozenset(
    [
        "add",
        "append",
        "appendleft",
        "clear",
        "discard",
        "extend",
        "insert",
        "pop",
        "popitem",
        "popleft",
        "remove",
        "reverse",
        "setdefault",
        "sort",
        "update",
        "write",
    ]
)
"""Methods of containers and files that change them."""

_NOT_IMPLICIT: Final = frozenset(
    f"__{word}__"
    for word in (
        *(
            "aenter",
            "aexit",
            "call",
            "delattr",
            "delete",
            "delitem",
            "enter",
            "exit",
            "init",
            "init_subclass",
        ),
        *("new", "post_init", "set", "setattr", "setitem"),
    )
)
"""Special methods whose execution is visible in a statement: a call, a `with` or an assignment."""


@dataclass(frozen=True, eq=False)
class ClassState:
    """One class, as it is written."""

    node: ast.ClassDef

    @cached_property
    def shared(self) -> frozenset[str]:
        """Return the attributes that the class body binds, and that all objects share."""
        names: set[str] = set()
        for statement in self.node.body:
            match statement:
                case ast.Assign(targets=targets):
                    names.update(one.id for one in targets if isinstance(one, ast.Name))
                case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if not _is_field(
                    value
                ):
                    names.add(name)
        return frozenset(names)

    @cached_property
    def of_objects(self) -> frozenset[str]:
        """Return the attributes that methods bind on an object: `self.rows = []`."""
        return frozenset(
            node.attr
            for method in self._methods
            for statement in ast.walk(method)
            if not isinstance(statement, ast.AugAssign)
            for node in ast.iter_child_nodes(statement)
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and _is_self(node.value)
        )

    @cached_property
    def changed(self) -> frozenset[str]:
        """Return the attributes that methods change in place, on any object: `self.rows.append(1)`."""
        return frozenset(name for method in self._methods for name in _changed(method))

    @cached_property
    def changes_class(self) -> bool:
        """Return whether methods set attributes of the class: `type(self).count += 1`."""
        return any(
            isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and _is_class(node.value)
            for method in self._methods
            for node in ast.walk(method)
        )

    @cached_property
    def changes_implicitly(self) -> bool:
        """Return whether a special method that no call shows changes something: `__rshift__`, `__getitem__`, `__set_name__`."""
        methods = {method.name: method for method in self._methods}
        waiting = [name for name in methods if name[:2] == "__" and name not in _NOT_IMPLICIT]
        seen: set[str] = set()
        while waiting:
            name = waiting.pop()
            if name in seen or name not in methods:
                continue
            seen.add(name)
            if _changes(methods[name]):
                return True
            waiting += _called_of_self(methods[name])
        return False

    @cached_property
    def _methods(self) -> tuple[Function, ...]:
        return tuple(one for one in self.node.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef))


def _is_field(value: ast.expr) -> bool:
    """Return whether a value in a class body is that of each object: `field(default_factory=list)`."""
    return isinstance(value, ast.Call) and ast.unparse(value.func).rpartition(".")[2].lower() == "field"


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"


def _is_class(node: ast.expr) -> bool:
    match node:
        case ast.Name(id="cls"):
            return True
        case ast.Attribute(value=ast.Name(id="self"), attr="__class__"):
            return True
        case ast.Call(func=ast.Name(id="type"), args=[ast.Name(id="self")]):
            return True
        case _:
            return False


def _attribute(node: ast.expr) -> str | None:
    """Return which attribute of an object or its class an expression is."""
    match node:
        case ast.Attribute(value=value, attr=name) if _is_self(value) or _is_class(value):
            return name
        case _:
            return None


def _changed(method: Function) -> Iterator[str]:
    for node in ast.walk(method):
        match node:
            case ast.Call(func=ast.Attribute(value=place, attr=word)) if word in _CHANGERS:
                name = _attribute(place)
            case ast.Subscript(value=place, ctx=ast.Store() | ast.Del()) | ast.AugAssign(target=place):
                name = _attribute(place)
            case _:
                name = None
        if name is not None:
            yield name


def _changes(method: Function) -> bool:
    """Return whether a method's own text changes anything but its local names."""
    for node in ast.walk(method):
        match node:
            case ast.Attribute(ctx=ast.Store() | ast.Del()) | ast.Subscript(ctx=ast.Store() | ast.Del()):
                return True
            case ast.Global() | ast.Nonlocal() | ast.Expr(value=ast.Call() | ast.Await()):
                return True
            case ast.Call(func=ast.Attribute(attr=word)) if word in _CHANGERS:
                return True
            case ast.Call(func=ast.Name(id="next" | "setattr" | "delattr")):
                return True
            case _:
                continue
    return False


def _called_of_self(method: Function) -> Iterator[str]:
    for node in ast.walk(method):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="self"), attr=name)):
                yield name
            case _:
                continue
