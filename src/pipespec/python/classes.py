"""Classes as their source defines them: bases, dataclass fields, members of an Enum.

Takes class statements with their modules. Bases are followed only within the project; for others, only the name is
known.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from pipespec.document.nodes import JSON
from pipespec.frozen_values import frozen
from pipespec.python.modules import Module, Modules
from pipespec.python.name_resolution import Located, OutsideName, chain_of, dotted_name, literal, locate
from pipespec.python.signature import Annotation, Argument, ArgumentKind, EnumMember

__all__ = [
    "ClassSource",
    "ReadAnnotation",
    "base_classes",
    "class_at",
    "dataclass_fields",
    "enum_kind",
    "enum_members",
    "is_dataclass",
    "is_plain_enum",
    "lineage",
]

ReadAnnotation: TypeAlias = Callable[[ast.expr, Module], Annotation]

_ENUMS: Final = frozenset(f"enum.{name}" for name in ("Enum", "IntEnum", "StrEnum", "Flag", "IntFlag"))


@frozen
class ClassSource:
    """A class statement and its module."""

    node: ast.ClassDef
    module: Module


def class_at(found: Located) -> ClassSource | None:
    """Return the located class, with `rest` leading into inner classes; None if there is no such class."""
    node = found.node
    for name in found.rest:
        body = node.body if isinstance(node, ast.ClassDef) else []
        inner = [child for child in body if isinstance(child, ast.ClassDef) and child.name == name]
        if not inner:
            return None
        node = inner[-1]
    return ClassSource(node, found.module) if isinstance(node, ast.ClassDef) else None


def base_classes(owner: ClassSource, modules: Modules) -> list[ClassSource | str]:
    """Return the bases of a class: those of the project as source, others by dotted name (empty if unknown)."""
    return [_base(node, owner.module, modules) for node in owner.node.bases]


def _base(node: ast.expr, module: Module, modules: Modules) -> ClassSource | str:
    chain = chain_of(node.value if isinstance(node, ast.Subscript) else node)
    found = locate(modules, module, chain) if chain else None
    if isinstance(found, Located):
        return class_at(found) or ""
    return found.dotted if isinstance(found, OutsideName) else ""


def lineage(owner: ClassSource, modules: Modules) -> Iterator[ClassSource]:
    """Yield a class and its ancestors in the project, depth first from the left, each once."""
    seen: set[int] = set()
    waiting = [owner]
    while waiting:
        one = waiting.pop()
        if id(one.node) not in seen:
            seen.add(id(one.node))
            yield one
            bases = base_classes(one, modules)
            waiting += [base for base in reversed(bases) if isinstance(base, ClassSource)]


def is_dataclass(owner: ClassSource, modules: Modules) -> bool:
    """Return whether a class itself is decorated as a dataclass."""
    names = (dotted_name(one, owner.module, modules) for one in owner.node.decorator_list)
    return "dataclasses.dataclass" in names


def dataclass_fields(owner: ClassSource, modules: Modules, read: ReadAnnotation) -> tuple[Argument, ...]:
    """Return the arguments that create a dataclass or a NamedTuple. Those of its bases in the project come first."""
    fields: dict[str, Argument] = {}
    for one in reversed(list(lineage(owner, modules))):
        kind = ArgumentKind.PLAIN
        for child in one.node.body:
            if not isinstance(child, ast.AnnAssign) or not isinstance(child.target, ast.Name):
                continue
            name = child.target.id
            marker = dotted_name(child.annotation, one.module, modules)
            if marker == "dataclasses.KW_ONLY":
                kind = ArgumentKind.KEYWORD_ONLY
            elif marker != "typing.ClassVar" and not _is_set_later(child.value):
                fields[name] = _field(name, kind, read(child.annotation, one.module), child.value, one.module)
    return tuple(fields.values())


def _field(
    name: str, kind: ArgumentKind, annotation: Annotation, value: ast.expr | None, module: Module
) -> Argument:
    options = _field_options(value)
    has_default = (
        bool(options.keys() & {"default", "default_factory"}) if options is not None else bool(value)
    )
    default = options.get("default") if options is not None else value
    if default is None:
        return Argument(name, kind, annotation, has_default)
    known, plain = literal(default)
    return Argument(name, kind, annotation, has_default, plain, known, module.excerpt(default))


def _is_set_later(value: ast.expr | None) -> bool:
    match (_field_options(value) or {}).get("init"):
        case ast.Constant(value=False):
            return True
        case _:
            return False


def _field_options(value: ast.expr | None) -> dict[str, ast.expr] | None:
    """Return an argument of `field(...)`, or None if a field does not have it."""
    match value:
        case ast.Call(func=ast.Name(id="field") | ast.Attribute(attr="field"), keywords=keywords):
            return {keyword.arg: keyword.value for keyword in keywords if keyword.arg}
        case _:
            return None


def enum_kind(owner: ClassSource, modules: Modules) -> str | None:
    """Return the Enum class that a class descends from (`enum.StrEnum`), or None."""
    for one in lineage(owner, modules):
        for base in base_classes(one, modules):
            if isinstance(base, str) and base in _ENUMS:
                return base
    return None


def is_plain_enum(owner: ClassSource, modules: Modules) -> bool:
    """Return whether members are only members. Those of a StrEnum, or of a class that is also a str, are text."""
    bases = [base for one in lineage(owner, modules) for base in base_classes(one, modules)]
    return all(isinstance(base, ClassSource) or base == "enum.Enum" for base in bases)


def enum_members(node: ast.ClassDef, kind: str) -> Iterator[EnumMember]:
    """Yield the members of an Enum of this kind in order. `auto()` is counted as in Python."""
    last: JSON = 0
    for child in node.body:
        match child:
            case ast.Assign(targets=targets, value=value):
                names = [one.id for one in targets if isinstance(one, ast.Name) and one.id[0] != "_"]
                for name in names:
                    known, plain = literal(value)
                    if not known and _is_auto(value):
                        known, plain = _automatic(name, kind, last)
                    last = plain
                    yield EnumMember(name, plain, known)


def _is_auto(value: ast.expr) -> bool:
    match value:
        case ast.Call(func=ast.Name(id="auto") | ast.Attribute(attr="auto"), args=[]):
            return True
        case _:
            return False


def _automatic(name: str, kind: str, last: JSON) -> tuple[bool, JSON]:
    """Return the value of `auto()`: the name in lower case for a StrEnum, otherwise one more than the last number."""
    if kind == "enum.StrEnum":
        return True, name.lower()
    if kind in ("enum.Enum", "enum.IntEnum") and isinstance(last, int):
        return True, last + 1
    return False, None
