"""Split a function's return value into one value for each output that the function does not write itself.

Takes one return value: for one output the value itself; for several a mapping, dataclass or named tuple with their
names, or a tuple or list in declared order. Refuses a value with other parts, and `None` for an output.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pipespec.document.wording import listing, quote
from pipespec.step.failure import StepError
from pipespec.step.formats.type_names import name_of
from pipespec.step.step_job import OutputJob

__all__ = ["named_parts", "returned_values"]

_NO_RETURN: Final = "is a 'return' missing?"
_WAITING: Final = ("generator", "coroutine", "async_generator")


def returned_values(value: object, outputs: Sequence[OutputJob]) -> Mapping[str, object]:
    """Return the value of each of these outputs from the single return value of a function.

    If no output is returned, the return value is ignored.

    Raises:
        StepError: of kind `outputs`, listing what is declared and what was returned.
    """
    if not outputs:
        return {}
    if type(value).__name__ in _WAITING:
        raise StepError(
            "outputs", f"the function returned a {type(value).__name__}, which has not been executed"
        )
    names = [output.name for output in outputs]
    if value is None and len(names) == 1:
        raise StepError("outputs", f"the function returned None for output {quote(names[0])}: {_NO_RETURN}")
    values = {names[0]: value} if len(names) == 1 else _by_name(value, names)
    for name in names:
        if values[name] is None:
            raise StepError("outputs", f"output {quote(name)} is None")
    return values


def _by_name(value: object, names: Sequence[str]) -> Mapping[str, object]:
    found = named_parts(value)
    if found is None and isinstance(value, tuple | list):
        if len(value) == len(names):
            return dict(zip(names, value, strict=True))
        raise _mismatch(f"a {'tuple' if isinstance(value, tuple) else 'list'} of {len(value)}", names)
    if found is None and value is None:
        raise _mismatch(f"None: {_NO_RETURN}", names)
    if found is None:
        raise _mismatch(f"a value of type {quote(name_of(value))}", names)
    if set(found) != set(names):
        kind = name_of(value)
        raise _mismatch(
            f"a {quote(kind)} with {listing(map(str, found))}" if found else f"an empty {quote(kind)}", names
        )
    return found


def named_parts(value: object) -> Mapping[Any, object] | None:
    """Return the named parts of a value; None if it has no named parts."""
    if isinstance(value, Mapping):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    fields = getattr(value, "_fields", None)
    if isinstance(value, tuple) and isinstance(fields, tuple):
        return dict(zip(fields, value, strict=True))
    return None


def _mismatch(got: str, names: Sequence[str]) -> StepError:
    return StepError(
        "outputs", f"the outputs {listing(names)} must be returned, but the function returned {got}"
    )
