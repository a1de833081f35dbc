"""Check frames against the pandera model in an annotation: `DataFrame[Model]`, or `Annotated[pd.DataFrame, schema]`.

Takes a loaded or returned value and the evaluated annotation. Returns the value that pandera returns, with the types of
the model if the model converts them. pandera is never imported here: if there is a model, the user's code has imported
it.
"""

from __future__ import annotations

import sys
import typing
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from pipespec.document.wording import quote
from pipespec.step.failure import StepError, summary
from pipespec.step.formats.type_names import bare, layers

__all__ = ["annotations_of_outputs", "fitted"]

_PANDERA: Final = "pandera"
_MOST: Final = 10
"""Maximum number of misfits of one frame that are reported."""


def fitted(value: Any, annotation: Any, kind: str) -> Any:
    """Return a value that fits the model of its annotation; without a model, any value fits. `kind` is the kind of the failure.

    Raises:
        StepError: with the first misfits, each with its column and row.
    """
    for model in _models(annotation):
        try:
            value = model.validate(value, lazy=True)
        except Exception as error:  # noqa: BLE001 - a model contains code of the user
            raise _refused(error, model, kind) from (None if hasattr(error, "failure_cases") else error)
    return value


def annotations_of_outputs(returned: Any, outputs: Sequence[str]) -> Mapping[str, Any]:
    """Return the annotation of each output in a function's return annotation, as far as it contains them."""
    if len(outputs) == 1:
        return {outputs[0]: returned}
    plain = bare(returned)
    parts = typing.get_args(plain)
    if typing.get_origin(plain) is tuple:
        return dict(zip(outputs, parts, strict=True)) if len(parts) == len(outputs) else {}
    try:
        return typing.get_type_hints(plain, include_extras=True) if isinstance(plain, type) else {}
    except Exception:  # noqa: BLE001 - an annotation is any expression
        return {}


def _models(annotation: Any) -> Iterator[Any]:
    """Yield the models and schemas of pandera in an annotation."""
    if _PANDERA not in sys.modules:
        return
    for layer in layers(annotation):
        if typing.get_origin(layer) is typing.Annotated:
            named = layer.__metadata__
        elif _is_of_pandera(typing.get_origin(layer)):
            named = typing.get_args(layer)
        else:
            continue
        for one in named:
            if _is_of_pandera(one if isinstance(one, type) else type(one)) and hasattr(one, "validate"):
                yield one


def _is_of_pandera(kind: Any) -> bool:
    ancestors = kind.__mro__ if isinstance(kind, type) else ()
    return any(one.__module__.partition(".")[0] == _PANDERA for one in ancestors)


def _refused(error: Exception, model: Any, kind: str) -> StepError:
    own = model.__name__ if isinstance(model, type) else getattr(model, "name", None)
    name = "its schema" if own is None else quote(own)
    cases = getattr(error, "failure_cases", None)
    if cases is None or isinstance(cases, str):
        return StepError(kind, f"it cannot be judged by {name}: {summary(error)}")
    rows = cases.to_dicts() if hasattr(cases, "to_dicts") else cases.to_dict("records")
    found = [*islice(map(_told, rows), _MOST)]
    others = len(rows) - 1
    more = f" (and {others} more)" if others else ""
    lines = [*found, *([f"and {len(rows) - _MOST} more"] if len(rows) > _MOST else [])] if others else []
    return StepError(kind, f"it does not fit {name}: {found[0]}{more}", details="\n".join(lines))


def _told(case: Mapping[str, Any]) -> str:
    place = f"column {quote(str(case['column']))}" if case.get("schema_context") == "Column" else "the frame"
    row = case.get("index")
    if row is not None and row == row:  # noqa: PLR0124 - NaN, if the misfit is not about a row
        place += f", row {row}"
    return f"{place}: {quote(str(case['failure_case']))} does not pass {case['check']}"
