"""Compare two pipelines: what differs, and what would run again if the second replaced the first.

Takes two `Side`s: a pipeline and the code that it calls. Returns a `Difference`. The content of inputs is assumed to be
unchanged: an output of the same step, or a file with the same name, counts as the same bytes. Pure, and linear in steps
and edges.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Final

from pipespec.display import Displayed
from pipespec.document.nodes import JSON, MappingNode, Node, plain, set_at
from pipespec.document.password_masking import hide_passwords
from pipespec.errors import Span
from pipespec.frozen_values import frozen
from pipespec.plan.changes import Change, Now, Part, changes_since, declared_at
from pipespec.plan.forecast import Forecast
from pipespec.plan.pipeline_side import NamedContents, Side
from pipespec.plan.plan import Action, Plan
from pipespec.spec.pipeline_spec import PipelineSpec, StepSpec
from pipespec.spec.step_graph import topological_order

__all__ = ["Difference", "Rerun", "Side", "ValueChange", "actions_of", "compare_pipelines"]

_CAUSES: Final = 3
"""Maximum number of causes of one step that are shown."""


@frozen
class ValueChange:
    """A value of the document that differs. A list is one value. None if a side does not have it."""

    path: str
    old: Node | None
    new: Node | None

    @property
    def place(self) -> Span | None:
        """Where the new value is set, or where the old one was set."""
        node = self.new or self.old
        return None if node is None else set_at(node)


@frozen
class Rerun:
    """A step of the second pipeline that would run again; `may` is true if its inputs could turn out the same.

    If it may run, `causes` are the upstream steps where this starts; there are none if it reads another file that may
    have the same content.
    """

    step: str
    may: bool
    changes: tuple[Change, ...] = ()
    causes: tuple[str, ...] = ()


@frozen
class Difference(Displayed):
    """What differs. Steps are ids. `renamed` maps the new id to the old one. `code` has each changed piece once.

    `actions` is what is decided for the second pipeline's steps according to the records, and `expected` is how long it
    may take; they are empty and None if this was not requested.
    """

    old: Side
    new: Side
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    changed: Mapping[str, tuple[Change, ...]] = field(default_factory=dict)
    values: tuple[ValueChange, ...] = ()
    code: tuple[Change, ...] = ()
    reruns: tuple[Rerun, ...] = ()
    actions: Mapping[str, Action] = field(default_factory=dict)
    expected: Forecast | None = None

    @property
    def metrics(self) -> Mapping[str, tuple[float, float]]:
        """The old and the new value of each metric, if both ran."""
        return {
            name: (value, self.new.metrics[name])
            for name, value in self.old.metrics.items()
            if name in self.new.metrics
        }

    @property
    def is_empty(self) -> bool:
        """True if nothing differs, neither in the documents nor in the code."""
        return not (self.added or self.removed or self.renamed or self.changed or self.values or self.code)


def compare_pipelines(old: Side, new: Side) -> Difference:
    """Compare two pipelines, the first as it was, the second as it would be.

    Raises:
        UsageError: for a value that has no identity.
    """
    before, after = NamedContents(old, new), NamedContents(new, old)
    aliases, renamed = _matched(before, after)
    changed = {
        step_id: changes
        for step_id, known in aliases.items()
        if (changes := _changes(before, after, known, step_id))
    }
    known_before = frozenset(aliases.values())
    added = frozenset(new.spec.steps) - aliases.keys()
    return Difference(
        old=old,
        new=new,
        added=tuple(step_id for step_id in new.spec.steps if step_id not in aliases),
        removed=tuple(step_id for step_id in old.spec.steps if step_id not in known_before),
        renamed=renamed,
        changed={step_id: changes for step_id, changes in changed.items() if step_id not in renamed},
        values=tuple(_values(old.spec, new.spec)),
        code=tuple(_code(changed)),
        reruns=tuple(_reruns(before, after, aliases, changed, added)),
    )


def actions_of(plan: Plan, spec: PipelineSpec) -> dict[str, Action]:
    """Return what a plan does with the steps of a pipeline. The plan may know more about open matrices than the pipeline.

    If a matrix is one step in `spec`, its action is the first of run, wait, reuse that any of its variants has.
    """
    actions = {step: decision.action for step, decision in plan.decisions.items()}
    for step_id, step in spec.steps.items():
        if step_id not in actions:
            variants = {one.action for one in plan.decisions.values() if one.step.name == step.name}
            found = next(
                (action for action in Action if action is not Action.REUSE and action in variants), None
            )
            actions[step_id] = found or Action.REUSE
    return actions


def _matched(before: NamedContents, after: NamedContents) -> tuple[dict[str, str], dict[str, str]]:
    """Map steps of the second pipeline to those of the first, and return the pairs whose names differ.

    Equal names come first. A step that exists only in the second counts as renamed if a step that exists only in the
    first has the same parts except for the name. Its readers are examined after it, because the step that they read has
    another name too.
    """
    old, new = before.side.spec, after.side.spec
    aliases = {step_id: step_id for step_id in new.steps if step_id in old.steps}
    gone: dict[str, list[str]] = {}
    for step_id in old.steps:
        if step_id not in new.steps:
            gone.setdefault(_nameless(before.parts(step_id), old.steps[step_id]), []).append(step_id)
    renamed: dict[str, str] = {}
    for step_id in topological_order(new.upstream) if gone else ():
        if step_id in aliases:
            continue
        alike = gone.get(_nameless(after.parts(step_id), new.steps[step_id]))
        if alike:
            aliases[step_id] = renamed[step_id] = alike.pop(0)
            after.rename(step_id, aliases[step_id])
    return aliases, renamed


def _nameless(parts: Mapping[str, JSON], step: StepSpec) -> str:
    others = {kind: value for kind, value in parts.items() if kind != "name"}
    return json.dumps([others, [list(point) for point in step.variant]], sort_keys=True)


def _changes(before: NamedContents, after: NamedContents, old: str, new: str) -> tuple[Change, ...]:
    """Return what differs between a step and its earlier version."""
    parts, then = after.parts(new), before.parts(old)
    if _spelt_parts(parts) == _spelt_parts(then):
        return ()
    step, code, known = after.side.spec.steps[new], after.side.code, before.side.code
    now = Now(after.side.spec, step, after.facts, parts, records=after.records)
    if not then:
        detail = "identity: counts now, it was none"
        return (Change(Part.IDENTITY, "identity", detail, old="none", span=declared_at(now)),)
    found = changes_since(now, before.past(old, then))
    # If the code of a side is not known, it is assumed to be unchanged; a note says so.
    return tuple(
        change
        for change in found
        if change.part is not Part.CODE
        or all(str(ref) in code and str(ref) in known for ref in step.callables)
    )


def _spelt_parts(parts: Mapping[str, JSON]) -> str:
    return json.dumps(parts, sort_keys=True)


def _values(old: PipelineSpec, new: PipelineSpec) -> Iterator[ValueChange]:
    """Yield the values that differ, except those of steps that only one side has. Passwords are compared, but not returned."""
    before, after = dict(_leaves(old.document)), dict(_leaves(new.document))
    shown_before, shown_after = (dict(_leaves(hide_passwords(spec.document))) for spec in (old, new))
    steps = [_declared(spec) for spec in (old, new)]
    for path in {**before, **after}:
        is_lone = path[0] == "steps" and len(path) > 1 and not all(path[1] in names for names in steps)
        if not is_lone and _spelt(before.get(path)) != _spelt(after.get(path)):
            yield ValueChange(".".join(path), shown_before.get(path), shown_after.get(path))


def _declared(spec: PipelineSpec) -> frozenset[str]:
    return frozenset(step.name for step in spec.steps.values())


def _leaves(document: MappingNode) -> Iterator[tuple[tuple[str, ...], Node]]:
    waiting: list[tuple[tuple[str, ...], Node]] = [((), document)]
    while waiting:
        path, node = waiting.pop()
        if isinstance(node, MappingNode) and node.entries:
            waiting += reversed([((*path, key), entry.value) for key, entry in node.entries.items()])
        elif path:
            yield path, node


def _spelt(node: Node | None) -> str | None:
    return None if node is None else json.dumps(plain(node), sort_keys=True)


def _code(changed: Mapping[str, tuple[Change, ...]]) -> Iterator[Change]:
    seen: set[str] = set()
    for changes in changed.values():
        for change in changes:
            if change.part is Part.CODE and change.name not in seen:
                seen.add(change.name)
                yield change


def _reruns(
    before: NamedContents,
    after: NamedContents,
    aliases: Mapping[str, str],
    changed: Mapping[str, tuple[Change, ...]],
    added: frozenset[str],
) -> Iterator[Rerun]:
    """Yield the steps whose keys differ or that have no key, and the steps that read their outputs, in the order of a run."""
    spec = after.side.spec
    begins: dict[str, tuple[str, ...]] = {}
    for step_id in topological_order(spec.upstream):
        step, changes = spec.steps[step_id], changed.get(step_id, ())
        if changes or step_id in added or step.identity.never:
            begins[step_id] = (step_id,)
            may = bool(changes) and all(
                change.part is Part.INPUT
                and (after.is_untold(step_id, change.name) or before.is_untold(aliases[step_id], change.name))
                for change in changes
            )
            yield Rerun(step_id, may, changes or _every_time(step))
            continue
        causes = dict.fromkeys(cause for producer in _read(step) for cause in begins.get(producer, ()))
        if causes:
            begins[step_id] = tuple(causes)[:_CAUSES]
            yield Rerun(step_id, may=True, causes=begins[step_id])


def _every_time(step: StepSpec) -> tuple[Change, ...]:
    detail = "identity is none, so it runs every time"
    never = step.identity.never
    return (Change(Part.IDENTITY, "identity", detail, new="none", span=step.span),) if never else ()


def _read(step: StepSpec) -> tuple[str, ...]:
    return (*step.producers, *(one for axis in step.listed for one in axis.source.producers))
