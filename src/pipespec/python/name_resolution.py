"""Find what a name in a module means: follow it through imports, re-exports and simple aliases.

Takes a module and a dotted chain (`pd.DataFrame`). Returns the statement of the project that defines it, or the
absolute name of something outside of the project. If a name is bound several times, the last binding counts.
"""

from __future__ import annotations

import ast
import builtins
import math
from typing import Final, TypeAlias

from pipespec.document.nodes import JSON
from pipespec.frozen_values import frozen
from pipespec.python.modules import Module, ModuleBinding, ModuleProblem, Modules, Origin
from pipespec.python.statement_bindings import ImportTarget

__all__ = ["Chain", "Located", "OutsideName", "chain_of", "dotted_name", "is_overload", "literal", "locate"]

Chain: TypeAlias = tuple[str, ...]
"""A name and the attributes that follow it."""

_BUILTINS: Final = frozenset(dir(builtins))
_MOST_DEPTH: Final = 20  # of a literal; a pipeline could not contain a deeper default


@frozen
class Located:
    """The statement that defines a name, in its module. `rest` are attributes that still have to be looked up in it."""

    module: Module
    name: str
    node: ast.stmt
    rest: Chain = ()

    @property
    def dotted(self) -> str:
        """The absolute name: `news.model.Mode`."""
        return ".".join((self.module.name, self.name, *self.rest))


@frozen
class OutsideName:
    """Something that is not read here: a built-in (`int`), a name of an installed module (`pandas.DataFrame`), a module itself."""

    dotted: str
    is_builtin: bool = False
    is_module: bool = False


def chain_of(node: ast.expr) -> Chain | None:
    """Return the names of `a.b.c`, or None for any other expression."""
    attributes: list[str] = []
    while isinstance(node, ast.Attribute):
        attributes.append(node.attr)
        node = node.value
    return (node.id, *reversed(attributes)) if isinstance(node, ast.Name) else None


def literal(node: ast.expr, depth: int = 0) -> tuple[bool, JSON]:
    """Return (True, value) for an expression that is literally a JSON value, otherwise (False, None)."""
    if depth > _MOST_DEPTH:
        return False, None
    match node:
        case ast.Constant(value=None | bool() | str() | int() | float() as value) if _is_plain(value):
            return True, value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return (True, -value) if _is_plain(value) and not isinstance(value, bool) else (False, None)
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            items = [literal(part, depth + 1) for part in parts]
            return (
                (True, [value for _, value in items]) if all(known for known, _ in items) else (False, None)
            )
        case ast.Dict(keys=keys, values=values):
            pairs = [(key, literal(value, depth + 1)) for key, value in zip(keys, values, strict=True)]
            mapping = {
                key.value: value
                for key, (known, value) in pairs
                if known and isinstance(key, ast.Constant) and isinstance(key.value, str)
            }
            return (True, mapping) if len(mapping) == len(pairs) else (False, None)
        case _:
            return False, None


def locate(
    modules: Modules, module: Module, chain: Chain, *, follow_installed: bool = False, for_typing: bool = True
) -> Located | OutsideName | ModuleProblem | None:
    """Find what a chain means in a module.

    With `for_typing`, imports below `if TYPE_CHECKING` count. With `follow_installed`, the source of installed packages
    is read too. None means that the name is bound nowhere, or only in a circle.
    """
    seen: set[tuple[str, Chain]] = set()
    waiting: list[tuple[Module, Chain]] = [(module, chain)]
    unseen: OutsideName | None = None
    while waiting:
        module, chain = waiting.pop()
        if (module.name, chain) in seen:
            continue
        seen.add((module.name, chain))
        binding = _last(module.bindings.get(chain[0], ()), for_typing=for_typing)
        if binding is not None and binding.target is None:
            alias = _alias(binding.node)
            if alias is None:
                return Located(module, chain[0], binding.node, chain[1:])
            waiting.append((module, alias + chain[1:]))
            continue
        target = binding.target if binding is not None else _submodule(modules, module, chain[0])
        if target is None:
            stars = [star for star in module.stars if follow_installed or modules.is_own(star)]
            readable = [star for star in map(modules.get, stars) if isinstance(star, Module)]
            waiting += [(star, chain) for star in readable]
            unseen = unseen or _unseen(module, chain, [star.name for star in readable])
            continue
        found = _enter(modules, target, chain[1:], follow_installed=follow_installed)
        if not isinstance(found, tuple):
            return found
        waiting.append(found)
    return unseen


def _submodule(modules: Modules, module: Module, name: str) -> ImportTarget | None:
    dotted = f"{module.name}.{name}"
    return ImportTarget(dotted) if module.file.is_package and modules.find(dotted) is not None else None


def _unseen(module: Module, chain: Chain, readable: list[str]) -> OutsideName | None:
    """Return what a name means that a module does not bind: a built-in, something that its source does not show, or None."""
    if chain[0] in _BUILTINS:
        return OutsideName(".".join(chain), is_builtin=True)
    hidden = [star for star in module.stars if star not in readable]
    if hidden or module.file.origin is not Origin.PROJECT:
        return OutsideName(".".join((hidden[-1] if hidden else module.name, *chain)))
    return None


def _is_plain(value: JSON) -> bool:
    """Return whether a scalar is allowed in a pipeline: 64 bits, finite, no lone surrogate."""
    match value:
        case float():
            return math.isfinite(value)
        case int():
            return abs(value) < 1 << 63
        case str():
            return not any("\ud800" <= character <= "\udfff" for character in value)
        case _:
            return True


def dotted_name(node: ast.expr, module: Module, modules: Modules) -> str:
    """Return the absolute name of `a.b` in `a.b`, `a.b(...)` or `a.b[...]`; empty if it is not a name."""
    if isinstance(node, ast.Call):
        node = node.func
    elif isinstance(node, ast.Subscript):
        node = node.value
    chain = chain_of(node)
    found = locate(modules, module, chain) if chain else None
    return found.dotted if isinstance(found, Located | OutsideName) else ""


def _enter(
    modules: Modules, target: ImportTarget, rest: Chain, *, follow_installed: bool
) -> tuple[Module, Chain] | OutsideName | ModuleProblem:
    """Go to the module that an import names, and on into its submodules as far as the chain names them."""
    name = target.module
    chain = (target.attribute, *rest) if target.attribute is not None else rest
    while True:
        if not modules.is_own(name) and not follow_installed:
            return OutsideName(".".join((name, *chain)), is_module=not chain)
        module = modules.get(name)
        if isinstance(module, ModuleProblem):
            return module
        if not chain:
            return OutsideName(name, is_module=True)
        if chain[0] in module.bindings or modules.find(f"{name}.{chain[0]}") is None:
            return module, chain
        name, chain = f"{name}.{chain[0]}", chain[1:]


def _last(bindings: tuple[ModuleBinding, ...], *, for_typing: bool) -> ModuleBinding | None:
    """Return the last binding. `pd = None` after a failed import is ignored if there is another one."""
    fallback = None
    for binding in reversed(bindings):
        if binding.typing_only and not for_typing:
            continue
        if not _is_placeholder(binding.node):
            return binding
        fallback = fallback or binding
    return fallback


def _is_placeholder(node: ast.stmt) -> bool:
    match node:
        case ast.Assign(value=ast.Constant()) | ast.AnnAssign(value=None | ast.Constant()):
            return True
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return any(is_overload(decorator) for decorator in node.decorator_list)
        case _:
            return False


def is_overload(decorator: ast.expr) -> bool:
    """Return whether a decorator marks a signature that is for type checkers only."""
    chain = chain_of(decorator)
    return chain is not None and chain[-1] == "overload"


def _alias(node: ast.stmt) -> Chain | None:
    """Return what `g = f` and `Frame: TypeAlias = pd.DataFrame` assign; None for any other statement."""
    match node:
        case ast.Assign(targets=[ast.Name()], value=value):
            return chain_of(value)
        case ast.AnnAssign(target=ast.Name(), value=ast.expr() as value):
            return chain_of(value)
        case _:
            return None
