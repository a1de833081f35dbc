"""What differs between a step as it is now and one past run of it, part by part of its key.

Takes the key's parts of both, what the past run's manifest keeps, and the facts of now; gives `Change`s in the
order of a key's parts, each with the line that brought the new value about. Pure; a manifest that lacks what
newer ones keep only makes the answer less specific.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from pipespec.document.nodes import JSON, MappingNode, Node
from pipespec.errors import Span
from pipespec.plan.identity import point_name
from pipespec.plan.model import CodeFacts, CodePiece, Facts, Reason, ReasonKind, StepRecord
from pipespec.spec.model import CallableRef, PipelineSpec, StepInput, StepSpec

__all__ = [
    "Change",
    "Now",
    "Part",
    "PastRun",
    "changes_since",
    "piece_place",
    "place_text",
    "reason_of",
    "value_text",
]

_SHOWN: Final = 60
"""Characters of a value that are shown."""
_DIFF_LINES: Final = 400
"""Lines of one diff that are kept."""


class Part(StrEnum):
    """The part of a key that a change belongs to; scripts read these words."""

    NAME = "name"
    CALL = "call"
    CODE = "code"
    PARAM = "param"
    INPUT = "input"
    OUTPUT = "output"
    VERSION = "version"
    PACKAGE = "package"
    PROBE = "probe"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that differs. `detail` says it in a sentence part, without the place.

    `old` and `new` are None where there is no such thing; of code and content they are digests. `span` is the line
    of the document that sets the new value, `place` is `file:line` of changed code. `diff` is a unified diff of
    its text, empty where one of both texts is not kept.
    """

    part: Part
    name: str
    detail: str
    old: JSON = None
    new: JSON = None
    span: Span | None = None
    place: str | None = None
    diff: str = ""


@dataclass(frozen=True, slots=True)
class PastRun:
    """A complete run as the store tells it; `manifest` is empty where it cannot be used.

    `key` is the run's own, `accepted` holds those that it counts for since somebody said so. Times are POSIX
    seconds.
    """

    run_id: str
    step: str
    key: str
    generation: int
    started: float
    ended: float
    manifest: Mapping[str, JSON] = field(default_factory=dict)
    accepted: frozenset[str] = frozenset()

    @property
    def parts(self) -> Mapping[str, JSON]:
        """The parts of its key."""
        return _mapping(self.manifest.get("parts"))


@dataclass(frozen=True, slots=True)
class Now:
    """A step as it is planned: what is known of its key's parts.

    `unknown` are the inputs whose content is not known yet, and `open_params` the params that axes will bind whose
    values are not. `records` has by step id the run that each known input is read from.
    """

    pipeline: PipelineSpec
    step: StepSpec
    facts: Facts
    parts: Mapping[str, JSON]
    unknown: frozenset[str] = frozenset()
    open_params: frozenset[str] = frozenset()
    records: Mapping[str, StepRecord] = field(default_factory=dict)


def changes_since(now: Now, past: PastRun) -> tuple[Change, ...]:
    """Return what differs between a past run and now; nothing where one of both has no key to compare."""
    if not past.parts or not now.parts:
        return ()
    return (
        *_scalars(now, past),
        *_code(now, past),
        *_params(now, past),
        *_inputs(now, past),
        *_outputs(now, past),
        *_packages(now, past),
        *_probe(now, past),
    )


def reason_of(change: Change) -> Reason:
    """Return a change as a plan's reason, with its place: `param since: 1 -> 2 (news.yaml:8)`."""
    place = change.place or (place_text(change.span) if change.span is not None else "")
    return Reason(ReasonKind.CHANGED, f"{change.detail} ({place})" if place else change.detail, change.span)


def place_text(span: Span) -> str:
    """Spell a place: `news.yaml:8`, `prod.yaml:3, overlay`, `--set params.x=1`."""
    if span.layer == "set":
        return f"--set {span.file.removeprefix('--set ')}"
    return f"{span.file}:{span.line}" + ("" if span.layer == "file" else f", {span.layer}")


def piece_place(piece: CodePiece, root: Path) -> str:
    """Spell where a piece of code begins: `news/text.py:12`, from the project root where it is below that."""
    path = Path(piece.file)
    return f"{path.relative_to(root) if path.is_relative_to(root) else path}:{piece.line}"


def value_text(value: JSON) -> str:
    """Spell a value on one line; `1` and `"1"` differ, and a long one is cut."""
    text = point_name((("", value),))[1:]
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


# ------------------------------------------------------------------------------------ name, call, version


def _scalars(now: Now, past: PastRun) -> Iterator[Change]:
    old, new = past.parts.get("name"), now.parts.get("name")
    if old != new:
        yield Change(
            Part.NAME, str(new), f"renamed: this was step '{old}'", old=old, new=new, span=now.step.span
        )
    old, new = past.parts.get("call"), now.parts.get("call")
    if old != new:
        yield Change(Part.CALL, str(new), f"call: {old} -> {new}", old=old, new=new, span=now.step.call.span)
    old, new = past.parts.get("version"), now.parts.get("version")
    if _differ(old, new):
        detail = f"version: {value_text(old)} -> {value_text(new)}"
        yield Change(Part.VERSION, "version", detail, old=old, new=new, span=_declared(now, "version"))


# ------------------------------------------------------------------------------------------------- code


def _code(now: Now, past: PastRun) -> Iterator[Change]:
    old, new = past.parts.get("code"), now.parts.get("code")
    counted = past.manifest.get("code")
    if _differ(old, new):
        yield from _code_of(now.step.call, old, new, counted, now, past)


def _code_of(
    ref: CallableRef, old: JSON, new: JSON, counted: JSON, now: Now, past: PastRun
) -> Iterator[Change]:
    """Compare the code of one callable that differs, from the pieces that were counted to the whole."""
    known = now.facts.code[str(ref)]
    before = {name: str(digest) for name, digest in _mapping(counted).items()}
    if "digest" in _mapping(old) and "digest" in _mapping(new) and before:
        found = tuple(_pieces(before, known, past, now.pipeline.root))
        if found:
            yield from found
            return
    if _mapping(old).get("package") or _mapping(new).get("package"):
        detail = f"code of {ref}: {_package_text(old)} -> {_package_text(new)}"
    elif old is None or new is None:
        detail = f"code of {ref} {'counts' if old is None else 'does not count'} now"
    else:
        detail = f"code of {ref} changed"
    yield Change(Part.CODE, str(ref), detail, old=old, new=new, span=ref.span)


def _pieces(before: Mapping[str, str], known: CodeFacts, past: PastRun, root: Path) -> Iterator[Change]:
    """Yield the pieces that changed; a function and its annotations are one."""
    sources = _mapping(past.manifest.get("sources"))
    changed = [
        name
        for name in sorted(before.keys() | known.counted.keys())
        if before.get(name) != known.counted.get(name)
    ]
    for name in dict.fromkeys(map(_owner, changed)):
        annotated = [one for one in changed if _owner(one) == name]
        old = next((before[one] for one in annotated if one in before), None)
        new = next((known.counted[one] for one in annotated if one in known.counted), None)
        piece = known.pieces.get(name) or known.pieces.get(name.partition(".")[0])
        text = sources.get(name, sources.get(name.partition(".")[0]))
        what = "counts now" if old is None else "does not count any more" if new is None else "changed"
        yield Change(
            Part.CODE,
            name,
            f"code {name} {what}",
            old=old,
            new=new,
            place=None if piece is None or new is None else piece_place(piece, root),
            diff=_diff(
                name,
                "" if old is None else text if isinstance(text, str) else None,
                "" if new is None else None if piece is None else piece.text,
            ),
        )


def _owner(name: str) -> str:
    return name.removesuffix(" annotations")


def _diff(name: str, old: str | None, new: str | None) -> str:
    if old is None or new is None or old == new:
        return ""
    found = difflib.unified_diff(
        old.splitlines(), new.splitlines(), f"{name} before", f"{name} now", lineterm=""
    )
    lines = list(found)
    more = len(lines) - _DIFF_LINES
    return "\n".join([*lines[:_DIFF_LINES], *([f"... {more} more lines"] if more > 0 else [])])


def _package_text(code: JSON) -> str:
    package = _mapping(code).get("package")
    return " ".join(map(str, package)) if isinstance(package, list) else "the project's own"


# ----------------------------------------------------------------------------------------------- params


def _params(now: Now, past: PastRun) -> Iterator[Change]:
    left_out = now.open_params | set(now.step.identity.ignore)
    old = {name: value for name, value in _mapping(past.parts.get("params")).items() if name not in left_out}
    new = _mapping(now.parts.get("params"))
    for path, before, after in _leaves_that_differ(old, new):
        node = _node_at(now.step.params, path)
        span = (node.origin or node.span) if node is not None else now.step.span
        yield _of_values(Part.PARAM, "param", ".".join(path), before, after, span)


def _probe(now: Now, past: PastRun) -> Iterator[Change]:
    probe = now.step.identity.probe
    span = now.step.span if probe is None else probe.span
    answers = [{key: parts[key] for key in ("probe",) if key in parts} for parts in (past.parts, now.parts)]
    for path, before, after in _leaves_that_differ(*answers):
        name = ".".join(path[1:])
        yield _of_values(Part.PROBE, "probe's" if name else "probe's answer", name, before, after, span)


def _packages(now: Now, past: PastRun) -> Iterator[Change]:
    old, new = _mapping(past.parts.get("packages")), _mapping(now.parts.get("packages"))
    for path, before, after in _leaves_that_differ(old, new):
        yield _of_values(Part.PACKAGE, "package", ".".join(path), before, after, _declared(now, "packages"))


class _Nothing:
    """Stands for a value that is not there; None is a value."""


_NOTHING: Final = _Nothing()


def _of_values(
    part: Part, word: str, name: str, old: JSON | _Nothing, new: JSON | _Nothing, span: Span
) -> Change:
    before, after = None if isinstance(old, _Nothing) else old, None if isinstance(new, _Nothing) else new
    label = f"{word} {name}" if name else word
    if isinstance(old, _Nothing):
        detail = f"{label}: new, {_told(part, after)}"
    elif isinstance(new, _Nothing):
        detail = f"{label}: gone, it was {_told(part, before)}"
    else:
        detail = f"{label}: {_two_texts(part, before, after)}"
    return Change(part, name or word, detail, old=before, new=after, span=span)


def _two_texts(part: Part, old: JSON, new: JSON) -> str:
    one, other = _told(part, old), _told(part, new)
    if one != other:
        return f"{one} -> {other}"
    texts = json.dumps(old, ensure_ascii=False), json.dumps(new, ensure_ascii=False)
    pairs = enumerate(zip(*texts, strict=False), start=1)
    first = next((place for place, (a, b) in pairs if a != b), min(map(len, texts)) + 1)
    return f"another text from character {first} on"


def _told(part: Part, value: JSON) -> str:
    if part is Part.PACKAGE:
        return "not installed" if value is None else str(value)
    return value_text(value)


def _leaves_that_differ(
    old: Mapping[str, JSON], new: Mapping[str, JSON]
) -> Iterator[tuple[tuple[str, ...], JSON | _Nothing, JSON | _Nothing]]:
    """Yield path, old and new value wherever two trees differ; a list is one value."""
    waiting: list[tuple[tuple[str, ...], JSON | _Nothing, JSON | _Nothing]] = [
        ((key,), old.get(key, _NOTHING), new.get(key, _NOTHING)) for key in {**old, **new}
    ]
    waiting.reverse()
    while waiting:
        path, before, after = waiting.pop()
        if isinstance(before, dict) and isinstance(after, dict):
            below = [
                ((*path, key), before.get(key, _NOTHING), after.get(key, _NOTHING))
                for key in {**before, **after}
            ]
            waiting += reversed(below)
        elif _differ(before, after):
            yield path, before, after


# ----------------------------------------------------------------------------------------------- inputs


def _inputs(now: Now, past: PastRun) -> Iterator[Change]:
    old, new = _mapping(past.parts.get("inputs")), _mapping(now.parts.get("inputs"))
    for argument in {**old, **new}:
        spec = now.step.inputs.get(argument)
        if spec is None:
            yield Change(Part.INPUT, argument, f"input {argument}: gone", old=argument, span=now.step.span)
        elif argument not in old:
            detail = f"input {argument}: new"
            yield Change(Part.INPUT, argument, detail, new=argument, span=spec.span)
        else:
            before, after = _mapping(old[argument]), _mapping(new[argument])
            if argument not in now.unknown and _differ(before.get("content"), after.get("content")):
                yield _of_content(argument, now, past)
            if _differ(before.get("load"), after.get("load")):
                yield from _of_way(
                    f"input {argument}", Part.INPUT, argument, before.get("load"), after.get("load"),
                    spec.load, spec.span, now, past,
                )  # fmt: skip


def _of_content(argument: str, now: Now, past: PastRun) -> Change:
    spec = now.step.inputs[argument]
    told = _mapping(past.manifest.get("inputs")).get(argument)
    if isinstance(spec.source, StepInput):
        detail, old, new = _of_producers(spec.source, told, now)
    else:
        then = _mapping(told)
        written = then.get("external", then.get("pipeline"))
        old, new = _digest_in(then), _digest_in(now.parts["inputs"], argument)
        text = spec.source.text
        detail = f"'{written}' -> '{text}'" if written not in (text, None) else f"content of '{text}' changed"
    return Change(Part.INPUT, argument, f"input {argument}: {detail}", old=old, new=new, span=spec.span)


def _of_producers(source: StepInput, told: JSON, now: Now) -> tuple[str, JSON, JSON]:
    """Say which upstream steps made other content than those that the past run read; with the runs of both."""
    entries = [_mapping(entry) for entry in told] if isinstance(told, list) else []
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
        told = _mapping(_mapping(past.manifest.get("also_called")).get(str(way)))
        yield from _code_of(way, old[2], new[2], told.get("code"), now, past)
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


# ---------------------------------------------------------------------------------------------- outputs


def _outputs(now: Now, past: PastRun) -> Iterator[Change]:
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
        elif _differ(old[name][1], new[name][1]):
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


# ------------------------------------------------------------------------------------------------ parts


def _differ(one: object, other: object) -> bool:
    """Compare as a key does: `1`, `1.0`, `true` and `"1"` are four values."""
    if isinstance(one, _Nothing) or isinstance(other, _Nothing):
        return one is not other
    return json.dumps(one, sort_keys=True) != json.dumps(other, sort_keys=True)


def _mapping(value: JSON | Mapping[str, JSON]) -> Mapping[str, JSON]:
    return value if isinstance(value, Mapping) else {}


def _digest_in(value: JSON | Mapping[str, JSON], argument: str | None = None) -> JSON:
    if argument is None:
        return _mapping(value).get("digest")
    content = _mapping(_mapping(_mapping(value).get(argument)).get("content"))
    return next((content[kind] for kind in ("file", "tree", "files") if kind in content), None)


def _node_at(params: Mapping[str, Node], path: Collection[str]) -> Node | None:
    """Return the node at a path, or the last one on the way to it."""
    first, *rest = path
    node = params.get(first)
    for key in rest:
        below = node.get(key) if isinstance(node, MappingNode) else None
        if below is None:
            break
        node = below
    return node


def _declared(now: Now, key: str) -> Span:
    """Return where the step's identity states a key, else where the step stands."""
    node: Node | None = now.pipeline.document
    for name in ("steps", now.step.name, "identity", key):
        node = node.get(name) if isinstance(node, MappingNode) else None
    return now.step.span if node is None else node.origin or node.span
