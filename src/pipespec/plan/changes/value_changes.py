"""What differs in values: params, the result of the probe, the versions of packages. Each leaf of a mapping is a value."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from pipespec.document.nodes import JSON, MappingNode, Node, set_at
from pipespec.errors import Span
from pipespec.plan.changes.change import Change, Now, Part, PastRun, declared_at, differ, mapping
from pipespec.plan.changes.change_wording import value_text

__all__ = ["changes_of_packages", "changes_of_params", "changes_of_probe"]


def changes_of_params(now: Now, past: PastRun) -> Iterator[Change]:
    """Yield the params that differ (for a nested one, its leaves), each with the line that sets it."""
    ignored = dict(zip(now.step.identity.ignore, now.step.identity.ignore_spans, strict=False))
    counted, new = mapping(past.parts.get("params")), mapping(now.parts.get("params"))
    for name in [name for name in counted if name in now.step.identity.ignore]:
        detail = f"param {name}: is ignored now"
        span = ignored.get(name, declared_at(now, "ignore"))
        yield Change(Part.PARAM, name, detail, old=counted[name], span=span)
    passed = mapping(past.manifest.get("params"))
    for name in [name for name in new if name in passed and name not in counted]:
        span = declared_at(now)
        yield Change(Part.PARAM, name, f"param {name}: is not ignored any more", new=new[name], span=span)
        new = {other: value for other, value in new.items() if other != name}
    left_out = now.open_params | set(now.step.identity.ignore)
    old = {name: value for name, value in counted.items() if name not in left_out}
    for path, before, after in _leaves_that_differ(old, new):
        node = _node_at(now.step.params, path)
        span = now.step.span if node is None else set_at(node)
        yield _of_values(Part.PARAM, "param", ".".join(path), before, after, span)


def changes_of_probe(now: Now, past: PastRun) -> Iterator[Change]:
    """Yield what differs in the result of the probe."""
    probe = now.step.identity.probe
    span = now.step.span if probe is None else probe.span
    answers = [{key: parts[key] for key in ("probe",) if key in parts} for parts in (past.parts, now.parts)]
    for path, before, after in _leaves_that_differ(*answers):
        name = ".".join(path[1:])
        yield _of_values(Part.PROBE, "probe's" if name else "probe's answer", name, before, after, span)


def changes_of_packages(now: Now, past: PastRun) -> Iterator[Change]:
    """Yield the packages of `identity.packages` whose version differs."""
    old, new = mapping(past.parts.get("packages")), mapping(now.parts.get("packages"))
    for path, before, after in _leaves_that_differ(old, new):
        yield _of_values(Part.PACKAGE, "package", ".".join(path), before, after, declared_at(now, "packages"))


class _Nothing:
    """Represents a value that does not exist. None is a value."""


_NOTHING: Final = _Nothing()


def _of_values(
    part: Part, word: str, name: str, old: JSON | _Nothing, new: JSON | _Nothing, span: Span
) -> Change:
    before, after = None if isinstance(old, _Nothing) else old, None if isinstance(new, _Nothing) else new
    label = f"{word} {name}" if name else word
    if isinstance(old, _Nothing):
        detail = f"{label}: new, {_told(part, after)}"
    elif isinstance(new, _Nothing):
        detail = f"{label}: removed, it was {_told(part, before)}"
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
    return f"the text differs from character {first} on"


def _told(part: Part, value: JSON) -> str:
    if part is Part.PACKAGE:
        return "not installed" if value is None else str(value)
    return value_text(value)


def _leaves_that_differ(
    old: Mapping[str, JSON], new: Mapping[str, JSON]
) -> Iterator[tuple[tuple[str, ...], JSON | _Nothing, JSON | _Nothing]]:
    """Yield path, old and new value wherever two trees differ. A list is one value, and so is a mapping in another order."""
    waiting: list[tuple[tuple[str, ...], JSON | _Nothing, JSON | _Nothing]] = [
        ((key,), old.get(key, _NOTHING), new.get(key, _NOTHING)) for key in {**old, **new}
    ]
    waiting.reverse()
    while waiting:
        path, before, after = waiting.pop()
        if isinstance(before, dict) and isinstance(after, dict) and not _is_reordered(before, after):
            below = [
                ((*path, key), before.get(key, _NOTHING), after.get(key, _NOTHING))
                for key in {**before, **after}
            ]
            waiting += reversed(below)
        elif (
            isinstance(before, _Nothing)
            or isinstance(after, _Nothing)
            or differ(before, after)
            or _is_reordered(before, after)
        ):
            yield path, before, after


def _is_reordered(before: JSON, after: JSON) -> bool:
    """Return whether two mappings have the same content in another order, which a function can notice."""
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return False
    return not differ(before, after) and [*before] != [*after]


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
