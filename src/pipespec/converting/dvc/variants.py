"""`foreach` and `matrix`: the values of each stage of a group, and how it is written as a matrix.

Takes the node and the values that templates can use. Returns the stages that DVC creates and, if a matrix can express
the same, its axes and the replacements of its templates. What a matrix cannot express is written as separate steps.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Final

from pipespec.converting.conversion import SourceFindings
from pipespec.converting.dvc.parameters import Parameters, reference
from pipespec.converting.dvc.stages import Stage, entries_of, text_of
from pipespec.converting.dvc.templates import (
    Expression,
    UnresolvedError,
    pieces,
    resolve,
    select,
    spell_as_dvc,
)
from pipespec.document.nodes import JSON, Node, SequenceNode, plain
from pipespec.document.wording import quote
from pipespec.frozen_values import frozen

__all__ = ["Group", "Variant", "group_of"]

_BARE: Final = re.compile(r"[A-Za-z0-9_.+-]+")
_AXIS: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TAKEN: Final = frozenset(
    {"include", "exclude", "command", "env", "folder", "paths", "inputs", "params", "outputs"}
)
MOST: Final = 10_000


@frozen
class Variant:
    """One stage of a group: what comes after `@` in its name, its templates, and its point in the matrix."""

    key: str
    scope: Mapping[str, JSON]
    point: Mapping[str, JSON] = field(default_factory=dict)


@frozen
class Group:
    """A stage, or all stages that one entry creates.

    `written` returns the reference for a template that names `item` or `key`, or None if there is none. `axes` is empty
    if the group is not a matrix.
    """

    variants: tuple[Variant, ...]
    axes: Mapping[str, JSON] = field(default_factory=dict)
    written: Callable[[Sequence[str]], str | None] = lambda _: None
    is_matrix: bool = False
    comment: str = ""


_SINGLE: Final = Group((Variant("", {}),))


def group_of(stage: Stage, parameters: Parameters, found: SourceFindings) -> Group:
    """Return the stages that an entry creates."""
    if stage.foreach is not None:
        return _foreach(stage, stage.foreach, parameters, found)
    if stage.matrix is not None:
        return _matrix(stage, stage.matrix, parameters, found)
    return _SINGLE


def _foreach(stage: Stage, node: Node, parameters: Parameters, found: SourceFindings) -> Group:
    value, path = _value(node, parameters, found, f"'foreach' of stage {quote(stage.name)}")
    if value in ([], {}):
        found.refuse(f"'foreach' of stage {quote(stage.name)} makes no stages", node.span)
        return Group(())
    match value:
        case dict():
            named = {str(key): item for key, item in value.items()}
            return _over_mapping(stage, named, path, parameters, has_key=True)
        case list() if any(isinstance(item, dict | list) for item in value):
            named = {str(number): item for number, item in enumerate(value)}
            return _over_mapping(stage, named, None, parameters, has_key=False)
        case list():
            variants = tuple(
                Variant(spell_as_dvc(item), {"item": item}, {"item": item}) for item in _distinct(value)
            )
            axes: dict[str, JSON] = {"item": _distinct(value) if path is None else reference(path)}
            return Group(
                variants,
                axes,
                lambda names: "${matrix.item}" if [*names] == ["item"] else None,
                is_matrix=all(map(_is_axis_value, value)) and len(variants) == len(value),
            )
        case _:
            found.refuse(f"'foreach' of stage {quote(stage.name)} is not a list or a mapping", node.span)
            return Group(())


def _over_mapping(
    stage: Stage,
    named: Mapping[str, JSON],
    path: tuple[str, ...] | None,
    parameters: Parameters,
    *,
    has_key: bool,
) -> Group:
    variants = tuple(
        Variant(key, {"item": item, **({"key": key} if has_key else {})}, {"key": key})
        for key, item in named.items()
    )
    is_matrix = all(map(_BARE.fullmatch, named))
    if not is_matrix:
        return Group(variants)
    base: list[tuple[str, ...]] = [] if path is None else [path]

    def written(names: Sequence[str]) -> str | None:
        if [*names] == ["key"] and has_key:
            return "${matrix.key}"
        if names[0] != "item":
            return None
        if not base:  # only what is used is written
            base.append((parameters.hoist(re.sub(r"\W", "_", stage.name), dict(named)),))
        return reference((*base[0], "${matrix.key}", *names[1:]))

    comment = "" if path is None else f"the keys of {'.'.join(path)}: a new one is added here, too"
    return Group(variants, {"key": [*named]}, written, is_matrix=True, comment=comment)


def _matrix(stage: Stage, node: Node, parameters: Parameters, found: SourceFindings) -> Group:
    subject = f"'matrix' of stage {quote(stage.name)}"
    lists: dict[str, list[JSON]] = {}
    axes: dict[str, JSON] = {}
    hoisted: dict[str, dict[str, JSON]] = {}
    for name, below in entries_of(node).items():
        value, path = _value(below, parameters, found, f"{quote(name)} in {subject}")
        if not isinstance(value, list):
            found.refuse(f"{quote(name)} in {subject} is not a list", below.span)
            return Group(())
        lists[name] = value
        if any(isinstance(item, dict | list) for item in value):
            hoisted[name] = {_named(name, number, item): item for number, item in enumerate(value)}
            axes[name] = [*hoisted[name]]
        else:
            axes[name] = value if path is None else reference(path)
    count = 1
    for items in lists.values():
        count *= len(items)
    if not lists or count > MOST:
        found.refuse(f"{subject} makes {count if lists else 'no'} stages", node.span)
        return Group(())
    is_matrix = all(_AXIS.fullmatch(name) and name not in _TAKEN for name in lists) and all(
        _is_axis_value(item) for name, items in lists.items() if name not in hoisted for item in items
    )
    names = {name: [_named(name, number, item) for number, item in enumerate(lists[name])] for name in lists}
    variants = tuple(
        _point(lists, names, hoisted, numbers)
        for numbers in itertools.product(*map(_numbers, lists.values()))
    )
    bases: dict[str, str] = {}

    def written(path: Sequence[str]) -> str | None:
        if [*path] == ["key"]:
            return "-".join(f"${{matrix.{name}}}" for name in lists)
        if path[0] != "item" or len(path) < 2:
            return None
        axis = path[1]
        if axis not in hoisted:
            return f"${{matrix.{axis}}}" if len(path) == 2 else None
        if axis not in bases:
            bases[axis] = parameters.hoist(re.sub(r"\W", "_", f"{stage.name}_{axis}"), dict(hoisted[axis]))
        return reference((bases[axis], f"${{matrix.{axis}}}", *path[2:]))

    return Group(variants, axes, written, is_matrix=is_matrix)


def _numbers(items: Sequence[JSON]) -> range:
    return range(len(items))


def _point(
    lists: Mapping[str, Sequence[JSON]],
    names: Mapping[str, Sequence[str]],
    hoisted: Mapping[str, object],
    numbers: Sequence[int],
) -> Variant:
    chosen = dict(zip(lists, numbers, strict=True))
    item: dict[str, JSON] = {name: lists[name][number] for name, number in chosen.items()}
    key = "-".join(names[name][number] for name, number in chosen.items())
    point: dict[str, JSON] = {
        name: names[name][number] if name in hoisted else item[name] for name, number in chosen.items()
    }
    return Variant(key, {"item": item, "key": key}, point)


def _named(axis: str, number: int, item: JSON) -> str:
    return f"{axis}{number}" if isinstance(item, dict | list) else spell_as_dvc(item)


def _distinct(items: Sequence[JSON]) -> list[JSON]:
    return [*{spell_as_dvc(item): item for item in items}.values()]


def _is_axis_value(value: JSON) -> bool:
    return isinstance(value, bool | int | float) or (
        isinstance(value, str) and _BARE.fullmatch(value) is not None
    )


def _value(
    node: Node, parameters: Parameters, found: SourceFindings, subject: str
) -> tuple[JSON, tuple[str, ...] | None]:
    """Return the value of a node whose texts may have templates, and its path in `params` if it is exactly one template."""
    text = text_of(node)
    if text is None:
        return _resolved(node, parameters, found), None
    parts = [*pieces(text)]
    if len(parts) == 1 and isinstance(parts[0], Expression):
        try:
            value = select(parameters.values, parts[0])
        except UnresolvedError as error:
            found.refuse(f"{subject}: {error} has no value", node.span)
            return None, None
        is_whole = not any(part.lstrip("-").isdecimal() for part in parts[0].path)
        return value, parts[0].path if is_whole else None
    return text, None


def _resolved(node: Node, parameters: Parameters, found: SourceFindings) -> JSON:
    if isinstance(node, SequenceNode):
        return [_resolved(item, parameters, found) for item in node.items]
    text = text_of(node)
    if text is None:
        return plain(node)
    try:
        return resolve(text, parameters.values)
    except UnresolvedError as error:
        found.refuse(f"{error} has no value", node.span)
        return None
