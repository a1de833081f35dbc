"""Classes of values that never change: `@frozen` has the effect of `@dataclass(frozen=True, slots=True)`, in an eighth of the time.

Takes a class with annotated fields. Returns a dataclass, which `fields`, `replace` and `asdict` of `dataclasses`
accept. `dataclass` compiles six methods for each class, which takes a simple command longer than its work. Here,
`__init__` is compiled when the first value is created, and each other method is one function for all classes. A class
that defines or inherits a `__repr__` keeps it. Refuses fields that are not in `__init__`, and `__post_init__`: a value
contains exactly its arguments.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import MISSING, Field, FrozenInstanceError
from operator import attrgetter
from typing import Any, Final, NoReturn, TypeVar, dataclass_transform

__all__ = ["compile_waiting", "frozen"]

_T = TypeVar("_T")
_set: Final = object.__setattr__
_waiting: Final[set[type]] = set()
"""Classes of which no value has been created yet."""


@dataclass_transform(frozen_default=True, field_specifiers=(dataclasses.field,))
def frozen(cls: type[_T]) -> type[_T]:
    """Make a class one of frozen values: equal by their fields, hashable if these are, with slots."""
    made: Any = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True)(cls)
    all_fields = dataclasses.fields(made)
    assert all(field.init for field in all_fields), made
    made.__init__ = _initialiser_at_first_use(made)
    made.__setattr__, made.__delattr__ = _refuse_to_set, _refuse_to_delete
    made.__getstate__, made.__setstate__ = _state, _set_state
    if made.__repr__ is object.__repr__:
        made.__repr__ = _repr
    if "__eq__" not in cls.__dict__:
        made.__eq__, made.__hash__ = _comparing(field.name for field in all_fields if field.compare)
    return made  # type: ignore[no-any-return]


def compile_waiting() -> None:
    """Compile what the classes defined so far would compile at their first use: before a fork, once for all processes."""
    while _waiting:
        _compile(_waiting.pop())


def _initialiser_at_first_use(made: Any) -> Callable[..., None]:
    def __init__(self: Any, *args: Any, **named: Any) -> None:  # noqa: N807 - it stands in for one
        _waiting.discard(made)
        _compile(made)
        made.__init__(self, *args, **named)

    _waiting.add(made)
    return __init__


def _compile(made: Any) -> None:
    made.__init__ = _initialiser(made)


def _initialiser(made: Any) -> Callable[..., None]:
    """Compile the function that takes the fields of a class as arguments and sets them."""
    known: dict[str, Any] = {"_set": _set, "_missing": MISSING}
    taken, body = ["self"], []
    for number, field in enumerate(dataclasses.fields(made)):
        name, default = field.name, ""
        if field.kw_only and "*" not in taken:
            taken.append("*")
        if field.default is not MISSING:
            known[f"_{number}"] = field.default
            default = f"=_{number}"
        elif field.default_factory is not MISSING:
            known[f"_{number}"] = field.default_factory
            default = "=_missing"
            body.append(f"  if {name} is _missing: {name} = _{number}()")
        taken.append(f"{name}{default}")
        body.append(f"  _set(self, {name!r}, {name})")
    text = f"def made({', '.join(known)}):\n def __init__({', '.join(taken)}):\n"
    text += "\n".join(body or ["  pass"]) + "\n return __init__"
    spaces: dict[str, Any] = {}
    exec(text, {}, spaces)  # noqa: S102 - of names that a class has, as `dataclass` does
    initialise: Callable[..., None] = spaces["made"](**known)
    initialise.__qualname__ = f"{made.__qualname__}.__init__"
    return initialise


def _comparing(compared: Iterable[str]) -> tuple[Callable[[Any, object], bool], Callable[[Any], int]]:
    names = tuple(compared)
    content: Callable[[Any], Any] = attrgetter(*names) if names else lambda _: ()

    def __eq__(self: Any, other: object) -> bool:  # noqa: N807 - as above
        if other.__class__ is self.__class__:
            return content(self) == content(other)  # type: ignore[no-any-return]
        return NotImplemented

    def __hash__(self: Any) -> int:  # noqa: N807 - as above
        return hash(content(self))

    return __eq__, __hash__


def _fields(value: Any) -> tuple[Field[Any], ...]:
    return dataclasses.fields(value)


def _repr(value: Any) -> str:
    told = ", ".join(f"{field.name}={getattr(value, field.name)!r}" for field in _fields(value) if field.repr)
    return f"{type(value).__qualname__}({told})"


def _state(value: Any) -> list[Any]:
    return [getattr(value, field.name) for field in _fields(value)]


def _set_state(value: Any, state: list[Any]) -> None:
    for field, content in zip(_fields(value), state, strict=True):
        _set(value, field.name, content)


def _refuse_to_set(_value: object, name: str, _content: object) -> NoReturn:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(_value: object, name: str) -> NoReturn:
    raise FrozenInstanceError(f"cannot delete field {name!r}")
