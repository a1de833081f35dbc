"""What differs between two pipelines, and what would run again if the second took the first one's place.

Takes two `Side`s: a pipeline and the code that it calls; gives a `Difference`. The content of inputs is taken as
unchanged: an output of the same step, or a file of the same name, counts as the same bytes. Pure, and linear in
steps and edges.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pipespec.document.nodes import JSON, MappingNode, Node, plain
from pipespec.errors import Span
from pipespec.plan.changes import Change, Now, Part, PastRun, changes_since
from pipespec.plan.identity import step_key
from pipespec.plan.model import Action, CodeFacts, Facts, OutputRecord, StepRecord
from pipespec.plan.planner import input_content
from pipespec.plan.schedule import Forecast
from pipespec.spec.evidence import callables_of
from pipespec.spec.graph import topological_order
from pipespec.spec.model import (
    DirInput,
    FileInput,
    FilesInput,
    InputSource,
    PipelineInput,
    PipelineSpec,
    StepInput,
    StepSpec,
)

__all__ = ["Difference", "Rerun", "Side", "ValueChange", "compare_pipelines"]

_NO_DIGEST: Final = ""
_CAUSES: Final = 3
"""So many causes of one step are told."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of two pipelines. `code` has what each callable's code is, by its name; `notes` what is not known of it."""

    label: str
    spec: PipelineSpec
    code: Mapping[str, CodeFacts]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ValueChange:
    """A value of the document that differs; a list is one value. None where a side does not have it."""

    path: str
    old: Node | None
    new: Node | None

    @property
    def place(self) -> Span | None:
        """Where the new value is set, or where the old one was."""
        node = self.new or self.old
        return None if node is None else node.origin or node.span


@dataclass(frozen=True, slots=True)
class Rerun:
    """A step of the second pipeline that would run again; `may` be, where its inputs could come out the same.

    `causes` are the steps above it that begin it, where it may run.
    """

    step: str
    may: bool
    changes: tuple[Change, ...] = ()
    causes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs. Steps are ids; `renamed` maps the new id to the old one; `code` has each changed piece once.

    `actions` is what the records say of the second pipeline's steps, and `expected` how long it may take; empty and None
    where nobody asked them.
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
    def is_empty(self) -> bool:
        """True where nothing differs, neither in the documents nor in the code."""
        return not (self.added or self.removed or self.renamed or self.changed or self.values or self.code)


def compare_pipelines(old: Side, new: Side) -> Difference:
    """Compare two pipelines, the first as it was, the second as it would be.

    Raises:
        UsageError: for a value that has no identity.
    """
    before, after = _World(old), _World(new)
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
        reruns=tuple(_reruns(new.spec, changed, added)),
    )


class _World:
    """One side with contents of which only the names are known: equal names stand for equal bytes.

    A step that is known under another name on the other side stands under that one (`rename`).
    """

    def __init__(self, side: Side) -> None:
        self.side = side
        self._aliases: dict[str, str] = {}
        sources = [spec.source for step in side.spec.steps.values() for spec in step.inputs.values()]
        self.facts = Facts(
            code=_AnyCode(side.code),
            files={_place(source): self._content(source) for source in sources if _is_external(source)},
            probes={step_id: None for step_id, step in side.spec.steps.items() if step.identity.probe},
            results={
                source: OutputRecord(f"{source.text}#{source.step}.{source.output}", 0, 1, "result")
                for source in sources
                if isinstance(source, PipelineInput)
            },
        )
        self.records = {step_id: self._record(step_id, step) for step_id, step in side.spec.steps.items()}

    def rename(self, step_id: str, known: str) -> None:
        """Let a step's outputs count as those of a step of the other side."""
        self._aliases[step_id] = known
        self.records[step_id] = self._record(step_id, self.side.spec.steps[step_id])

    def parts(self, step_id: str) -> Mapping[str, JSON]:
        """Return the parts of a step's key, as far as names tell them; none for a step without identity."""
        step, steps = self.side.spec.steps[step_id], self.side.spec.steps
        contents = {
            argument: input_content(spec.source, self.facts, self.records, lambda one: steps[one].variant)
            for argument, spec in step.inputs.items()
        }
        key = step_key(step, self.facts, contents)
        return {} if key is None else key.parts

    def past(self, step_id: str, parts: Mapping[str, JSON]) -> PastRun:
        """Return a step as if it had run so, with these parts of its key."""
        step = self.side.spec.steps[step_id]
        called = {str(ref): self.side.code.get(str(ref)) for ref in callables_of(step)}
        pieces = {
            name: piece.text for known in called.values() if known for name, piece in known.pieces.items()
        }
        own = called[str(step.call)]
        return PastRun(
            run_id="",
            step=step_id,
            key="",
            generation=0,
            started=0.0,
            ended=0.0,
            manifest={
                "parts": dict(parts),
                "inputs": {name: self._told(spec.source) for name, spec in step.inputs.items()},
                "code": {} if own is None else dict(own.counted),
                "also_called": {
                    call: {"code": dict(known.counted)} for call, known in called.items() if known
                },
                "sources": dict(pieces),
            },
        )

    def _told(self, source: InputSource) -> JSON:
        if not isinstance(source, StepInput):
            return {"external": source.text, "digest": None}
        return [
            {
                "step": producer,
                "output": source.output,
                "digest": _output_of(self.records[producer], source.output),
                "run_id": None,
            }
            for producer in source.producers
        ]

    def _record(self, step_id: str, step: StepSpec) -> StepRecord:
        known = self._aliases.get(step_id, step_id)
        outputs = {
            name: OutputRecord(f"{known}.{name}", 0, 1, output.file) for name, output in step.outputs.items()
        }
        return StepRecord("", step_id, "", outputs, 0, 0.0, 0.0, "")

    def _content(self, source: InputSource) -> OutputRecord:
        place, root = _place(source), self.side.spec.root
        name = str(Path(place).relative_to(root)) if Path(place).is_relative_to(root) else place
        return OutputRecord(name, 0, 1, name)


class _AnyCode(dict[str, CodeFacts]):
    """Code by the callable's name; of what is not known, none."""

    def __missing__(self, call: str) -> CodeFacts:
        return CodeFacts(_NO_DIGEST, {}, ())


def _matched(before: _World, after: _World) -> tuple[dict[str, str], dict[str, str]]:
    """Map steps of the second pipeline to those of the first, and of these pairs those with another name.

    Names first. A step that is only in the second is a renamed one where one that is only in the first has the same
    parts but for the name; its readers are looked at after it, since what they read bears another name too.
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


def _changes(before: _World, after: _World, old: str, new: str) -> tuple[Change, ...]:
    """Return what differs between a step and what it was."""
    parts, then = after.parts(new), before.parts(old)
    if not parts or _spelt_parts(parts) == _spelt_parts(then):
        return ()
    step, code, known = after.side.spec.steps[new], after.side.code, before.side.code
    now = Now(after.side.spec, step, after.facts, parts, records=after.records)
    found = changes_since(now, before.past(old, then))
    # Where a side cannot tell its code it is taken as unchanged; a note says so.
    return tuple(
        change
        for change in found
        if change.part is not Part.CODE
        or all(str(ref) in code and str(ref) in known for ref in callables_of(step))
    )


def _spelt_parts(parts: Mapping[str, JSON]) -> str:
    return json.dumps(parts, sort_keys=True)


def _values(old: PipelineSpec, new: PipelineSpec) -> Iterator[ValueChange]:
    """Yield the values that differ, but for those of steps that only one side has."""
    before, after = dict(_leaves(old.document)), dict(_leaves(new.document))
    steps = [_declared(spec) for spec in (old, new)]
    for path in {**before, **after}:
        is_lone = path[0] == "steps" and len(path) > 1 and not all(path[1] in names for names in steps)
        if not is_lone and _spelt(before.get(path)) != _spelt(after.get(path)):
            yield ValueChange(".".join(path), before.get(path), after.get(path))


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
    spec: PipelineSpec, changed: Mapping[str, tuple[Change, ...]], added: frozenset[str]
) -> Iterator[Rerun]:
    """Yield the steps whose keys differ, and those that read what they make, in the order of a run."""
    begins: dict[str, tuple[str, ...]] = {}
    for step_id in topological_order(spec.upstream):
        if step_id in changed or step_id in added:
            begins[step_id] = (step_id,)
            yield Rerun(step_id, may=False, changes=changed.get(step_id, ()))
            continue
        causes = dict.fromkeys(
            cause for producer in _read(spec.steps[step_id]) for cause in begins.get(producer, ())
        )
        if causes:
            begins[step_id] = tuple(causes)[:_CAUSES]
            yield Rerun(step_id, may=True, causes=begins[step_id])


def _read(step: StepSpec) -> tuple[str, ...]:
    sources = (*(spec.source for spec in step.inputs.values()), *step.deferred.values())
    return tuple(
        producer for source in sources if isinstance(source, StepInput) for producer in source.producers
    )


def _is_external(source: InputSource) -> bool:
    return isinstance(source, FileInput | DirInput | FilesInput)


def _place(source: InputSource) -> str:
    match source:
        case FileInput(path=place) | DirInput(path=place) | FilesInput(pattern=place):
            return place
        case _:
            return ""


def _output_of(record: StepRecord, output: str | None) -> JSON:
    known = record.outputs.get(output or "")
    return None if known is None else known.digest
