"""Find keys that are indented too far or too little: valid YAML with another meaning than intended.

Takes a document and its violations of the schema. Returns one diagnostic for each key that would be valid at another
place nearby, and the remaining violations. Only block style is considered: in braces, indentation has no meaning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final, TypeAlias

from pipespec.document.key_search import find_key
from pipespec.document.nodes import Entry, MappingNode, Node, ScalarNode
from pipespec.document.wording import listing, quote
from pipespec.errors import Diagnostic, counted
from pipespec.frozen_values import frozen
from pipespec.spec.schema.json_schema import Path, SchemaRule, Violation, violations
from pipespec.spec.schema.likely_shapes import likely_shape

__all__ = ["misplaced_keys"]

_Told: TypeAlias = tuple[Path, Diagnostic, Sequence[str]]
"""The path where a key belongs, the diagnostic, and the keys beside each other that it explains."""
_MOST: Final = 50
"""Maximum number of violations that are examined: as many as a text report shows."""


@frozen
class _Place:
    """A mapping of the document, with what the schema requires of it."""

    path: Path
    node: MappingNode
    rule: SchemaRule

    @property
    def indent(self) -> int | None:
        """The number of spaces before its keys; None in braces."""
        first = next(iter(self.node.entries.values()), None)
        is_block = first is not None and first.key_span[:3] == self.node.span[:3]
        return self.node.span.column - 1 if is_block else None

    def rule_of(self, key: str) -> SchemaRule | None:
        """Return the rule of the schema for a key, or None if it does not know the key."""
        known = self.rule.properties.get(key, self.rule.additional)
        return None if known is None or known.accepts_nothing else known

    def knows(self, key: str) -> bool:
        """Return whether a key is known here. If so, it is not misplaced, whatever its value is."""
        return key in self.rule.properties and not self.rule.properties[key].accepts_nothing

    def takes(self, key: str, value: Node) -> bool:
        """Return whether a key that is not here would be valid here: by its name, or as a step."""
        if key in self.node.entries:
            return False
        if self.path == ("steps",):
            return isinstance(value, MappingNode) and "call" in value.entries
        return self.knows(key) and (_is_empty(value) or not violations(self.rule.properties[key], value))

    def __str__(self) -> str:
        match self.path:
            case ():
                return "a key of the pipeline"
            case ("steps",):
                return "a step"
            case ("steps", str(step)):
                return f"a key of step {quote(step)}"
            case _:
                return f"an entry of {quote(str(self.path[-1]))}"


def misplaced_keys(
    document: MappingNode, rule: SchemaRule, broken: Sequence[Violation]
) -> tuple[list[tuple[Path, Diagnostic]], list[Violation]]:
    """Return the misplaced keys, each with the path where it belongs, and the other violations."""
    found: list[tuple[Path, Diagnostic]] = []
    explained: set[Path] = set()
    for one in broken[:_MOST]:
        if any(_whole_path(one)[: len(path)] == path for path in explained):
            continue
        for place, key in _suspects(document, rule, one):
            told = _below_an_empty_key(place, key, broken) or _elsewhere(document, rule, place, key)
            if told is not None:
                path, diagnostic, keys = told
                found.append((path, diagnostic))
                explained.update((*place.path, name) for name in keys)
                if one.keyword == "required" and path == (*one.path, one.key):
                    explained.add(_whole_path(one))
                break
    left = [one for one in broken if not any(_whole_path(one)[: len(path)] == path for path in explained)]
    return found, left


def _whole_path(broken: Violation) -> Path:
    """Return the path of the wrong node. For an unknown key, the path includes the key."""
    is_of_key = broken.keyword in ("additionalProperties", "propertyNames", "required")
    return (*broken.path, broken.key) if is_of_key and broken.key is not None else broken.path


def _suspects(document: MappingNode, rule: SchemaRule, broken: Violation) -> Iterator[tuple[_Place, str]]:
    """Yield the keys on the way to a violation, the innermost first, each with the mapping that contains it."""
    path = _whole_path(broken)
    if broken.keyword == "required" and isinstance(broken.node, MappingNode) and broken.key is not None:
        deeper = find_key(broken.node, broken.key)  # the missing key may be below another one
        path = broken.path if deeper is None else (*broken.path, *deeper)
    places = list(_places(document, rule, path))
    for place in reversed(places):
        if len(place.path) < len(path) and isinstance(key := path[len(place.path)], str):
            yield place, key


def _places(document: MappingNode, rule: SchemaRule, path: Path) -> Iterator[_Place]:
    """Yield the mappings on a path, starting with the document."""
    place: _Place | None = _Place((), document, rule)
    for key in path:
        if place is None:
            return
        yield place
        value = place.node.get(key) if isinstance(key, str) else None
        below = place.rule_of(key) if isinstance(key, str) else None
        is_place = isinstance(value, MappingNode) and below is not None
        place = _Place((*place.path, key), value, below) if is_place else None  # type: ignore[arg-type]
    if place is not None:
        yield place


def _elsewhere(document: MappingNode, rule: SchemaRule, place: _Place, key: str) -> _Told | None:
    """Report a key that would be valid in a mapping around its own, or in the mapping that ends before it."""
    entry = place.node.entries.get(key)
    if entry is None or place.indent is None or place.knows(key):
        return None
    around = reversed(list(_places(document, rule, place.path))[:-1])
    for other in (*around, *_ending_before(place, key)):
        if other.indent is not None and _is_beside(other, entry) and other.takes(key, entry.value):
            message = f"{quote(key)} is {_indented(place.indent)}, so it is {place}"
            hint = f"{_indent('it', other.indent)} to make it {other}"
            return (*other.path, key), Diagnostic("misplaced-key", message, entry.key_span, hint), [key]
    return None


def _ending_before(place: _Place, key: str) -> Iterator[_Place]:
    """Yield the mappings that end directly before a key: the value of the previous key, and the last mappings in it."""
    before = next((name for name, name_after in pairwise(place.node.entries) if name_after == key), None)
    inner = place
    while before is not None:
        value, rule = inner.node.get(before), inner.rule_of(before)
        if not isinstance(value, MappingNode) or not value.entries or rule is None:
            return
        inner = _Place((*inner.path, before), value, rule)
        yield inner
        before = list(value.entries)[-1]


def _is_beside(place: _Place, entry: Entry) -> bool:
    """Return whether a mapping and a key are in the same file."""
    return (place.node.span.file, place.node.span.layer) == (entry.key_span.file, entry.key_span.layer)


def _below_an_empty_key(place: _Place, key: str, broken: Sequence[Violation]) -> _Told | None:
    """Report an empty key whose entries are beside it instead of below it."""
    entries = place.node.entries
    if place.indent is None or key not in entries:
        return None
    owner = key if _is_empty(entries[key].value) else _empty_before(entries, key)
    if owner is None or (rule := place.rule_of(owner)) is None:
        return None
    harmed = {
        _whole_path(one)[len(place.path)]
        for one in broken
        if _whole_path(one)[: len(place.path)] == place.path != _whole_path(one)
    }
    names = list(entries)
    after = names[names.index(owner) + 1 :]
    ends = (
        at
        for at, name in enumerate(after)
        if name not in harmed or _is_own_key(place, name, owner) or _is_empty(entries[name].value)
    )
    below = {name: entries[name] for name in after[: next(ends, len(after))]}
    if (
        not below
        or key not in (owner, *below)
        or violations(rule, MappingNode(below, entries[owner].key_span))
    ):
        return None
    first = entries[after[0]]
    are, them = ("is", "it") if len(below) == 1 else ("are", "them")
    message = f"{listing(below)} {are} {_indented(place.indent)}, as {quote(owner)} is, which is empty"
    hint = f"{_indent(them, place.indent + 2)} to put {them} below {quote(owner)}"
    diagnostic = Diagnostic("misplaced-key", message, first.key_span, hint)
    return (*place.path, owner), diagnostic, [owner, *below]


def _is_own_key(place: _Place, name: str, owner: str) -> bool:
    """Return whether a key is the one of the language here; a param such as `seed: 4` only has its name."""
    rule = place.rule.properties.get(name)
    if rule is None or not place.knows(name):
        return False
    value = place.node.entries[name].value
    reads = likely_shape((*place.path, name), value, rule.kinds or frozenset()) is not None
    return owner != "params" or not isinstance(value, ScalarNode) or reads


def _empty_before(entries: Mapping[str, Entry], key: str) -> str | None:
    """Return the nearest empty key before a key."""
    names = list(entries)
    before = names[: names.index(key)]
    return next((name for name in reversed(before) if _is_empty(entries[name].value)), None)


def _is_empty(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.value is None


def _indented(count: int) -> str:
    return f"indented by {counted(count, 'space')}" if count else "not indented"


def _indent(what: str, count: int) -> str:
    return f"indent {what} by {counted(count, 'space')}" if count else f"do not indent {what},"
