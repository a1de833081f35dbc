"""Annotations as values: names are resolved, unions are flattened, the project's Enums and dataclasses are looked up.

Takes expressions of a module. Returns `Annotation`s and the `Definition`s that they name. If it cannot read something,
the name is empty; it refuses nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from pipespec.python.annotated_limits import LIMITED_TYPES, read_limits
from pipespec.python.classes import (
    class_at,
    dataclass_fields,
    enum_kind,
    enum_members,
    is_dataclass,
    is_plain_enum,
)
from pipespec.python.modules import Module, Modules, excerpt
from pipespec.python.name_resolution import Chain, Located, OutsideName, chain_of, literal, locate
from pipespec.python.record_classes import record_class, record_made_by_call, stored_fields
from pipespec.python.signature import (
    UNION,
    Annotation,
    Argument,
    DataclassDefinition,
    Definition,
    EnumDefinition,
    RecordDefinition,
)
from pipespec.python.value_limits import Limit

__all__ = ["AnnotationReader"]

_MOST_DEPTH: Final = (
    20  # of brackets and aliases in an annotation; deeper ones are not types by which we load
)
_MOST_DEFINITIONS: Final = 200
_WRAPPERS: Final = frozenset(
    f"typing.{name}" for name in ("Annotated", "Final", "ClassVar", "Required", "NotRequired", "ReadOnly")
) | {"dataclasses.InitVar"}
_SPELLINGS: Final = {
    "typing.List": "list",
    "typing.Dict": "dict",
    "typing.Tuple": "tuple",
    "typing.Set": "set",
    "typing.FrozenSet": "frozenset",
    "typing.Type": "type",
    "typing.Text": "str",
    "types.NoneType": "None",
    "types.UnionType": UNION,
} | {
    f"typing.{name}": f"collections.abc.{name}"
    for name in ("Callable", "Collection", "Iterable", "Iterator", "Mapping", "MutableMapping", "Sequence")
}
_NONE: Final = Annotation("None", "None")


class _AnnotationPlace(NamedTuple):
    """The context of an annotation: the module resolves names, the lines contain the text."""

    module: Module
    lines: Sequence[str]


class AnnotationReader:
    """Reads annotations of one project, and caches the definitions that it found."""

    def __init__(self, modules: Modules) -> None:
        self._modules = modules
        self._classes: dict[str, Located] = {}
        self._definitions: dict[str, Definition | None] = {}
        self._known: dict[tuple[str, str], Annotation] = {}

    def read(self, node: ast.expr, module: Module) -> Annotation:
        """Read an annotation in this module. Its text is as written there."""
        key = module.name, module.excerpt(node)
        if key not in self._known:
            self._known[key] = self._read(node, _AnnotationPlace(module, module.lines), 0)
        return self._known[key]

    def definitions(self, annotations: Sequence[Annotation]) -> dict[str, Definition]:
        """Return the project's Enums, dataclasses and similar classes in these annotations, and in the fields of those classes."""
        found: dict[str, Definition] = {}
        waiting = list(annotations)
        while waiting and len(found) < _MOST_DEFINITIONS:
            annotation = waiting.pop()
            waiting.extend(annotation.args)
            if annotation.name in found or (definition := self._definition(annotation.name)) is None:
                continue
            found[annotation.name] = definition
            waiting.extend(field.annotation for field in _fields(definition) if field.annotation)
        return dict(sorted(found.items()))

    def _read(self, node: ast.expr, place: _AnnotationPlace, depth: int) -> Annotation:
        text = excerpt(place.lines, node)
        if depth > _MOST_DEPTH:
            return Annotation(text, "")
        match node:
            case ast.Constant(value=None):
                return Annotation(text, "None")
            case ast.Constant(value=str(quoted)):
                return self._quoted(quoted, place.module, depth)
            case ast.Constant(value=value) if value is ...:
                return Annotation(text, "...")
            case ast.Name() | ast.Attribute():
                return self._named(node, place.module, text, depth)
            case ast.BinOp(op=ast.BitOr()):
                return _union(text, [self._read(part, place, depth + 1) for part in _alternatives(node)])
            case ast.Subscript():
                return self._subscript(node, place, text, depth)
            case ast.List(elts=parts):  # the arguments of a Callable
                return Annotation(text, "", tuple(self._read(part, place, depth + 1) for part in parts))
            case _:
                return Annotation(text, "")

    def _quoted(self, quoted: str, module: Module, depth: int) -> Annotation:
        text = " ".join(quoted.split())
        try:
            inner = ast.parse(text, mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return Annotation(text, "")
        return self._read(inner, _AnnotationPlace(module, [text]), depth + 1)

    def _named(self, node: ast.expr, module: Module, text: str, depth: int) -> Annotation:
        chain = chain_of(node)
        if chain is None:
            return Annotation(text, "")
        found = locate(self._modules, module, chain)
        if isinstance(found, OutsideName):
            name, *limits = LIMITED_TYPES.get(found.dotted, (_canonical(found.dotted),))
            return Annotation(text, name, limits=tuple(limits))
        if not isinstance(found, Located):
            return Annotation(text, ".".join(chain))
        if isinstance(found.node, ast.ClassDef):
            self._classes.setdefault(found.dotted, found)
            return Annotation(text, found.dotted)
        meaning = _aliased_type(found.node, found.rest)
        if meaning is None:
            self._classes.setdefault(found.dotted, found)  # which a call may have created
            return Annotation(text, found.dotted)
        inner = self._read(meaning, _AnnotationPlace(found.module, found.module.lines), depth + 1)
        return replace(inner, text=text)

    def _subscript(self, node: ast.Subscript, place: _AnnotationPlace, text: str, depth: int) -> Annotation:
        base = self._read(node.value, place, depth + 1)
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if base.name == "typing.Literal":
            values = [value for known, value in map(literal, parts) if known]
            scalars = tuple(value for value in values if not isinstance(value, list | dict))
            others = () if len(scalars) == len(parts) else (Annotation(text, ""),)
            return Annotation(text, base.name, others, scalars)
        if base.name in _WRAPPERS and parts:
            inner = self._read(parts[0], place, depth + 1)
            metadata = parts[1:] if base.name == "typing.Annotated" else []
            return replace(_limited(inner, read_limits(metadata, place.module, self._modules)), text=text)
        args = [self._read(part, place, depth + 1) for part in parts]
        if base.name == "typing.Optional":
            return _union(text, [*args, _NONE])
        if base.name == UNION:
            return _union(text, args)
        return Annotation(text, base.name, tuple(args))

    def _definition(self, name: str) -> Definition | None:
        """Return the definition of a class that was found. It is looked up late, because its fields may name the class again."""
        if name not in self._definitions:
            self._definitions[name] = self._define(self._classes[name]) if name in self._classes else None
        return self._definitions[name]

    def _define(self, found: Located) -> Definition | None:
        owner = class_at(found)
        if owner is None:
            return record_made_by_call(found, self._modules, self.read)
        if kind := enum_kind(owner, self._modules):
            members = tuple(enum_members(owner.node, kind))
            return EnumDefinition(found.dotted, members, is_plain_enum(owner, self._modules))
        if is_dataclass(owner, self._modules):
            arguments = dataclass_fields(owner, self._modules, self.read)
            stored = stored_fields(owner, self._modules, self.read)
            return DataclassDefinition(found.dotted, arguments, stored)
        return record_class(owner, found.dotted, self._modules, self.read)


def _fields(definition: Definition) -> tuple[Argument, ...]:
    match definition:
        case EnumDefinition():
            return ()
        case DataclassDefinition(fields=fields, stored=stored):
            return (*fields, *(stored or ()))
        case RecordDefinition(stored=stored):
            return stored


def _aliased_type(node: ast.stmt, rest: Chain) -> ast.expr | None:
    """Return the expression of a name that is an alias of a type: `Ids = list[int]`, `type Ids = ...`, `NewType("Id", int)`."""
    if rest:
        return None
    value = getattr(node, "value", None)  # also of a TypeAlias, which Python 3.11 does not know
    match value:
        case ast.Call(func=ast.Name(id="NewType") | ast.Attribute(attr="NewType"), args=[_, inner]):
            return inner
        case ast.Subscript() | ast.BinOp() | ast.Name() | ast.Attribute():
            return value
        case _:
            return None


def _alternatives(node: ast.expr) -> list[ast.expr]:
    """Return the members of `a | b | c` in order."""
    found: list[ast.expr] = []
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        found.append(node.right)
        node = node.left
    return [node, *reversed(found)]


def _limited(annotation: Annotation, limits: tuple[Limit, ...]) -> Annotation:
    """Add limits to a type, or to each member of a union."""
    if not limits:
        return annotation
    if annotation.name == UNION:
        return replace(annotation, args=tuple(_limited(member, limits) for member in annotation.args))
    return replace(annotation, limits=(*annotation.limits, *limits))


def _union(text: str, members: Sequence[Annotation]) -> Annotation:
    flat = dict.fromkeys(one for member in members for one in member.members)
    return Annotation(text, UNION, tuple(flat)) if len(flat) > 1 else next(iter(flat), Annotation(text, ""))


def _canonical(dotted: str) -> str:
    """Return one spelling for each type: `typing_extensions.List` and `typing.List` become `list`."""
    if dotted.startswith("typing_extensions."):
        dotted = "typing." + dotted.removeprefix("typing_extensions.")
    return _SPELLINGS.get(dotted, dotted)
