"""The limits of a live type: the metadata of `Annotated`, in the terms of `python.value_limits`.

Takes any annotation. Imports none of the libraries that define such metadata. Looks through the same wrappers as
`type_names.bare`, so that `Annotated[int, Gt(0)] | None` and a `NewType` of it also have the limit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipespec.python.value_limits import LIBRARIES, LIMITS, Limit, limits_of
from pipespec.step.formats.type_names import layers

__all__ = ["live_limits"]


def live_limits(annotation: Any) -> tuple[Limit, ...]:
    """Return the limits that apply to all values of an annotation."""
    metadata = [one for layer in layers(annotation) for one in getattr(layer, "__metadata__", ())]
    return tuple(limit for one in metadata for limit in limits_of(_words(one)))


def _words(metadata: Any) -> Mapping[str, object]:
    """Return the limits in one piece of metadata. pydantic's `Field` contains metadata of annotated-types."""
    kind = type(metadata)
    if kind.__module__.partition(".")[0] not in LIBRARIES:
        return {}
    pieces = getattr(metadata, "metadata", None)
    if kind.__name__ == "FieldInfo" and isinstance(pieces, list):
        return dict(_pairs(pieces))
    return dict(_pairs([metadata]))


def _pairs(pieces: list[Any]) -> Iterator[tuple[str, object]]:
    for piece in pieces:
        for name in LIMITS:
            value = getattr(piece, name, None)
            if value is not None:
                yield name, value
