"""The engine's entries in a result's manifest: the parts of its key, and its inputs. Pure.

The rest (outputs with digests and sizes, metrics, run, generation) is added where the manifest is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pipespec.document.nodes import JSON
from pipespec.engine.random_seed import RandomSeed
from pipespec.plan.plan import Decision, Facts, Plan
from pipespec.plan.records import StepRecord
from pipespec.python.identity.code_facts import CodeFacts
from pipespec.spec.pipeline_spec import (
    DirInput,
    FileInput,
    FilesInput,
    InputSource,
    PipelineInput,
    StepInput,
    StepSpec,
)
from pipespec.spec.registered_models import ModelInput

__all__ = ["SOURCE_LIMIT", "manifest_entries", "outside_entries"]

SOURCE_LIMIT: Final = 256 << 10
"""Maximum number of characters of source code in one manifest."""


def manifest_entries(
    plan: Plan,
    decision: Decision,
    upstream: Mapping[str, StepRecord],
    about: Mapping[str, JSON],
    seed: RandomSeed,
) -> dict[str, JSON]:
    """Return the entries. `upstream` maps step ids to the records of the steps that an input reads."""
    step, facts = decision.step, plan.facts
    return {
        **about,
        "pipeline": plan.pipeline.name,
        "call": str(step.call),
        "parts": {} if decision.key is None else dict(decision.key.parts),
        "params": step.param_values,
        "seed": seed.value,
        "inputs": {name: _input(spec.source, facts, upstream) for name, spec in step.inputs.items()},
        "code": dict(facts.code[str(step.call)].counted),
        "also_called": {
            call: {"digest": known.digest, "code": dict(known.counted)}
            for call, known in _called(step, facts).items()
            if call != str(step.call)
        },
        "sources": _sources(step, facts),
        "imports": {
            name: line.text
            for known in _called(step, facts).values()
            for name, line in known.import_lines.items()
        },
    }


def outside_entries(plan: Plan) -> list[JSON]:
    """Return the entries `inputs` of all steps of a plan, without the outputs of its own steps."""
    facts = plan.facts
    return [
        {
            name: _input(spec.source, facts, {})
            for name, spec in decision.step.inputs.items()
            if _is_known_outside(spec.source, facts)
        }
        for decision in plan.decisions.values()
    ]


def _is_known_outside(source: InputSource, facts: Facts) -> bool:
    match source:
        case FileInput(path=place) | DirInput(path=place) | FilesInput(pattern=place):
            return place in facts.files
        case PipelineInput() | ModelInput():
            return source in facts.results
        case _:
            return False


def _called(step: StepSpec, facts: Facts) -> dict[str, CodeFacts]:
    """Return the code of everything that a step calls: its function, loaders, savers and probe, as far as it is known."""
    return {str(ref): facts.code[str(ref)] for ref in step.counted if str(ref) in facts.code}


def _sources(step: StepSpec, facts: Facts) -> dict[str, JSON]:
    """Return the text of each counted piece of code, the smallest first, as many as fit."""
    pieces = {
        name: piece.text for known in _called(step, facts).values() for name, piece in known.pieces.items()
    }
    kept: dict[str, JSON] = {}
    room = SOURCE_LIMIT
    for name, text in sorted(pieces.items(), key=lambda one: (len(one[1]), one[0])):
        room -= len(text)
        if room < 0:
            break
        kept[name] = text
    return kept


def _input(source: InputSource, facts: Facts, upstream: Mapping[str, StepRecord]) -> JSON:
    match source:
        case StepInput():
            return [_of_step(producer, source, upstream[producer]) for producer in source.producers]
        case (
            FileInput(path=place, text=text)
            | DirInput(path=place, text=text)
            | FilesInput(pattern=place, text=text)
        ):
            known = facts.files[place]
            entry: dict[str, JSON] = {"external": text, "digest": known.digest, "bytes": known.bytes}
            return {**entry, "manifest": dict(known.manifest)} if known.manifest else entry
        case PipelineInput(text=text):
            result = facts.results[source]
            return {
                "pipeline": text,
                "step": result.step,
                "output": result.name,
                "file": result.output.file,
                "run_id": result.run_id,
                "digest": result.output.digest,
            }
        case ModelInput(text=text):
            result = facts.results[source]
            made = {"run_id": result.run_id} if result.run_id else {}
            named = {"step": result.step, "output": result.name} if result.name else {}
            return {
                "model": text,
                "name": result.model,
                "version": result.version,
                **named,
                **made,
                "digest": result.output.digest,
            }


def _of_step(producer: str, source: StepInput, record: StepRecord) -> JSON:
    assert source.output is not None  # guaranteed by the checks
    entry: dict[str, JSON] = {"step": producer, "output": source.output}
    if source.part is not None:
        entry["part"] = source.part
    output = record.outputs[source.output]
    return {**entry, "file": output.file, "run_id": record.run_id, "digest": output.digest}
