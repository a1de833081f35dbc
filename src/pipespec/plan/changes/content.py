"""What differs in what a step reads and makes: the content of its inputs, its outputs, how they are loaded and saved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pipespec.document.nodes import JSON
from pipespec.errors import Span
from pipespec.plan.changes.code import changes_of_callable
from pipespec.plan.changes.model import Change, Now, Part, PastRun, differ, mapping
from pipespec.plan.changes.wording import value_text
from pipespec.spec.model import CallableRef, StepInput

__all__ = ["changes_of_inputs", "changes_of_outputs"]


def changes_of_inputs(now: Now, past: PastRun) -> Iterator[Change]:
    """Yield the inputs that are new, gone, of other content or loaded in another way; unknown content is left out."""
    old, new = mapping(past.parts.get("inputs")), mapping(now.parts.get("inputs"))
    for argument in {**old, **new}:
        spec = now.step.inputs.get(argument)
        if spec is None:
            yield Change(Part.INPUT, argument, f"input {argument}: gone", old=argument, span=now.step.span)
        elif argument not in old:
            detail = f"input {argument}: new"
            yield Change(Part.INPUT, argument, detail, new=argument, span=spec.span)
        else:
            before, after = mapping(old[argument]), mapping(new[argument])
            if argument not in now.unknown and differ(before.get("content"), after.get("content")):
                yield _of_content(argument, now, past)
            if differ(before.get("load"), after.get("load")):
                yield from _of_way(
                    f"input {argument}", Part.INPUT, argument, before.get("load"), after.get("load"),
                    spec.load, spec.span, now, past,
                )  # fmt: skip


def _of_content(argument: str, now: Now, past: PastRun) -> Change:
    spec = now.step.inputs[argument]
    told = mapping(past.manifest.get("inputs")).get(argument)
    if isinstance(spec.source, StepInput):
        detail, old, new = _of_producers(spec.source, told, now)
    else:
        then = mapping(told)
        written = then.get("external", then.get("pipeline"))
        old, new = _digest_in(then), _digest_in(now.parts["inputs"], argument)
        text = spec.source.text
        detail = f"'{written}' -> '{text}'" if written not in (text, None) else f"content of '{text}' changed"
    return Change(Part.INPUT, argument, f"input {argument}: {detail}", old=old, new=new, span=spec.span)


def _of_producers(source: StepInput, told: JSON, now: Now) -> tuple[str, JSON, JSON]:
    """Say which upstream steps made other content than those that the past run read; with the runs of both."""
    entries = [mapping(entry) for entry in told] if isinstance(told, list) else []
    before = {str(entry.get("step")): entry for entry in entries}
    old: JSON = [entry.get("run_id") for entry in entries]
    new: JSON = [now.records[producer].run_id for producer in source.producers]
    gone = [one for one in before if one not in source.producers]
    added = [one for one in source.producers if one not in before]
    if gone or added:
        read = [f"'{one}'" for one in (*gone[:1], *added[:1])]
        detail = " -> ".join(read) if gone and added else f"{read[0]} is {'gone' if gone else 'new'}"
        return detail, old, new
    assert source.output is not None  # checks see to it
    if any(entry.get("output") != source.output for entry in entries):
        return f"'{entries[0].get('output')}' -> '{source.output}' of '{source.step}'", old, new
    changed = [
        one
        for one in source.producers
        if before[one].get("digest") != now.records[one].outputs[source.output].digest
    ]
    more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
    return f"'{changed[0]}'{more} made other content" if changed else "another part is read", old, new


def _of_way(
    label: str,
    part: Part,
    name: str,
    old: JSON,
    new: JSON,
    way: object,
    span: Span,
    now: Now,
    past: PastRun,
) -> Iterator[Change]:
    """Compare how content is loaded or saved: options, or a callable with its code."""
    if (
        isinstance(way, CallableRef)
        and isinstance(old, list)
        and isinstance(new, list)
        and old[:2] == new[:2]
    ):
        told = mapping(mapping(past.manifest.get("also_called")).get(str(way)))
        yield from changes_of_callable(way, old[2], new[2], told.get("code"), now, past)
        return
    verb = "load" if part is Part.INPUT else "save"
    detail = f"{label}: {verb} {_way_text(old)} -> {_way_text(new)}"
    yield Change(part, name, detail, old=old, new=new, span=span)


def _way_text(way: JSON) -> str:
    match way:
        case ["options", options]:
            return value_text(options)
        case [word]:
            return str(word)
        case ["call", call, *_]:
            return str(call)
        case _:
            return "by its suffix"


def changes_of_outputs(now: Now, past: PastRun) -> Iterator[Change]:
    """Yield the outputs that are new, gone, of another name, saved in another way or in another order."""
    old, new = _rows(past.parts.get("outputs")), _rows(now.parts.get("outputs"))
    for name in {**old, **new}:
        spec = now.step.outputs.get(name)
        if spec is None:
            detail = f"output {name}: gone, it was '{old[name][0]}'"
            yield Change(Part.OUTPUT, name, detail, old=old[name][0], span=now.step.span)
        elif name not in old:
            detail = f"output {name}: new, '{spec.file}'"
            yield Change(Part.OUTPUT, name, detail, new=spec.file, span=spec.span)
        elif old[name][0] != new[name][0]:
            detail = f"output {name}: '{old[name][0]}' -> '{spec.file}'"
            yield Change(Part.OUTPUT, name, detail, old=old[name][0], new=spec.file, span=spec.span)
        elif differ(old[name][1], new[name][1]):
            yield from _of_way(
                f"output {name}", Part.OUTPUT, name, old[name][1], new[name][1],
                spec.save, spec.span, now, past,
            )  # fmt: skip
    if old.keys() == new.keys() and [*old] != [*new]:
        names = [", ".join(rows) for rows in (old, new)]
        detail = f"outputs in another order: {names[0]} -> {names[1]}"
        yield Change(Part.OUTPUT, "order", detail, old=[*old], new=[*new], span=now.step.span)


def _rows(value: JSON) -> dict[str, tuple[JSON, JSON]]:
    rows = value if isinstance(value, list) else []
    return {str(row[0]): (row[1], row[2]) for row in rows if isinstance(row, list) and len(row) == 3}


def _digest_in(value: JSON | Mapping[str, JSON], argument: str | None = None) -> JSON:
    if argument is None:
        return mapping(value).get("digest")
    content = mapping(mapping(mapping(value).get(argument)).get("content"))
    return next((content[kind] for kind in ("file", "tree", "files") if kind in content), None)
