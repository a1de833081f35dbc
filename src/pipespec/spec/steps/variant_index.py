"""The variants of a declared step, as references use them.

Finds the variants that a selection means without comparing all of them, so that 1,000 variants can each read their
counterpart among 1,000 others.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from pipespec.document.nodes import JSON
from pipespec.spec.pipeline_spec import OutputSpec
from pipespec.spec.variant_names import Variant, deferred_id, variant_id

__all__ = ["VariantIndex"]


class VariantIndex:
    """The variants of one declared step, in order. A step without a matrix has one.

    `empty` are the mappings of its matrix in which an axis has no values: for each, the values of its axes. `deferred`
    are the axes whose values are known only after a run. `is_damaged` is true if, because of mistakes in the step, its
    variants or outputs are not known.
    """

    def __init__(
        self,
        name: str,
        variants: Iterable[Variant],
        outputs: Mapping[str, OutputSpec],
        *,
        axes: Iterable[str] = (),
        empty: Sequence[Mapping[str, frozenset[str]]] = (),
        deferred: Iterable[str] = (),
        is_damaged: bool = False,
    ) -> None:
        self.name = name
        self.variants = tuple(variants)
        self.outputs = outputs
        self.axes = tuple(dict.fromkeys(axes))
        self._empty = empty
        unknown = tuple(deferred)
        self.is_deferred = bool(unknown)
        self.is_damaged = is_damaged
        self.ids = (
            (deferred_id(name, unknown),)
            if unknown
            else tuple(variant_id(name, variant) for variant in self.variants)
        )
        self._matches: dict[tuple[tuple[str, str], ...], tuple[str, ...]] = {}

    @property
    def has_matrix(self) -> bool:
        """True if the step has a matrix, so that a reference must choose among its variants."""
        return bool(self.axes)

    def matching(self, selection: Variant) -> tuple[str, ...]:
        """Return the ids of the variants that match a selection. Equal selections share the tuple."""
        if self.is_deferred or not selection:
            return self.ids
        wanted = tuple((axis, _spelt(value)) for axis, value in selection)
        if wanted not in self._matches:
            sets = [self._positions.get(pair, frozenset()) for pair in wanted]
            smallest, *others = sorted(sets, key=len)
            agreeing = (number for number in smallest if all(number in other for other in others))
            self._matches[wanted] = tuple(self.ids[number] for number in sorted(agreeing))
        return self._matches[wanted]

    def is_empty_at(self, selection: Variant) -> bool:
        """Return whether a selection leaves open an axis that has no values. It is then not a mistake that there is no variant."""
        wanted = [(axis, _spelt(value)) for axis, value in selection]
        nothing_left = not selection and self.has_matrix and not self.ids
        return nothing_left or any(
            all(value in grid.get(axis, ()) for axis, value in wanted) for grid in self._empty
        )

    def is_exact(self, selection: Variant) -> bool:
        """Return whether a selection leaves no axis open, so that it means one variant and not a dict of variants."""
        if self.is_deferred:
            return {axis for axis, _ in selection} >= set(self.axes)
        matched = self.matching(selection)
        fixed = {axis for axis, _ in selection}
        return len(matched) == 1 and all(axis in fixed for axis in self._axes_of[matched[0]])

    def values(self, axis: str) -> tuple[str, ...]:
        """Return the values of an axis as they are spelled in a selection, in order, each once."""
        prefix = f"{axis}="
        pairs = (pair for variant in self.variants for pair in variant if pair[0] == axis)
        return tuple(dict.fromkeys(variant_id("", (pair,))[1:-1].removeprefix(prefix) for pair in pairs))

    @cached_property
    def _axes_of(self) -> Mapping[str, tuple[str, ...]]:
        return {
            one: tuple(axis for axis, _ in variant)
            for one, variant in zip(self.ids, self.variants, strict=True)
        }

    @cached_property
    def _positions(self) -> Mapping[tuple[str, str], frozenset[int]]:
        found: dict[tuple[str, str], set[int]] = {}
        for number, variant in enumerate(self.variants):
            for axis, value in variant:
                found.setdefault((axis, _spelt(value)), set()).add(number)
        return {pair: frozenset(numbers) for pair, numbers in found.items()}


def _spelt(value: JSON) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
