"""Read one declared step: from its node, merged over `defaults`, to a draft from which its variants are made.

Everything that all variants share is read here, only once: outputs, bounds, identity, retry and so on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from pipespec.document.nodes import Entry, MappingNode, Node
from pipespec.document.wording import quote
from pipespec.errors import Span
from pipespec.frozen_values import frozen
from pipespec.python.callable_ref import CallableRef, is_call, parse_call
from pipespec.spec.durations import read_duration
from pipespec.spec.node_reading import entries, flag, items, number, text, whole_number
from pipespec.spec.pipeline_settings import read_step_engine
from pipespec.spec.pipeline_spec import Bounds, CountedCode, Identity, MetricsRef, Retry, StepSpec
from pipespec.spec.places import Places
from pipespec.spec.spec_findings import SpecFindings
from pipespec.spec.steps.dependent_axes import check_dependencies, has_dependent_axes, unfold
from pipespec.spec.steps.input_drafts import InputDraft, read_inputs
from pipespec.spec.steps.matrix import Grid, read_matrix
from pipespec.spec.steps.output_names import read_outputs
from pipespec.spec.value_wording import shown

__all__ = ["StepDraft", "lay_defaults", "read_step"]

_DEEP: Final = frozenset({"params"})
_IDENTITY: Final = Identity()
_RETRY: Final = Retry()
"""Settings of steps that set nothing else, which are most of thousands."""
_BY_ENTRY: Final = frozenset(
    {"checks", "engine", "identity", "inputs", "matrix", "outputs", "resources", "retry"}
)


@frozen
class StepDraft:
    """The content of a declared step. `shared` is the same for all variants; the rest is filled in for each of them.

    `grids` is empty without a matrix, and None if the matrix has mistakes. `is_whole` is false if inputs were left out
    or outputs are wrong.
    """

    shared: StepSpec
    inputs: Mapping[str, InputDraft]
    params: Node | None
    resources: Node | None
    grids: tuple[Grid, ...] | None
    is_whole: bool = True

    @property
    def is_deferred(self) -> bool:
        """Return whether values of an axis are known only after another step has run."""
        return bool(self.deferred)

    @property
    def deferred(self) -> tuple[str, ...]:
        """Return the axes whose values are an output, each once."""
        axes = (axis for grid in self.grids or () for axis in grid.axes.values())
        return tuple(dict.fromkeys(axis.name for axis in axes if axis.source is not None))


def lay_defaults(defaults: Node | None, body: MappingNode) -> MappingNode:
    """Return a step's body merged over the defaults: `params` deeply, other mappings entry by entry, the rest as a whole."""
    under = entries(defaults)
    if not under:
        return body
    joined = {**under, **body.entries}
    for key in under.keys() & body.entries.keys():
        below, above = under[key].value, body.entries[key]
        if key in _DEEP:
            joined[key] = replace(above, value=_joined(below, above.value))
        elif key in _BY_ENTRY and isinstance(below, MappingNode) and isinstance(above.value, MappingNode):
            merged = {**below.entries, **above.value.entries}
            joined[key] = replace(above, value=replace(above.value, entries=merged))
    return replace(body, entries=joined)


def _joined(below: Node, above: Node) -> Node:
    if not isinstance(below, MappingNode) or not isinstance(above, MappingNode):
        return above
    merged = dict(below.entries)
    for key, entry in above.entries.items():
        lower = below.entries.get(key)
        merged[key] = entry if lower is None else replace(entry, value=_joined(lower.value, entry.value))
    return replace(above, entries=merged)


def read_step(
    name: str,
    span: Span,
    body: MappingNode,
    experiment: str,
    document: MappingNode,
    places: Places,
    found: SpecFindings,
    *,
    is_seeded: bool,
) -> StepDraft | None:
    """Return the draft of a step, or None if it calls nothing. `body` is already merged over the defaults.

    `span` is the place of the name. `is_seeded` applies if the step does not set it.
    """
    call = _read_call(body.get("call"))
    if call is None:
        return None
    matrix, grids = _read_matrix(body.get("matrix"), name, found)
    told = found.told
    outputs = read_outputs(body.get("outputs"), name, places, found)
    outputs_are_sound = found.told == told
    shared = StepSpec(
        name,
        call,
        span,
        experiment,
        description=text(body.get("description")),
        outputs=outputs,
        needs=_read_needs(body.get("needs")),
        metrics=_read_metrics(body.get("metrics")),
        checks=_read_checks(body.get("checks"), name, found),
        after=_read_call(body.get("after")),
        identity=_read_identity(body.get("identity")),
        retry=_read_retry(body.get("retry")),
        timeout=_read_timeout(body.get("timeout"), name, found),
        is_seeded=flag(body.get("seed"), is_seeded),
        priority=whole_number(body.get("priority")) or 0,
        engine=read_step_engine(body.get("engine"), name, found),
        tags=_texts(body.get("tags")),
        matrix=matrix,
    )
    inputs = read_inputs(body.get("inputs"), name, document, found)
    return StepDraft(
        shared,
        inputs,
        body.get("params"),
        body.get("resources"),
        grids,
        is_whole=outputs_are_sound and len(inputs) == len(entries(body.get("inputs"))),
    )


def _read_matrix(
    node: Node | None, step: str, found: SpecFindings
) -> tuple[Node | None, tuple[Grid, ...] | None]:
    """Return the matrix with dependent axes unfolded, and its grids, which are None if it has mistakes."""
    if node is None:
        return None, ()
    grids = read_matrix(node, step, found)
    if grids is None or not has_dependent_axes(grids):
        return node, grids
    if not check_dependencies(grids, step, found):
        return node, None
    told = found.told
    unfolded = unfold(node, grids, step, found)
    return unfolded, read_matrix(unfolded, step, found) if found.told == told else None


def _read_call(node: Node | None) -> CallableRef | None:
    written = text(node)
    if written is None or node is None or not is_call(written):
        return None
    return parse_call(written, node.span)


def _texts(node: Node | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for item in items(node) if (word := text(item)) is not None))


def _read_needs(node: Node | None) -> tuple[tuple[str, Span], ...]:
    return tuple((step, item.span) for item in items(node) if (step := text(item)))


def _read_metrics(node: Node | None) -> MetricsRef | None:
    written = text(node)
    if not written or node is None:
        return None
    output, slash, part = written.partition("/")
    return MetricsRef(output, part if slash else None, node.span)


def _read_checks(node: Node | None, step: str, found: SpecFindings) -> Mapping[str, Bounds]:
    checks = {}
    for metric, entry in entries(node).items():
        stated = entries(entry.value)
        for low, high, what in (("min", "max", "value"), ("min_delta", "max_delta", "difference")):
            least, most = _bound(stated, low), _bound(stated, high)
            if least is not None and most is not None and least > most:
                message = f"the bounds of metric {quote(metric)} of step {quote(step)} exclude every {what}: {shown(least)} is more than {shown(most)}"
                found.error("bad-bounds", message, stated[low].value.span)
        bounds = Bounds(
            _bound(stated, "min"),
            _bound(stated, "max"),
            entry.key_span,
            _bound(stated, "min_delta"),
            _bound(stated, "max_delta"),
        )
        if bounds.is_absolute or bounds.is_relative:
            checks[metric] = bounds
    return checks


def _bound(stated: Mapping[str, Entry], key: str) -> float | None:
    return number(stated[key].value) if key in stated else None


def _read_identity(node: Node | None) -> Identity:
    if node is None:
        return _IDENTITY
    if text(node) == "none":
        return Identity(never=True)
    probe, version = _read_call(_below(node, "probe")), _below(node, "version")
    ignored = {word: item.span for item in items(_below(node, "ignore")) if (word := text(item)) is not None}
    return Identity(
        ignore=tuple(ignored),
        ignore_spans=tuple(ignored.values()),
        code=_read_counted(_below(node, "code")),
        version=text(version) if text(version) is not None else number(version),
        packages=_texts(_below(node, "packages")),
        probe=probe,
        untracked=_texts(_below(node, "untracked")),
    )


def _read_counted(node: Node | None) -> CountedCode:
    try:
        return CountedCode(text(node) or CountedCode.FUNCTION)
    except ValueError:  # reported by the schema
        return CountedCode.FUNCTION


def _below(node: Node | None, key: str) -> Node | None:
    return node.get(key) if isinstance(node, MappingNode) else None


def _read_retry(node: Node | None) -> Retry:
    if node is None:
        return _RETRY
    wait = _below(node, "wait")
    waits = tuple(read_duration(each) or 0.0 for each in items(wait) or (wait,))
    return Retry(whole_number(_below(node, "times")) or 0, waits)


def _read_timeout(node: Node | None, step: str, found: SpecFindings) -> float | None:
    seconds = read_duration(node)
    if seconds == 0 and node is not None:
        message = f"'timeout' of step {quote(step)} is 0, so it could never succeed"
        found.error("bad-value", message, node.span, "remove it for no limit")
    return seconds
