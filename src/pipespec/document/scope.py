"""What a step's references are resolved with, once the document's own are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pipespec.document.nodes import JSON, MappingNode, Node
from pipespec.document.scalars import spell

__all__ = ["Scope"]


@dataclass(frozen=True, slots=True)
class Scope:
    """One step, or one variant of it.

    `document` is the interpolated document, `step` the name without variant, `variant` the axes' values.
    `spelling` writes values inside of text; in `train[depth=${matrix.depth}]` variants want one of their own.
    """

    document: MappingNode
    step: str
    variant: Mapping[str, Node] = field(default_factory=dict)
    spelling: Callable[[JSON], str] = spell
