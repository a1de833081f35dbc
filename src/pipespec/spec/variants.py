"""Variants: a step's draft filled in for each point of its matrix, its references connected.

What no axis touches is made once and shared by all variants. An axis is the argument of its own name, unless
the step binds that name or uses `${matrix.axis}`. Parts with mistakes are told and left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from pipespec.document.nodes import Entry, MappingNode, Node, ScalarNode, plain
from pipespec.document.resolvers import Scope
from pipespec.document.wording import quote
from pipespec.spec.connect import Connector
from pipespec.spec.findings import Findings
from pipespec.spec.inputs import InputDraft, Places, external_input
from pipespec.spec.matrix import Point, axes_of
from pipespec.spec.model import InputSpec, StepInput, StepSpec, Variant
from pipespec.spec.placeholders import axes_used, fill, is_open, is_settled
from pipespec.spec.reading import entries
from pipespec.spec.settings import read_resources
from pipespec.spec.spelling import shown
from pipespec.spec.steps import StepDraft

__all__ = ["make_variants", "variant_of"]


def variant_of(point: Point) -> Variant:
    """Return a point as plain values, axes sorted as they are in a point."""
    return tuple((axis, plain(value)) for axis, value in point.items())


def make_variants(
    draft: StepDraft,
    points: Iterable[Point],
    document: MappingNode,
    connector: Connector,
    *,
    places: Places,
    found: Findings,
) -> tuple[StepSpec, ...]:
    """Return the step at each point, in their order; of a deferred matrix the one step that stands for all."""
    maker = _Maker(draft, Scope(document, draft.shared.name), connector, places, found)
    maker.check_axes()
    if draft.is_deferred:
        return (maker.deferred(),)
    return tuple(maker.at(point) for point in points)


class _Maker:
    """Makes variants of one declared step."""

    def __init__(
        self, draft: StepDraft, scope: Scope, connector: Connector, places: Places, found: Findings
    ) -> None:
        self._draft = draft
        self._name = draft.shared.name
        self._scope = scope
        declared = (draft.params, draft.resources, *(one.node for one in draft.inputs.values()))
        self._settled = frozenset(id(node) for node in declared if is_settled(node))
        self._connector = connector
        self._places = places
        self._found = found
        self._axes = axes_of(draft.grids or ())
        self._used = self._axes_in_use()
        self._bound = {*entries(draft.params), *draft.inputs}
        self._binding = [axis for axis in self._axes if axis not in self._used and axis not in self._bound]
        self._open_inputs = [one for one in draft.inputs.values() if any(axes_used(one.node))]
        closed = [one for one in draft.inputs.values() if one not in self._open_inputs]
        self._shared_inputs = self._made_inputs(closed, self._scope)

    def _axes_in_use(self) -> frozenset[str]:
        """Return the axes that `${matrix.axis}` names anywhere in the step."""
        nodes = (
            self._draft.params,
            self._draft.resources,
            *(one.node for one in self._draft.inputs.values()),
        )
        return frozenset(axis for node in nodes for axis, _ in axes_used(node))

    def check_axes(self) -> None:
        """Tell of axes that reach nothing."""
        for axis, span in self._axes.items():
            if axis in self._bound and axis not in self._used:
                step = quote(self._name)
                message = (
                    f"axis {quote(axis)} of step {step} reaches nothing: the step binds that argument itself"
                )
                hint = f"take the argument out, or use ${{matrix.{axis}}} in it"
                self._found.error("unused-axis", message, span, hint)

    def at(self, point: Point) -> StepSpec:
        """Return the variant at a point."""
        scope = replace(self._scope, variant=point)
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
        """Leave out what the axes will decide, and name the arguments that they will bind."""
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
            deferred=self._sources(),
            axis_arguments=(*later, *self._binding),
        )

    def _sources(self) -> Mapping[str, StepInput]:
        """Return the outputs that hold values of axes."""
        sources: dict[str, StepInput] = {}
        for axis in (axis for grid in self._draft.grids or () for axis in grid.axes.values()):
            if axis.source is not None and axis.source_span is not None:
                subject = f"axis {quote(axis.name)}"
                source = self._connector.connect(axis.source, (), subject, axis.source_span, only_one=True)
                sources |= {axis.name: source} if source is not None else {}
        return sources

    def _params(self, scope: Scope) -> Mapping[str, Entry]:
        """Return the declared params, and the axes that bind themselves."""
        declared = self._draft.params
        node = self._filled(declared, scope)
        if isinstance(node, ScalarNode) and (node is not declared or is_open(declared)):
            message = (
                f"'params' of step {quote(self._name)} is {shown(node.value)}, where a mapping is needed"
            )
            self._found.error("wrong-kind", message, node.span)
        point = scope.variant
        binding = {axis: Entry(self._axes[axis], point[axis]) for axis in self._binding if axis in point}
        return {**entries(node), **binding}

    def _resources(self, scope: Scope) -> Mapping[str, int]:
        """Return amounts; the schema has judged those that no axis brought."""
        declared = self._draft.resources
        node = self._filled(declared, scope)
        amounts = read_resources(node, f"'resources' of step {quote(self._name)}", self._found)
        for name, entry in entries(node if node is not declared else None).items():
            if name not in amounts and not is_open(entry.value):
                told = shown(plain(entry.value))
                message = f"'resources.{name}' of step {quote(self._name)} is {told}, where a whole number from 0 is needed"
                self._found.error("bad-value", message, entry.value.span)
        return amounts

    def _made_inputs(self, drafts: Iterable[InputDraft], scope: Scope) -> Mapping[str, InputSpec]:
        made = ((draft.argument, self._input(draft, scope)) for draft in drafts)
        return {argument: spec for argument, spec in made if spec is not None}

    def _input(self, draft: InputDraft, scope: Scope) -> InputSpec | None:
        node = self._filled(draft.node, scope)
        if not isinstance(node, ScalarNode):
            return None
        if draft.kind != "from" or draft.reference is None:
            point = variant_of(scope.variant)
            return external_input(draft, node, self._name, self._places, self._found, point=point)
        source = self._connector.connect(
            draft.reference, variant_of(scope.variant), f"input {quote(draft.argument)}", draft.node.span
        )
        return None if source is None else InputSpec(draft.argument, source, draft.load, draft.node.span)

    def _filled(self, node: Node | None, scope: Scope) -> Node | None:
        if node is None or id(node) in self._settled:
            return node
        if self._draft.grids is None and any(axes_used(node)):
            return None  # the matrix has a mistake, and nothing can be said about its axes
        return fill(node, scope, self._found)
