"""Create the variants of a step: its draft, filled in for each point of its matrix, with its references connected.

Whatever does not depend on an axis is created once and shared by all variants. An axis is passed as the argument with
its name, unless the step sets that argument or uses `${matrix.axis}`. Parts with mistakes are reported and left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from pipespec.document.interpolation.resolver_interface import ReferenceScope
from pipespec.document.nodes import Entry, MappingNode, Node, ScalarNode, plain, set_at
from pipespec.document.wording import quote
from pipespec.spec.node_reading import entries
from pipespec.spec.pipeline_settings import read_resources
from pipespec.spec.pipeline_spec import DeferredAxis, InputSpec, StepSpec
from pipespec.spec.placeholders import axes_used, fill, is_open, is_settled
from pipespec.spec.places import Places
from pipespec.spec.resource_amounts import expected_amount
from pipespec.spec.spec_findings import SpecFindings
from pipespec.spec.steps.connect_inputs import Connector
from pipespec.spec.steps.input_drafts import InputDraft, external_input, read_schema
from pipespec.spec.steps.matrix import Point, axes_of
from pipespec.spec.steps.step_drafts import StepDraft
from pipespec.spec.value_wording import shown
from pipespec.spec.variant_names import Variant

__all__ = ["make_variants", "variant_of"]


def variant_of(point: Point) -> Variant:
    """Return a point as plain values, with its axes sorted as in the point."""
    return tuple((axis, plain(value)) for axis, value in point.items())


def make_variants(
    draft: StepDraft,
    points: Iterable[Point],
    document: MappingNode,
    connector: Connector,
    *,
    places: Places,
    found: SpecFindings,
) -> tuple[StepSpec, ...]:
    """Return the step at each point, in order; for a deferred matrix, the one step that represents all variants."""
    maker = _Maker(draft, ReferenceScope(document, draft.shared.name), connector, places, found)
    maker.check_axes()
    if draft.is_deferred:
        return (maker.deferred(),)
    return tuple(maker.at(point) for point in points)


class _Maker:
    """Creates the variants of one declared step."""

    def __init__(
        self,
        draft: StepDraft,
        scope: ReferenceScope,
        connector: Connector,
        places: Places,
        found: SpecFindings,
    ) -> None:
        self._draft = draft
        self._name = draft.shared.name
        self._scope = scope
        declared = (draft.params, draft.resources, *[one.node for one in draft.inputs.values()])
        self._unsettled = [node for node in declared if not is_settled(node)]
        unsettled = {id(node) for node in self._unsettled}
        self._connector = connector
        self._places = places
        self._found = found
        self._axes = axes_of(draft.grids or ())
        self._used = self._axes_in_use()
        self._bound = {*entries(draft.params), *draft.inputs}
        self._binding = [axis for axis in self._axes if axis not in self._used and axis not in self._bound]
        self._open_inputs = [
            one for one in draft.inputs.values() if id(one.node) in unsettled and any(axes_used(one.node))
        ]
        closed = [one for one in draft.inputs.values() if one not in self._open_inputs]
        self._shared_inputs = self._made_inputs(closed, self._scope)

    def _axes_in_use(self) -> frozenset[str]:
        """Return the axes that `${matrix.axis}` names anywhere in the step."""
        return frozenset(axis for node in self._unsettled for axis, _ in axes_used(node))

    def check_axes(self) -> None:
        """Report axes that have no effect."""
        for axis, span in self._axes.items():
            if axis in self._bound and axis not in self._used:
                step = quote(self._name)
                message = (
                    f"axis {quote(axis)} of step {step} has no effect: the step already sets that argument"
                )
                hint = f"remove the argument, or use ${{matrix.{axis}}} in it"
                self._found.error("unused-axis", message, span, hint)

    def at(self, point: Point) -> StepSpec:
        """Return the variant at a point."""
        scope = replace(self._scope, variant=point) if point else self._scope
        params = self._params(scope)
        opened = self._made_inputs(self._open_inputs, scope)
        return replace(
            self._draft.shared,
            variant=variant_of(point),
            inputs={**self._shared_inputs, **opened} if opened else self._shared_inputs,
            params={name: entry.value for name, entry in params.items()},
            param_key_spans={name: entry.key_span for name, entry in params.items()},
            resources=self._resources(scope),
        )

    def deferred(self) -> StepSpec:
        """Return the step without what the axes will decide, and with the names of the arguments that they will set."""
        params = entries(self._draft.params)
        later = [name for name, entry in params.items() if any(axes_used(entry.value))]
        later += [one.argument for one in self._open_inputs]
        known = {name: entry for name, entry in params.items() if name not in later}
        values = {name: self._filled(entry.value, self._scope) for name, entry in known.items()}
        return replace(
            self._draft.shared,
            inputs=self._shared_inputs,
            params={name: value for name, value in values.items() if value is not None},
            param_key_spans={name: entry.key_span for name, entry in known.items()},
            deferred=tuple(self._deferred_axes()),
            axis_arguments=(*later, *self._binding),
        )

    def _deferred_axes(self) -> Iterator[DeferredAxis]:
        """Yield the outputs that hold values of axes, each once per axis."""
        axes = (axis for grid in self._draft.grids or () for axis in grid.axes.values())
        for (name, written), axis in {(one.name, one.written): one for one in axes}.items():
            if axis.source is not None and axis.source_span is not None:
                source = self._connector.connect_axis(axis.source, f"axis {quote(name)}", axis.source_span)
                if source is not None:
                    yield DeferredAxis(name, written, source)

    def _params(self, scope: ReferenceScope) -> Mapping[str, Entry]:
        """Return the declared params, and the axes that are passed as arguments."""
        declared = self._draft.params
        node = self._filled(declared, scope)
        if isinstance(node, ScalarNode) and (node is not declared or is_open(declared)):
            message = f"'params' of step {quote(self._name)} is {shown(node.value)}, but must be a mapping"
            self._found.error("wrong-kind", message, set_at(node))
        point = scope.variant
        binding = {axis: Entry(self._axes[axis], point[axis]) for axis in self._binding if axis in point}
        return {**entries(node), **binding}

    def _resources(self, scope: ReferenceScope) -> Mapping[str, int]:
        """Return amounts. The schema has checked those that do not come from an axis."""
        declared = self._draft.resources
        if declared is None:
            return {}
        node = self._filled(declared, scope)
        amounts = read_resources(node, f"'resources' of step {quote(self._name)}", self._found)
        for name, entry in entries(node if node is not declared else None).items():
            if name not in amounts and not is_open(entry.value):
                told = shown(plain(entry.value))
                message = f"'resources.{name}' of step {quote(self._name)} is {told}, but must be {expected_amount(name)}"
                self._found.error("bad-value", message, set_at(entry.value))
        return amounts

    def _made_inputs(self, drafts: Iterable[InputDraft], scope: ReferenceScope) -> Mapping[str, InputSpec]:
        made = ((draft.argument, self._input(draft, scope)) for draft in drafts)
        return {argument: spec for argument, spec in made if spec is not None}

    def _input(self, draft: InputDraft, scope: ReferenceScope) -> InputSpec | None:
        node = self._filled(draft.node, scope)
        if not isinstance(node, ScalarNode):
            return None
        if draft.kind != "from" or draft.reference is None:
            point = variant_of(scope.variant)
            return external_input(draft, node, self._name, self._places, self._found, point=point)
        source = self._connector.connect(
            draft.reference, variant_of(scope.variant), f"input {quote(draft.argument)}", draft.node.span
        )
        if source is None:
            return None
        schema = read_schema(draft, self._name, self._places, self._found)
        return InputSpec(draft.argument, source, draft.load, draft.node.span, schema)

    def _filled(self, node: Node | None, scope: ReferenceScope) -> Node | None:
        if node is None or not any(node is one for one in self._unsettled):
            return node
        if self._draft.grids is None and any(axes_used(node)):
            return None  # the matrix has a mistake, so nothing is known about its axes
        return fill(node, scope, self._found)
