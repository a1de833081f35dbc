"""What differs in the content of one input: another source, other upstream runs, other files in a folder.

Takes the input as it is now, and what the past run's key and manifest say about it. If content is only partly known,
the known part is still compared: a fan-in over other variants has other content, whatever the variants produce.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from pipespec.document.nodes import JSON
from pipespec.plan.changes.change import Change, Now, Part, PastRun, differ, mapping
from pipespec.plan.records import OutputRecord
from pipespec.plan.step_key import output_content
from pipespec.spec.pipeline_spec import (
    DirInput,
    FileInput,
    FilesInput,
    InputSource,
    InputSpec,
    PipelineInput,
    StepInput,
)
from pipespec.spec.registered_models import ModelInput
from pipespec.spec.variant_names import point_text

__all__ = ["changes_of_content"]

_ID: Final = 8
"""Number of characters of a run's id that are shown."""
_NAMED: Final = 3
"""Maximum number of files of a folder, or of steps, that are named."""
_DIGESTS: Final = ("file", "tree", "files")


def changes_of_content(argument: str, now: Now, past: PastRun) -> Change | None:
    """Return how the content of an input that both have differs, as far as it is known; None if it does not differ."""
    spec = now.step.inputs[argument]
    before = mapping(mapping(past.parts.get("inputs")).get(argument)).get("content")
    after = mapping(mapping(now.parts.get("inputs")).get(argument)).get("content")
    told = mapping(past.manifest.get("inputs")).get(argument)
    if argument in now.unknown:
        assert isinstance(spec.source, StepInput)
        if not _must_differ(before, spec.source, now):
            return None
    elif not differ(before, after):
        return None
    old, new = _source_text(told), _text_of(spec.source)
    if _kind_of(told) not in (None, _kind(spec.source)):
        return _change(argument, spec, f"{old} -> {new}", _digest(before), _digest(after))
    match spec.source:
        case StepInput() as source:
            return _of_steps(argument, spec, source, told, now)
        case PipelineInput() as source:
            return _of_pipeline(argument, spec, source, mapping(told), now)
        case ModelInput() as source:
            return _of_model(argument, spec, source, mapping(told), now)
        case source:
            detail = f"{old} -> {new}" if old not in ("", new) else _of_files(source, mapping(told), now)
            return _change(argument, spec, detail, _digest(before), _digest(after))


def _change(argument: str, spec: InputSpec, detail: str, old: JSON, new: JSON) -> Change:
    return Change(Part.INPUT, argument, f"input {argument}: {detail}", old=old, new=new, span=spec.span)


# ------------------------------------------------------------------------------------------- steps


def _must_differ(before: JSON, source: StepInput, now: Now) -> bool:
    """Return whether partly unknown content differs in any case: other variants, another kind, or a known part."""
    steps = now.pipeline.steps
    fixed = {axis for axis, _ in source.selection}
    points = {
        point_text(tuple(point for point in steps[producer].variant if point[0] not in fixed)): producer
        for producer in source.producers
    }
    if any(steps[producer].deferred for producer in source.producers):
        return False
    if not source.fan_in:
        (producer,) = source.producers
        return not _may_equal(before, producer, source, now)
    if not isinstance(before, Mapping) or "variants" not in before:
        return True
    variants = mapping(before["variants"])
    return variants.keys() != points.keys() or any(
        not _may_equal(variants[point], producer, source, now) for point, producer in points.items()
    )


def _may_equal(before: JSON, producer: str, source: StepInput, now: Now) -> bool:
    """Return whether a step can produce, or has produced, this content: known digests are compared, otherwise the kind and the suffix."""
    name = source.output or ""
    record, output = now.records.get(producer), now.pipeline.steps[producer].outputs.get(name)
    if record is not None and name in record.outputs:
        return not differ(before, output_content(record.outputs[name], source.part))
    if output is None:
        return True
    to_come = output_content(OutputRecord("", 0, 0, output.file), source.part)
    return not differ(_without_digest(before), _without_digest(to_come))


def _without_digest(content: JSON) -> JSON:
    return {key: None if key in _DIGESTS else value for key, value in mapping(content).items()}


def _of_steps(argument: str, spec: InputSpec, source: StepInput, told: JSON, now: Now) -> Change:
    """Say which upstream steps are different ones, or produced different content than the past run read, with the runs of both."""
    entries = _entries(told)
    before = {str(entry.get("step")): entry for entry in entries}
    old: JSON = [entry.get("run_id") for entry in entries]
    new: JSON = [now.records[one].run_id for one in source.producers if one in now.records]
    gone = [one for one in before if one not in source.producers]
    added = [one for one in source.producers if one not in before]
    if gone or added:
        return _change(argument, spec, _members(gone, added), old, new)
    if any(entry.get("output") != source.output or entry.get("part") != source.part for entry in entries):
        return _change(argument, spec, f"{_source_text(told)} -> {_text_of(source)}", old, new)
    changed = [one for one in source.producers if _made_other(one, source, before, now)]
    if not changed:
        return _change(argument, spec, "is read in another way", old, new)
    more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
    deleted = now.deleted.get(str(before[changed[0]].get("run_id")))
    what = (
        "produced different content" if deleted is None else f"produced different content: {deleted.detail}"
    )
    return _change(argument, spec, f"'{changed[0]}'{more} {what}", old, new)


def _members(gone: Sequence[str], added: Sequence[str]) -> str:
    if gone and added:
        return f"{_listed(gone)} -> {_listed(added)}"
    several = gone or added
    verb = "is" if len(several) == 1 else "are"
    return f"{_listed(several)} {verb} {'gone' if gone else 'new'}"


def _listed(steps: Sequence[str]) -> str:
    more = f" and {len(steps) - _NAMED} more" if len(steps) > _NAMED else ""
    return ", ".join(f"'{one}'" for one in steps[:_NAMED]) + more


def _made_other(producer: str, source: StepInput, before: Mapping[str, Mapping[str, JSON]], now: Now) -> bool:
    record, name = now.records.get(producer), source.output or ""
    if record is None or name not in record.outputs:
        return False
    return before[producer].get("digest") != record.outputs[name].digest


# ----------------------------------------------------------------------------------------- outside


def _of_pipeline(
    argument: str, spec: InputSpec, source: PipelineInput, told: Mapping[str, JSON], now: Now
) -> Change:
    """Say which step of another pipeline produced different content, and in which runs."""
    result = now.facts.results[source]
    old, new = told.get("run_id"), result.run_id
    if _source_text(told) != _text_of(source, result.step, result.name):
        detail = f"{_source_text(told)} -> {_text_of(source, result.step, result.name)}"
    else:
        runs = f" (run {str(old)[:_ID]} -> {new[:_ID]})" if old else f" (run {new[:_ID]} now)"
        detail = f"{_text_of(source, result.step, result.name)} produced different content{runs}"
        deleted = now.deleted.get(str(old))
        detail += "" if deleted is None else f": {deleted.detail}"
    return _change(argument, spec, detail, old, new)


def _of_model(
    argument: str, spec: InputSpec, source: ModelInput, told: Mapping[str, JSON], now: Now
) -> Change:
    """Say that another version of a model is used: another name or number, or because an alias has moved."""
    result = now.facts.results[source]
    old, new = told.get("version"), result.version
    if _source_text(told) != _text_of(source):
        detail = f"{_source_text(told)} -> {_text_of(source)}"
    elif old == new:
        detail = f"{_text_of(source)} has other content, though it still is version {new}"
    else:
        detail = f"{_text_of(source)} is version {new} now, it was {old}"
    return _change(argument, spec, detail, old, new)


def _of_files(source: FileInput | DirInput | FilesInput, told: Mapping[str, JSON], now: Now) -> str:
    """Say which files of a folder or pattern changed, if they are recorded."""
    place = source.pattern if isinstance(source, FilesInput) else source.path
    before, after = mapping(told.get("manifest")), now.facts.files[place].manifest
    changed = [
        f"{name} {'is new' if name not in before else 'is gone' if name not in after else 'changed'}"
        for name in sorted({**before, **after})
        if before.get(name) != after.get(name)
    ]
    if isinstance(source, FileInput) or not (before and after and changed):
        return f"content of '{source.text}' changed"
    more = f" and {len(changed) - _NAMED} more" if len(changed) > _NAMED else ""
    return f"in '{source.text}', {', '.join(changed[:_NAMED])}{more}"


# --------------------------------------------------------------------------------------- spellings


def _entries(told: JSON) -> list[Mapping[str, JSON]]:
    return [mapping(entry) for entry in told] if isinstance(told, list) else []


def _kind_of(told: JSON) -> str | None:
    """Name the source in a manifest's entry: steps, a file, another pipeline, a model; None if it is none of these."""
    if isinstance(told, list):
        return "steps"
    return next((kind for kind in ("external", "pipeline", "model") if kind in mapping(told)), None)


def _kind(source: InputSource) -> str:
    match source:
        case StepInput():
            return "steps"
        case PipelineInput():
            return "pipeline"
        case ModelInput():
            return "model"
        case _:
            return "external"


def _source_text(told: JSON | Mapping[str, JSON]) -> str:
    """Format the source in a manifest's entry; empty if it names nothing."""
    match told:
        case list():
            entries = _entries(told)
            first = _output_text(entries[0], "step") if entries else "no step"
            return first if len(entries) < 2 else f"{first} and {len(entries) - 1} more"
        case {"external": str(text)}:
            return f"'{text}'"
        case {"model": str(text)}:
            return f"'{text}'"
        case {"pipeline": str(text)}:
            return f"{_output_text(mapping(told), 'step')} of '{text}'"
        case _:
            return ""


def _output_text(entry: Mapping[str, JSON], step: str) -> str:
    parts = [str(entry[key]) for key in (step, "output") if entry.get(key) is not None]
    part = f"/{entry['part']}" if entry.get("part") is not None else ""
    return f"'{'.'.join(parts)}{part}'"


def _text_of(source: InputSource, step: str | None = None, output: str | None = None) -> str:
    """Format a source in the same way. `step` and `output` are what the reference to another pipeline means."""
    match source:
        case StepInput():
            entry: dict[str, JSON] = {
                "step": source.producers[0],
                "output": source.output,
                "part": source.part,
            }
            more = f" and {len(source.producers) - 1} more" if len(source.producers) > 1 else ""
            return _output_text(entry, "step") + more
        case PipelineInput():
            entry = {"step": step or source.step, "output": output or source.output}
            return f"{_output_text(entry, 'step')} of '{source.text}'"
        case _:
            return f"'{source.text}'"


def _digest(content: JSON) -> JSON:
    return next((mapping(content)[kind] for kind in _DIGESTS if kind in mapping(content)), None)
