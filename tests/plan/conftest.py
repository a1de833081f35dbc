"""Small pipelines made by hand, and the records of a store that lives in memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipespec.document.nodes import JSON, Entry, MappingNode, Node, ScalarNode, SequenceNode
from pipespec.errors import Span
from pipespec.plan.plan import Facts
from pipespec.plan.records import OutputRecord, StepRecord
from pipespec.plan.witness import BrokenWitness
from pipespec.python.callable_ref import CallableRef
from pipespec.python.identity.code_facts import CodeFacts
from pipespec.spec.pipeline_spec import InputSpec, OutputSpec, PipelineSpec, StepInput, StepSpec

PLACE = Span("pipeline.yaml", 1, 1, 1, 2)


def node(value: JSON) -> Node:
    if isinstance(value, list):
        return SequenceNode(tuple(node(item) for item in value), PLACE)
    if isinstance(value, dict):
        return MappingNode({key: Entry(PLACE, node(item)) for key, item in value.items()}, PLACE)
    return ScalarNode(value, PLACE)


def ref(text: str) -> CallableRef:
    module, _, qualname = text.partition(":")
    return CallableRef(module, qualname, PLACE)


def reads(step: str, output: str = "out", **more) -> StepInput:
    return StepInput(step, output, **more)


def make_step(name: str, *, inputs=None, params=None, outputs=None, needs=(), load=None, **more) -> StepSpec:
    """Make a step; an input is a source, or the name of a step whose output `out` it reads."""
    sources = {
        argument: reads(source) if isinstance(source, str) else source
        for argument, source in (inputs or {}).items()
    }
    outputs = {"out": "out.json"} if outputs is None else outputs
    call = more.pop("call", f"work:{name}")
    return StepSpec(
        name=name,
        call=ref(call),
        span=PLACE,
        experiment=f"test/{name}",
        inputs={
            argument: InputSpec(argument, source, (load or {}).get(argument), PLACE)
            for argument, source in sources.items()
        },
        params={key: node(value) for key, value in (params or {}).items()},
        outputs={
            key: file if isinstance(file, OutputSpec) else OutputSpec(key, file, None, PLACE)
            for key, file in outputs.items()
        },
        needs=tuple((needed, PLACE) for needed in needs),
        **more,
    )


def make_pipeline(*steps: StepSpec) -> PipelineSpec:
    """Put steps together, with the producers of every input and the edges between ids."""
    by_name: dict[str, list[StepSpec]] = {}
    for step in steps:
        by_name.setdefault(step.name, []).append(step)

    def linked(spec: InputSpec) -> InputSpec:
        source = spec.source
        if not isinstance(source, StepInput):
            return spec
        producers = tuple(
            step.id for step in by_name[source.step] if set(source.selection) <= set(step.variant)
        )
        return replace(spec, source=replace(source, producers=producers))

    finished = [
        replace(step, inputs={name: linked(spec) for name, spec in step.inputs.items()}) for step in steps
    ]
    upstream = {}
    for step in finished:
        above = [
            producer
            for spec in step.inputs.values()
            if isinstance(spec.source, StepInput)
            for producer in spec.source.producers
        ]
        above += [other.id for needed, _ in step.needs for other in by_name[needed]]
        upstream[step.id] = tuple(dict.fromkeys(above))
    return PipelineSpec(
        name="test",
        file=Path("/project/pipeline.yaml"),
        root=Path("/project"),
        steps={step.id: step for step in finished},
        upstream=upstream,
        document=MappingNode({}, PLACE),
    )


class AnyCode(dict):
    """Code facts of whatever is asked for: a digest that depends on the callable's name alone."""

    def __missing__(self, call: str) -> CodeFacts:
        return CodeFacts(digest=f"code of {call}", counted={}, files=())


def make_facts(**more) -> Facts:
    return Facts(**({"code": AnyCode(), "files": {}} | more))


def record_of(key: str, step: StepSpec, *, content: str | None = None, number: int = 0, metrics=None):
    """Make the record of a run; without `content` every output's bytes follow from the key."""
    return StepRecord(
        run_id=f"run-{key[:8]}-{number}",
        step=step.id,
        key=key,
        outputs={
            name: OutputRecord(f"{content or key}/{name}", 1, 1, output.file)
            for name, output in step.outputs.items()
        },
        generation=number,
        started=0.0,
        ended=1.0,
        artifact_uri="file:///artifacts",
        metrics=metrics or {},
    )


@dataclass
class MemoryRecords:
    """The twin of a tracking store; `asked` lists the calls."""

    by_key: dict[str, StepRecord] = field(default_factory=dict)
    gone: dict[str, str] = field(default_factory=dict)
    witnesses: dict[str, BrokenWitness] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    contents: dict[tuple[str, str | None], dict[str, float]] = field(default_factory=dict)
    """The numbers in outputs, by file and part."""

    def add(self, step: StepSpec, key: str, **more) -> StepRecord:
        self.by_key[key] = record = record_of(key, step, **more)
        self.names.add(step.name)
        return record

    def complete(self, keys: Collection[str]) -> Mapping[str, StepRecord]:
        self.asked.append("complete")
        return {
            key: self.by_key[key]
            for key in keys
            if key in self.by_key and key not in {*self.gone, *self.witnesses}
        }

    def lost(self, keys: Collection[str]) -> Mapping[str, str]:
        self.asked.append("lost")
        return {key: self.gone[key] for key in keys if key in self.gone}

    def broken(self, keys: Collection[str]) -> Mapping[str, BrokenWitness]:
        return {key: self.witnesses[key] for key in keys if key in self.witnesses}

    def finished_before(self, steps: Collection[str]) -> Collection[str]:
        self.asked.append("finished_before")
        return self.names & set(steps)

    def numbers(self, record: StepRecord, output: str, part: str | None) -> Mapping[str, float]:
        self.asked.append("numbers")
        return self.contents.get((record.outputs[output].file, part), {})


def makers() -> SimpleNamespace:
    return SimpleNamespace(
        step=make_step,
        pipeline=make_pipeline,
        facts=make_facts,
        node=node,
        ref=ref,
        reads=reads,
        record=record_of,
        records=MemoryRecords,
        place=PLACE,
    )


@pytest.fixture(scope="session")
def make():
    """The makers above, since test modules import nothing from each other."""
    return makers()
