"""Variants: a step's draft filled in for each point of its matrix, its references connected.

What no axis touches is made once and shared by all variants. An axis is the argument of its own name, unless
the step binds that name or uses `${matrix.axis}`. Parts with mistakes are told and left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from pipespec.document.nodes import Entry, Node, ScalarNode, plain
from pipespec.document.wording import listing, quote
from pipespec.spec.connect import Connector
from pipespec.spec.findings import Findings
from pipespec.spec.inputs import InputDraft, Places, external_input
from pipespec.spec.matrix import Point, axes_of
from pipespec.spec.model import InputSpec, StepInput, StepSpec, Variant
from pipespec.spec.placeholders import NoSuchPartError, axes_used, fill
from pipespec.spec.reading import entries
from pipespec.spec.settings import read_resources
from pipespec.spec.spelling import nearest_or_all, shown
from pipespec.spec.steps import StepDraft

__all__ = ["make_variants", "variant_of"]


def variant_of(point: Point) -> Variant:
    """Return a point as plain values, axes sorted as they are in a point."""
    return tuple((axis, plain(value)) for axis, value in point.items())


def make_variants(
    draft: StepDraft, points: Iterable[Point], connector: Connector, places: Places, found: Findings
) -> tuple[StepSpec, ...]:
    """Return the step at each point, in their order; of a deferred matrix the one step that stands for all."""
    maker = _Maker(draft, connector, places, found)
    maker.check_axes()
    if draft.is_deferred:
        return (maker.deferred(),)
    return tuple(maker.at(point) for point in points)


class _Maker:
    """Makes variants of one declared step."""

    def __init__(self, draft: StepDraft, connector: Connector, places: Places, found: Findings) -> None:
        self._draft = draft
        self._name = draft.shared.name
        self._connector = connector
        self._places = places
        self._found = found
        self._axes = axes_of(draft.grids or ())
        self._uses = self._axes_in_use()
        self._bound = {*entries(draft.params), *draft.inputs}
        self._binding = [axis for axis in self._axes if axis not in self._uses and axis not in self._bound]
        self._open_inputs = [one for one in draft.inputs.values() if any(axes_used(one.node))]
        closed = [one for one in draft.inputs.values() if one not in self._open_inputs]
        self._shared_inputs = self._made_inputs(closed, {}, ())
        self._subject = f"step {quote(self._name)}"

    def _axes_in_use(self) -> Mapping[str, Node]:
        """Return the axes that `${matrix.axis}` names anywhere in the step, with the first place of each."""
        nodes = [
            self._draft.params,
            self._draft.resources,
            *(one.node for one in self._draft.inputs.values()),
        ]
        return {axis: where for node in reversed(nodes) for axis, where in axes_used(node)}

    def check_axes(self) -> None:
        """Tell of axes that are used and not there, and of axes that reach nothing."""
        if self._draft.grids is None:
            return
        for axis, node in self._uses.items():
            if axis not in self._axes:
                has = "its matrix has no such axis" if self._axes else "it has no matrix"
                message = f"{self._subject} uses axis {quote(axis)}, and {has}"
                hint = nearest_or_all(axis, self._axes, kind="its axes")
                self._found.error("unknown-axis", message, node.span, hint)
        for axis, span in self._axes.items():
            if axis in self._bound and axis not in self._uses:
                message = f"axis {quote(axis)} of {self._subject} reaches nothing: the step binds that argument itself"
                hint = f"take the argument out, or use ${{matrix.{axis}}} in it"
                self._found.error("unused-axis", message, span, hint)

    def at(self, point: Point) -> StepSpec:
        """Return the variant at a point."""
        variant = variant_of(point)
        params = self._params(point)
        resources = self._filled(self._draft.resources, point)
        opened = self._made_inputs(self._open_inputs, point, variant)
        return replace(
            self._draft.shared,
            variant=variant,
            inputs={**self._shared_inputs, **opened} if opened else self._shared_inputs,
            params={name: entry.value for name, entry in params.items()},
            param_key_spans={name: entry.key_span for name, entry in params.items()},
            resources=read_resources(resources, f"'resources' of {self._subject}", self._found),
        )

    def deferred(self) -> StepSpec:
        """Leave out what the axes will decide, and name the arguments that they will bind."""
        params = entries(self._draft.params)
        later = [name for name, entry in params.items() if any(axes_used(entry.value))]
        later += [one.argument for one in self._open_inputs]
        known = {name: entry for name, entry in params.items() if name not in later}
        return replace(
            self._draft.shared,
            inputs=self._shared_inputs,
            params={name: fill(entry.value, {}, self._name) for name, entry in known.items()},
            param_key_spans={name: entry.key_span for name, entry in known.items()},
            deferred=self._sources(),
            axis_arguments=(*later, *self._binding),
        )

    def _sources(self) -> Mapping[str, StepInput]:
        sources: dict[str, StepInput] = {}
        for axis in (axis for grid in self._draft.grids or () for axis in grid.axes.values()):
            if axis.source is not None and axis.source_span is not None:
                source = self._connector.connect(
                    axis.source, (), f"axis {quote(axis.name)}", axis.source_span
                )
                sources |= {axis.name: source} if source is not None else {}
        return sources

    def _params(self, point: Point) -> Mapping[str, Entry]:
        """Return the declared params, and the axes that bind themselves."""
        node = self._filled(self._draft.params, point)
        if isinstance(node, ScalarNode) and node.value is not None:
            message = f"'params' of {self._subject} is {shown(node.value)}, where a mapping is needed"
            self._found.error("wrong-kind", message, node.span)
        binding = {axis: Entry(self._axes[axis], point[axis]) for axis in self._binding if axis in point}
        return {**entries(node), **binding}

    def _made_inputs(
        self, drafts: Iterable[InputDraft], point: Point, variant: Variant
    ) -> Mapping[str, InputSpec]:
        made = ((draft.argument, self._input(draft, point, variant)) for draft in drafts)
        return {argument: spec for argument, spec in made if spec is not None}

    def _input(self, draft: InputDraft, point: Point, variant: Variant) -> InputSpec | None:
        if draft.kind != "from" or draft.reference is None:
            node = self._filled(draft.node, point)
            if not isinstance(node, ScalarNode):
                return None
            return external_input(draft, node, self._name, self._places, self._found)
        if not self._has_axes(draft.node, point):
            return None
        subject = f"input {quote(draft.argument)}"
        source = self._connector.connect(draft.reference, variant, subject, draft.node.span)
        return InputSpec(draft.argument, source, draft.load, draft.node.span) if source is not None else None

    def _filled(self, node: Node | None, point: Point) -> Node | None:
        """Return the node with the point's values in place, None where it uses what the point has not."""
        if node is None or not self._has_axes(node, point):
            return None
        try:
            return fill(node, point, self._name)
        except NoSuchPartError as missing:
            axis, written = missing.args
            message = (
                f"{self._subject} uses {quote(written)}, and a value of axis {quote(axis)} has no such part"
            )
            self._found.error("unknown-axis", message, self._uses[axis].span)
            return None

    def _has_axes(self, node: Node, point: Point) -> bool:
        missing = [(axis, where) for axis, where in axes_used(node) if axis not in point]
        for axis, where in missing:
            if axis in self._axes:  # of another matrix of the union; what no matrix has is told once for all
                message = f"{self._subject} uses axis {quote(axis)}, which its variants with {listing(point)} have not"
                self._found.error("unknown-axis", message, where.span)
        return not missing
