"""What differs in what a step reads and produces: the content of inputs, the outputs, and how they are loaded, saved and tested."""

from __future__ import annotations

from collections.abc import Iterator

from pipespec.document.nodes import JSON
from pipespec.errors import Span
from pipespec.plan.changes.change import Change, Now, Part, PastRun, differ, mapping
from pipespec.plan.changes.change_wording import value_text
from pipespec.plan.changes.code_changes import changes_of_callable
from pipespec.plan.changes.input_changes import changes_of_content
from pipespec.python.callable_ref import CallableRef
from pipespec.spec.pipeline_spec import OutputSpec

__all__ = ["changes_of_after", "changes_of_inputs", "changes_of_outputs"]


def changes_of_inputs(now: Now, past: PastRun) -> Iterator[Change]:
    """Yield the inputs that were added, removed, have other content, or are loaded in another way."""
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
            content = changes_of_content(argument, now, past)
            if content is not None:
                yield content
            if differ(before.get("load"), after.get("load")):
                yield from _of_way(
                    f"input {argument}", Part.INPUT, argument, before.get("load"), after.get("load"),
                    spec.load, spec.span, now, past,
                )  # fmt: skip
            span = spec.span if spec.schema is None else spec.schema.span
            yield from _of_schema(Part.INPUT, argument, before.get("schema"), after.get("schema"), span)


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
            return "by suffix"


def changes_of_outputs(now: Now, past: PastRun) -> Iterator[Change]:
    """Yield the outputs that were added, removed or renamed, or that are saved in another way or in another order."""
    old, new = _rows(past.parts.get("outputs")), _rows(now.parts.get("outputs"))
    for name in {**old, **new}:
        spec = now.step.outputs.get(name)
        if spec is None:
            detail = f"output {name}: removed, it was '{old[name][0]}'"
            yield Change(Part.OUTPUT, name, detail, old=old[name][0], span=now.step.span)
        elif name not in old:
            detail = f"output {name}: new, '{spec.file}'"
            yield Change(Part.OUTPUT, name, detail, new=spec.file, span=spec.span)
        elif old[name][0] != new[name][0]:
            detail = f"output {name}: '{old[name][0]}' -> '{spec.file}'"
            yield Change(Part.OUTPUT, name, detail, old=old[name][0], new=spec.file, span=spec.span)
        else:
            if differ(old[name][1], new[name][1]):
                yield from _of_way(
                    f"output {name}", Part.OUTPUT, name, old[name][1], new[name][1],
                    spec.save, spec.span, now, past,
                )  # fmt: skip
            if differ(old[name][3], new[name][3]):
                yield _of_flavor(name, old[name][3], new[name][3], spec)
            span = spec.span if spec.schema is None else spec.schema.span
            yield from _of_schema(Part.OUTPUT, name, old[name][2], new[name][2], span)
    if old.keys() == new.keys() and [*old] != [*new]:
        names = [", ".join(rows) for rows in (old, new)]
        detail = f"order of outputs: {names[0]} -> {names[1]}"
        yield Change(Part.OUTPUT, "order", detail, old=[*old], new=[*new], span=now.step.span)


def changes_of_after(now: Now, past: PastRun) -> Iterator[Change]:
    """Yield what differs in the function that tests the outputs."""
    old, new, after = past.parts.get("after"), now.parts.get("after"), now.step.after
    if not differ(old, new):
        return
    if after is not None and isinstance(old, list) and isinstance(new, list) and old[:2] == new[:2]:
        told = mapping(mapping(past.manifest.get("also_called")).get(str(after)))
        yield from changes_of_callable(after, old[2], new[2], told.get("code"), now, past)
        return
    names = [str(one[1]) if isinstance(one, list) and len(one) > 1 else "none" for one in (old, new)]
    span = now.step.span if after is None else after.span
    yield Change(
        Part.CALL, "after", f"after: {names[0]} -> {names[1]}", old=names[0], new=names[1], span=span
    )


def _of_schema(part: Part, name: str, old: JSON, new: JSON, span: Span) -> Iterator[Change]:
    """Say that the schema for the content is another one, or was added or removed."""
    if old != new:
        what = "has no schema any more" if new is None else "has a schema now" if old is None else ""
        detail = f"{part} {name}: {what or 'its schema changed'}"
        yield Change(part, name, detail, old=old, new=new, span=span)


def _of_flavor(name: str, old: JSON, new: JSON, spec: OutputSpec) -> Change:
    """Say that an output is a model with another flavor or another example, or has become a model."""
    flavors = [mapping(one).get("flavor") for one in (old, new)]
    examples = [mapping(one).get("example") for one in (old, new)]
    what, (before, after) = ("flavor", flavors) if flavors[0] != flavors[1] else ("example", examples)
    detail = f"output {name}: {what} {before or 'none'} -> {after or 'none'}"
    span = spec.span if spec.model is None else spec.model.span
    return Change(Part.OUTPUT, name, detail, old=before, new=after, span=span)


def _rows(value: JSON) -> dict[str, tuple[JSON, JSON, JSON, JSON]]:
    """Return file, way of saving, schema and model by the output's name. A row without the last two is shorter."""
    rows = value if isinstance(value, list) else []
    return {
        str(row[0]): (
            row[1],
            row[2],
            next((one for one in row[3:] if isinstance(one, str)), None),
            next((one for one in row[3:] if isinstance(one, dict)), None),
        )
        for row in rows
        if isinstance(row, list) and len(row) >= 3
    }
