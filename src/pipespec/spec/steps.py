"""One declared step: from its node, laid over `defaults`, to a draft from which its variants are made.

What every variant shares is read here and once: outputs, bounds, identity, retry and the like.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from pipespec.document.nodes import MappingNode, Node
from pipespec.document.wording import quote
from pipespec.errors import Span
from pipespec.spec.findings import Findings
from pipespec.spec.inputs import InputDraft, read_inputs
from pipespec.spec.matrix import Grid, read_matrix
from pipespec.spec.model import Bounds, CallableRef, Identity, MetricsRef, Retry, StepSpec
from pipespec.spec.outputs import read_outputs
from pipespec.spec.reading import entries, items, number, text, whole_number
from pipespec.spec.references import parse_call, parse_duration
from pipespec.spec.spelling import shown

__all__ = ["StepDraft", "lay_defaults", "read_step"]

_DEEP: Final = frozenset({"params"})
_BY_ENTRY: Final = frozenset({"checks", "identity", "inputs", "matrix", "outputs", "resources", "retry"})


@dataclass(frozen=True, slots=True)
class StepDraft:
    """What a declared step says: `shared` is the same for all variants, the rest is filled in for each.

    `grids` is empty without a matrix and None where the matrix has mistakes. `is_whole` is false where inputs
    had to be left out, or outputs are wrong.
    """

    shared: StepSpec
    inputs: Mapping[str, InputDraft]
    params: Node | None
    resources: Node | None
    grids: tuple[Grid, ...] | None
    is_whole: bool = True

    @property
    def is_deferred(self) -> bool:
        """Tell whether values of an axis are known only after another step has run."""
        return bool(self.deferred)

    @property
    def deferred(self) -> tuple[str, ...]:
        """Return the axes whose values are an output, each once."""
        axes = (axis for grid in self.grids or () for axis in grid.axes.values())
        return tuple(dict.fromkeys(axis.name for axis in axes if axis.source is not None))


def lay_defaults(defaults: Node | None, body: MappingNode) -> MappingNode:
    """Return a step's body over the defaults: `params` joined deeply, other mappings entry by entry, the rest whole."""
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


def read_step(name: str, span: Span, body: MappingNode, experiment: str, found: Findings) -> StepDraft | None:
    """Return the draft of a step, or None where it calls nothing; `body` lies over the defaults already.

    `span` is where the name stands.
    """
    call = _read_call(body.get("call"))
    if call is None:
        return None
    matrix = body.get("matrix")
    told = found.told
    outputs = read_outputs(body.get("outputs"), name, found)
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
        identity=_read_identity(body.get("identity")),
        retry=_read_retry(body.get("retry")),
        timeout=_read_timeout(body.get("timeout"), name, found),
        priority=whole_number(body.get("priority")) or 0,
        tags=_texts(body.get("tags")),
        matrix=matrix,
    )
    inputs = read_inputs(body.get("inputs"), name, found)
    return StepDraft(
        shared,
        inputs,
        body.get("params"),
        body.get("resources"),
        () if matrix is None else read_matrix(matrix, name, found),
        is_whole=outputs_are_sound and len(inputs) == len(entries(body.get("inputs"))),
    )


def _read_call(node: Node | None) -> CallableRef | None:
    written = text(node)
    if written is None or node is None or ":" not in written:
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


def _read_checks(node: Node | None, step: str, found: Findings) -> Mapping[str, Bounds]:
    checks = {}
    for metric, entry in entries(node).items():
        bounds = entries(entry.value)
        least, most = (number(bounds[key].value) if key in bounds else None for key in ("min", "max"))
        if least is not None and most is not None and least > most:
            message = f"the bounds of metric {quote(metric)} of step {quote(step)} let nothing pass: {shown(least)} is more than {shown(most)}"
            found.error("bad-bounds", message, bounds["min"].value.span)
        if least is not None or most is not None:
            checks[metric] = Bounds(least, most, entry.key_span)
    return checks


def _read_identity(node: Node | None) -> Identity:
    if text(node) == "none":
        return Identity(never=True)
    probe, version = _read_call(_below(node, "probe")), _below(node, "version")
    ignored = {word: item.span for item in items(_below(node, "ignore")) if (word := text(item)) is not None}
    return Identity(
        ignore=tuple(ignored),
        ignore_spans=tuple(ignored.values()),
        code=text(_below(node, "code")) != "none",
        version=text(version) if text(version) is not None else number(version),
        packages=_texts(_below(node, "packages")),
        probe=probe,
    )


def _below(node: Node | None, key: str) -> Node | None:
    return node.get(key) if isinstance(node, MappingNode) else None


def _read_retry(node: Node | None) -> Retry:
    wait = text(_below(node, "wait"))
    return Retry(whole_number(_below(node, "times")) or 0, _seconds(wait) or 0.0)


def _read_timeout(node: Node | None, step: str, found: Findings) -> float | None:
    seconds = _seconds(text(node))
    if seconds == 0 and node is not None:
        message = f"'timeout' of step {quote(step)} is 0, so it could never succeed"
        found.error("bad-value", message, node.span, "leave it out for no limit")
    return seconds


def _seconds(written: str | None) -> float | None:
    try:
        return parse_duration(written) if written else None
    except (KeyError, ValueError):  # told by the schema
        return None
