"""Convert a JSON value to the annotation of its argument: date, Path, Enum, Literal, dataclass, model.

Takes plain JSON and a type. Returns a value of that type, or refuses and names the place and what would fit. An int
fits float and is passed unchanged; a float, a bool or a text never fits int. For types that are not known here, only a
list or mapping is refused if it is not an object of such a class. Other values are passed unchanged.
"""

from __future__ import annotations

import collections.abc
import functools
import types
import typing
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from enum import Enum
from pathlib import PurePath
from typing import Any, Final, NamedTuple, TypeAlias

from pipespec.document.nodes import JSON
from pipespec.document.wording import did_you_mean, listing, nearest, quote
from pipespec.errors import PipespecError
from pipespec.frozen_values import frozen
from pipespec.python.value_limits import broken_limit
from pipespec.spec.value_wording import shown
from pipespec.step.arguments.live_limits import live_limits
from pipespec.step.arguments.object_building import (
    Builder,
    NotBuiltError,
    builder_of,
    fields_of,
    is_closed,
)
from pipespec.step.failure import summary
from pipespec.step.formats.type_names import bare, type_of_annotation

__all__ = ["MisfitError", "ParamPlace", "convert"]


class MisfitError(PipespecError):
    """A value does not fit the type with which an argument is annotated."""


class ParamPlace(NamedTuple):
    """The place of a value, for messages: `param 'model.rates[0]'`."""

    what: str
    path: str

    def __str__(self) -> str:
        return f"{self.what} {quote(self.path)}"

    def item(self, position: int) -> ParamPlace:
        """Return the place of an item of a list."""
        return ParamPlace(self.what, f"{self.path}[{position}]")

    def entry(self, name: str) -> ParamPlace:
        """Return the place of an entry of a mapping."""
        return ParamPlace(self.what, f"{self.path}.{name}")


def convert(value: JSON, annotation: Any, place: ParamPlace) -> Any:
    """Return the value converted to `annotation`. `place` names the value in messages.

    Raises:
        MisfitError: if it does not fit.
    """
    if value is None and _takes_none(annotation):
        return None
    made = _converted(value, annotation, place)
    broken = broken_limit(value, live_limits(annotation))
    if broken is not None:
        raise MisfitError(f"{place} is {shown(value)}, which is not {broken}")
    return made


def _converted(value: JSON, annotation: Any, place: ParamPlace) -> Any:
    plain = types.NoneType if annotation is None else bare(annotation)
    origin = typing.get_origin(plain)
    arguments = typing.get_args(plain)
    if origin in (typing.Union, types.UnionType):
        return _one_of(value, arguments, place)
    if origin is typing.Literal:
        return _literal(value, arguments, place)
    kind = origin or plain
    if not isinstance(kind, type):
        return value
    for known, make in _MAKERS:
        if kind is known or (known in _BASES and issubclass(kind, known)):
            return make(value, _WantedType(kind, arguments, annotation), place)
    wanted = _WantedType(kind, arguments, annotation)
    if (build := builder_of(kind)) is not None:
        return _built(build, value, wanted, place)
    if fields_of(kind) is not None:
        return _record(value, wanted, place)
    if value is not None and "." in (type_of_annotation(kind) or ""):
        raise _misfit(value, annotation, place, ", which no param can contain: such a value is an input")
    if isinstance(value, dict | list) and is_closed(kind, value):
        more = ": nothing is known of how to make one; take a dataclass, a model of pydantic, or plain values"
        raise _misfit(value, annotation, place, more)
    return value


@frozen
class _WantedType:
    """A type, split into its parts. `annotation` is its spelling in messages."""

    kind: Any
    arguments: tuple[Any, ...]
    annotation: Any


_Maker: TypeAlias = Callable[[JSON, _WantedType, ParamPlace], Any]


def _takes_none(annotation: Any) -> bool:
    if typing.get_origin(annotation) is typing.Annotated:
        return _takes_none(annotation.__origin__)
    if annotation is None or annotation is types.NoneType:
        return True
    is_union = typing.get_origin(annotation) in (typing.Union, types.UnionType)
    return is_union and types.NoneType in typing.get_args(annotation)


def _misfit(value: JSON, annotation: Any, place: ParamPlace, more: str = "") -> MisfitError:
    return MisfitError(f"{place} is {shown(value)}, which does not fit {quote(_spelt(annotation))}{more}")


def _spelt(annotation: Any) -> str:
    return (
        annotation.__qualname__
        if isinstance(annotation, type) and not typing.get_args(annotation)
        else str(annotation)
    )


def _nearest(name: str, known: collections.abc.Iterable[str]) -> str:
    hint = did_you_mean(name, known)
    return f"; {hint}" if hint else ""


def _one_of(value: JSON, members: tuple[Any, ...], place: ParamPlace) -> Any:
    for member in members:
        try:
            return convert(value, member, place)
        except MisfitError:
            continue
    raise _misfit(value, typing.Union[members], place)  # noqa: UP007 - from a tuple


def _literal(value: JSON, choices: tuple[Any, ...], place: ParamPlace) -> Any:
    for choice in choices:
        if choice == value and type(choice) is type(value):
            return value
        if isinstance(choice, Enum) and _equal(choice.value, value):
            return choice
    known = [choice.value if isinstance(choice, Enum) else choice for choice in choices]
    raise MisfitError(
        f"{place} is {shown(value)}, which is not one of {listing(map(str, known))}{_near(value, known)}"
    )


def _near(value: JSON, known: list[Any]) -> str:
    return (
        _nearest(value, [choice for choice in known if isinstance(choice, str)])
        if isinstance(value, str)
        else ""
    )


def _equal(left: Any, right: JSON) -> bool:
    return type(left) is type(right) and bool(left == right)


def _enum(value: JSON, wanted: _WantedType, place: ParamPlace) -> Any:
    """Find a member by value, otherwise by name: members whose value is not JSON (`auto()`, an object) still have a name."""
    for member in wanted.kind:
        if _equal(member.value, value):
            return member
    if isinstance(value, str) and value in wanted.kind.__members__:
        return wanted.kind[value]
    known = [
        str(member.value) if isinstance(member.value, str | int | float) else member.name
        for member in wanted.kind
    ]
    near = _near(value, [*known, *wanted.kind.__members__])
    raise MisfitError(f"{place} is {shown(value)}, which is not one of {listing(known)}{near}")


def _exactly(*kinds: type) -> _Maker:
    def check(value: JSON, wanted: _WantedType, place: ParamPlace) -> Any:
        if type(value) in kinds:
            return value
        raise _misfit(value, wanted.annotation, place)

    return check


def _moment(parse: Callable[[str], Any], example: str) -> _Maker:
    def make(value: JSON, wanted: _WantedType, place: ParamPlace) -> Any:
        if isinstance(value, str):
            try:
                return parse(value)
            except ValueError:
                pass
        raise _misfit(value, wanted.annotation, place, f"; write it like '{example}'")

    return make


def _path(value: JSON, wanted: _WantedType, place: ParamPlace) -> Any:
    if isinstance(value, str) and value and "\0" not in value:
        return wanted.kind(value)
    raise _misfit(value, wanted.annotation, place)


def _bytes(value: JSON, wanted: _WantedType, place: ParamPlace) -> Any:
    raise _misfit(value, wanted.annotation, place, ": a param cannot be bytes")


def _list(value: JSON, wanted: _WantedType, place: ParamPlace) -> Any:
    if not isinstance(value, list):
        raise _misfit(value, wanted.annotation, place)
    item = wanted.arguments[0] if wanted.arguments else Any
    return [convert(entry, item, place.item(position)) for position, entry in enumerate(value)]


def _items(value: JSON, wanted: _WantedType, place: ParamPlace) -> Any:
    """Pass a text or a mapping unchanged, because they have items too."""
    return value if isinstance(value, str | dict) else _list(value, wanted, place)


def _set(value: JSON, wanted: _WantedType, place: ParamPlace) -> Any:
    return (frozenset if wanted.kind is frozenset else set)(_list(value, wanted, place))


def _tuple(value: JSON, wanted: _WantedType, place: ParamPlace) -> Any:
    if wanted.kind is not tuple:  # a named tuple: not checked
        return value
    match wanted.arguments:
        case () | (_, types.EllipsisType()):
            return tuple(_list(value, wanted, place))
        case items if isinstance(value, list) and len(value) == len(items):
            pairs = enumerate(zip(value, items, strict=True))
            return tuple(convert(entry, item, place.item(position)) for position, (entry, item) in pairs)
        case _:
            raise _misfit(value, wanted.annotation, place)


def _dict(value: JSON, wanted: _WantedType, place: ParamPlace) -> Any:
    if not isinstance(value, dict):
        raise _misfit(value, wanted.annotation, place)
    key, item = wanted.arguments if len(wanted.arguments) == 2 else (Any, Any)
    return {
        convert(name, key, ParamPlace(f"a key of {place},", name)): convert(entry, item, place.entry(name))
        for name, entry in value.items()
    }


def _record(value: JSON, wanted: _WantedType, place: ParamPlace) -> Any:
    """Build a dataclass or an attrs class. All mistakes in its fields are reported together."""
    if not isinstance(value, dict):
        raise _misfit(value, wanted.annotation, place)
    fields, called = fields_of(wanted.kind) or {}, quote(wanted.kind.__qualname__)
    wrong = [
        f"{place} has {quote(str(name))}, which {called} has not{_nearest(str(name), fields)}"
        for name in value
        if name not in fields
    ]
    meant = {nearest(str(name), fields) for name in value if name not in fields}
    required = [name for name, is_required in fields.items() if is_required and name not in value]
    if missing := [name for name in required if name not in meant]:
        wrong.append(f"{place} has no value for {listing(missing)} of {called}")
    hints, made = _hints(wanted.kind), {}
    for name, entry in value.items():
        try:
            made[name] = convert(entry, hints.get(name, Any), place.entry(name))
        except MisfitError as error:
            wrong.append(str(error))
    if wrong:
        raise MisfitError("; ".join(wrong))
    try:
        return wanted.kind(**made)
    except Exception as error:
        raise MisfitError(f"{place} cannot be converted to {called}: {summary(error)}") from error


def _built(build: Builder, value: JSON, wanted: _WantedType, place: ParamPlace) -> Any:
    try:
        return build(wanted.kind, value)
    except NotBuiltError as error:
        raise MisfitError(
            f"{place} cannot be converted to {quote(wanted.kind.__qualname__)}: {error}"
        ) from error.__cause__


@functools.lru_cache(256)  # the parent process reads an outcome per step, of the same five classes
def _hints(kind: type) -> Mapping[str, Any]:
    try:
        return typing.get_type_hints(kind, include_extras=True)
    except Exception:  # noqa: BLE001 - an annotation is any expression
        return {}


_BASES: Final = (Enum, PurePath, tuple)
"""Types that also stand for their subclasses."""

_MAKERS: Final[tuple[tuple[type, _Maker], ...]] = (
    (types.NoneType, _exactly(types.NoneType)),
    (bool, _exactly(bool)),
    (int, _exactly(int)),
    (float, _exactly(int, float)),
    (str, _exactly(str)),
    (bytes, _bytes),
    (Enum, _enum),
    (datetime, _moment(datetime.fromisoformat, "2021-10-01T12:30:00")),
    (date, _moment(date.fromisoformat, "2021-10-01")),
    (time, _moment(time.fromisoformat, "12:30:00")),
    (PurePath, _path),
    (list, _list),
    (collections.abc.Sequence, _items),
    (collections.abc.Iterable, _items),
    (collections.abc.Collection, _items),
    (set, _set),
    (frozenset, _set),
    (tuple, _tuple),
    (dict, _dict),
    (collections.abc.Mapping, _dict),
)
"""The first type that fits builds the value. `datetime` is a `date`, so both are compared exactly."""
