"""The limits of a live type: what `Annotated` says beside it, in the words of `python.value_limits`.

Takes any annotation; imports none of the libraries that the words are of. Looks where `type_names.bare` looks
through, so that `Annotated[int, Gt(0)] | None` and a `NewType` of it have the limit, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipespec.python.value_limits import LIBRARIES, LIMITS, Limit, limits_of
from pipespec.step.formats.type_names import layers

__all__ = ["live_limits"]


def live_limits(annotation: Any) -> tuple[Limit, ...]:
    """Return the limits that hold for all values of an annotation."""
    metadata = [one for layer in layers(annotation) for one in getattr(layer, "__metadata__", ())]
    return tuple(limit for one in metadata for limit in limits_of(_words(one)))


def _words(metadata: Any) -> Mapping[str, object]:
    """Return what one piece of metadata says; pydantic's `Field` holds pieces of annotated-types."""
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
