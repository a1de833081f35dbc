"""The fields of values with named parts, according to their source: dataclasses, TypedDicts, named tuples.

Takes statements of the project. Returns the fields in order, with those of bases first. Classes are followed within the
project. If a base is not read, or fields are computed, there is no result.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from pipespec.python.classes import ClassSource, ReadAnnotation, base_classes, is_dataclass, lineage
from pipespec.python.modules import Module, Modules
from pipespec.python.name_resolution import Located, dotted_name, literal
from pipespec.python.signature import Argument, RecordDefinition

__all__ = ["record_class", "record_made_by_call", "stored_fields"]

_TYPED_DICTS: Final = frozenset({"typing.TypedDict", "typing_extensions.TypedDict"})
_NAMED_TUPLES: Final = frozenset({"typing.NamedTuple", "typing_extensions.NamedTuple"})
_HARMLESS: Final = frozenset({"object", "abc.ABC", "typing.Generic", "typing.Protocol"})
_NOT_STORED: Final = frozenset({"typing.ClassVar", "dataclasses.InitVar", "dataclasses.KW_ONLY"})


def stored_fields(owner: ClassSource, modules: Modules, read: ReadAnnotation) -> tuple[Argument, ...] | None:
    """Return the fields of an object of a dataclass, including those that `__init__` does not take; None if they are not known."""
    if not _is_whole(owner, modules, _HARMLESS):
        return None
    ancestors = [one for one in lineage(owner, modules) if is_dataclass(one, modules)]
    fields: dict[str, Argument] = {}
    for one in reversed(ancestors):
        for name, annotation in _annotated(one):
            if isinstance(
                annotation, ast.Constant
            ):  # a quoted annotation may be a ClassVar, which is not a field
                return None
            if dotted_name(annotation, one.module, modules) not in _NOT_STORED:
                fields[name] = Argument(name, annotation=read(annotation, one.module))
    return tuple(fields.values())


def record_class(
    owner: ClassSource, name: str, modules: Modules, read: ReadAnnotation
) -> RecordDefinition | None:
    """Return the fields of a class that is a TypedDict or a named tuple; None for any other."""
    ancestors = list(lineage(owner, modules))
    bases = {base for one in ancestors for base in base_classes(one, modules) if isinstance(base, str)}
    if any(keyword.arg != "total" for one in ancestors for keyword in one.node.keywords):
        return None  # `extra_items` allows keys that are not named
    if bases & _TYPED_DICTS and bases <= _HARMLESS | _TYPED_DICTS:
        keys = {key.name: key for one in reversed(ancestors) for key in _keys(one, modules, read)}
        return RecordDefinition(name, tuple(keys.values()), is_mapping=True)
    if bases & _NAMED_TUPLES and bases <= _HARMLESS | _NAMED_TUPLES:
        maker = next(one for one in ancestors if _NAMED_TUPLES & set(map(str, base_classes(one, modules))))
        parts = [Argument(part, annotation=read(kind, maker.module)) for part, kind in _annotated(maker)]
        return RecordDefinition(name, tuple(parts), is_mapping=False)
    return None


def record_made_by_call(found: Located, modules: Modules, read: ReadAnnotation) -> RecordDefinition | None:
    """Return what `Name = TypedDict(...)`, `NamedTuple(...)` or `namedtuple(...)` creates; None for anything else."""
    call = getattr(found.node, "value", None)
    if found.rest or not isinstance(call, ast.Call) or len(call.args) != 2:
        return None
    function = dotted_name(call, found.module, modules)
    options = {keyword.arg: keyword.value for keyword in call.keywords}
    parts = call.args[1]
    if function in _TYPED_DICTS and isinstance(parts, ast.Dict):
        keys = _pairs(zip(parts.keys, parts.values, strict=True))
        is_total = _is_total(options)
        return _made(found, keys, modules, read, is_total=is_total) if keys is not None else None
    if function in _NAMED_TUPLES and isinstance(parts, ast.List | ast.Tuple):
        rows = [
            row.elts for row in parts.elts if isinstance(row, ast.Tuple | ast.List) and len(row.elts) == 2
        ]
        keys = _pairs((row[0], row[1]) for row in rows) if len(rows) == len(parts.elts) else None
        return _made(found, keys, modules, read, is_total=None) if keys is not None else None
    if function == "collections.namedtuple" and "rename" not in options:
        known, names = literal(parts)
        words = names.replace(",", " ").split() if isinstance(names, str) else names
        if known and isinstance(words, list):
            return RecordDefinition(
                found.dotted, tuple(Argument(str(word)) for word in words), is_mapping=False
            )
    return None


def _made(
    found: Located,
    parts: Mapping[str, ast.expr],
    modules: Modules,
    read: ReadAnnotation,
    *,
    is_total: bool | None,
) -> RecordDefinition:
    """Return the definition with these fields. `is_total` is None for a named tuple, whose fields always exist."""
    fields = [
        _key(name, annotation, found.module, modules, read, is_total=is_total is not False)
        for name, annotation in parts.items()
    ]
    return RecordDefinition(found.dotted, tuple(fields), is_mapping=is_total is not None)


def _pairs(
    rows: Iterable[tuple[ast.expr | None, ast.expr]],
) -> dict[str, ast.expr] | None:
    """Return names with their expressions; None if a name is not a plain text."""
    found: dict[str, ast.expr] = {}
    for name, value in rows:
        if not isinstance(name, ast.Constant) or not isinstance(name.value, str):
            return None
        found[name.value] = value
    return found


def _keys(one: ClassSource, modules: Modules, read: ReadAnnotation) -> Iterator[Argument]:
    is_total = _is_total({keyword.arg: keyword.value for keyword in one.node.keywords})
    for name, annotation in _annotated(one):
        yield _key(name, annotation, one.module, modules, read, is_total=is_total)


def _key(
    name: str,
    annotation: ast.expr,
    module: Module,
    modules: Modules,
    read: ReadAnnotation,
    *,
    is_total: bool,
) -> Argument:
    """Return one key. `has_default` is true if it may be left out."""
    marks = set(_wrappings(annotation, module, modules))
    may_lack = "NotRequired" in marks or (not is_total and "Required" not in marks)
    return Argument(name, annotation=read(annotation, module), has_default=may_lack)


def _wrappings(annotation: ast.expr, module: Module, modules: Modules) -> Iterator[str]:
    """Yield the last names of the qualifiers around a type: `ReadOnly[NotRequired[int]]` has two."""
    if isinstance(annotation, ast.Constant):  # quoted, so it may be either of them
        yield "NotRequired"
    while isinstance(annotation, ast.Subscript):
        yield dotted_name(annotation, module, modules).rpartition(".")[2]
        inner = annotation.slice
        annotation = inner.elts[0] if isinstance(inner, ast.Tuple) and inner.elts else inner


def _is_total(options: Mapping[str | None, ast.expr]) -> bool:
    total = options.get("total")
    return total is None or (isinstance(total, ast.Constant) and total.value is True)


def _annotated(owner: ClassSource) -> Iterator[tuple[str, ast.expr]]:
    for child in owner.node.body:
        if isinstance(child, ast.AnnAssign) and isinstance(child.target, ast.Name):
            yield child.target.id, child.annotation


def _is_whole(owner: ClassSource, modules: Modules, harmless: frozenset[str]) -> bool:
    return all(
        isinstance(base, ClassSource) or base in harmless
        for one in lineage(owner, modules)
        for base in base_classes(one, modules)
    )
