"""Laying one tree over another: overlays, `--set`, and a file over what it includes.

Mappings merge, scalars and lists replace; every value keeps the place that set it. An overlay may also say
`$append: [...]` in place of a list, `$delete: [keys]` and `$add: {key: value}` in a mapping. Refuses, naming
both places, a mapping where none stood and the reverse; and in overlays and `--set` names that nothing below
has, so that what a rename left behind is found. Names of the language itself are left to the schema.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from pipespec.document.bounds import MAX_DEPTH
from pipespec.document.nodes import Entry, MappingNode, Node, ScalarNode, SequenceNode
from pipespec.document.places import DOCUMENT, Rule
from pipespec.document.wording import did_you_mean, listing, quote
from pipespec.document.yaml_reader import read_scalar
from pipespec.errors import Diagnostic, InvalidPipelineError, Span

__all__ = ["apply_override", "below_keys", "lay", "merge", "option_text"]

_APPEND: Final = "$append"
_DELETE: Final = "$delete"
_ADD: Final = "$add"
_MAX_HINTS: Final = 50


def merge(
    base: MappingNode, over: MappingNode, *, strict: bool, sources: Mapping[str, str] | None = None
) -> MappingNode:
    """Return `over` laid over `base`, both whole documents.

    `strict` is for overlays: names must exist in `base`, and `$` keys are read. Raises `InvalidPipelineError`.
    """
    mistakes: list[Diagnostic] = []
    merged = lay(base, over, mistakes, strict=strict)
    if mistakes:
        raise InvalidPipelineError(mistakes, sources or {})
    return merged


def lay(base: MappingNode, over: MappingNode, mistakes: list[Diagnostic], *, strict: bool) -> MappingNode:
    """Do as `merge`, but note mistakes and leave out what they are about."""
    return _Merging(mistakes, operators=strict).mapping(base, over, _Place(DOCUMENT, (), strict=strict))


def apply_override(document: MappingNode, override: str) -> MappingNode:
    """Return the document with `path=value` set, or `+path=value` set whether or not it stands there already.

    Spans of the new values name the option as it is typed, `--set path=value`, as their file. Raises
    `InvalidPipelineError`.
    """
    option = option_text(override)
    over, adds = _read_override(override, option)
    mistakes: list[Diagnostic] = []
    place = _Place(DOCUMENT, (), strict=not adds)
    merged = _Merging(mistakes, operators=True).mapping(document, over, place)
    if mistakes:
        raise InvalidPipelineError(mistakes, {option: option})
    return merged


def option_text(override: str) -> str:
    """Return what spans of an override's values bear as their file, and what it shows as its text."""
    return f"--set {override}"


def _read_override(override: str, option: str) -> tuple[MappingNode, bool]:
    """Return the tree that an override sets, and whether it may add names."""
    path, equals, value = override.partition("=")
    adds = path.startswith("+")
    start = len(option) - len(override) + 1 + adds
    keys = path[adds:].split(".")
    span = Span(option, 1, start, 1, start + len(path) - adds, "set")
    message = hint = None
    if not equals:
        message, hint = f"{quote(override)} sets nothing", "write path=value, such as params.model.epochs=1"
    elif not all(keys) or any(key != key.strip() for key in keys):
        message, hint = (
            f"{quote(path)} is no path",
            "write keys with dots between them, such as params.model.epochs",
        )
    elif len(keys) >= MAX_DEPTH:
        message, hint = f"the path is deeper than {MAX_DEPTH} levels", None
    elif keys[0] == "include":
        message, hint = (
            "'include' cannot be set",
            "set a param that the include's path refers to, or use an overlay",
        )
    if message:
        raise InvalidPipelineError([Diagnostic("bad-override", message, span, hint)], {option: option})
    node = read_scalar(value, option, column=len(option) - len(value) + 1, shown=option)
    return below_keys(node, _key_spans(keys, span)), adds


def _key_spans(keys: Sequence[str], span: Span) -> Sequence[tuple[str, Span]]:
    starts = itertools.accumulate((len(key) + 1 for key in keys), initial=span.column)
    return [
        (key, span._replace(column=start, end_column=start + len(key)))
        for key, start in zip(keys, starts, strict=False)
    ]


def below_keys(node: Node, keys: Sequence[tuple[str, Span]]) -> MappingNode:
    """Return the tree in which `node` stands below the keys, of which there is one at least."""
    for key, span in reversed(keys):
        node = MappingNode({key: Entry(span, node)}, span)
    assert isinstance(node, MappingNode)
    return node


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the document merging is; `strict` where names must exist below."""

    rule: Rule
    path: tuple[str, ...]
    strict: bool

    def at(self, key: str) -> _Place:
        return _Place(self.rule.at(key), (*self.path, key), self.strict)

    def __str__(self) -> str:
        return ".".join(self.path)


class _Merging:
    """Merges, and notes what it could not."""

    def __init__(self, mistakes: list[Diagnostic], *, operators: bool) -> None:
        self._mistakes = mistakes
        self._operators = operators

    def mapping(self, base: MappingNode, over: MappingNode, place: _Place) -> MappingNode:
        """Return `over` laid over `base`; entries keep their order, new ones come last."""
        if base is over:
            return base
        entries = dict(base.entries)
        added: Mapping[str, Entry] = {}
        if self._operators:
            self._delete(entries, over, place)
            added = self._added(over)
        free = replace(place, strict=False)
        for key, entry in over.entries.items():
            if self._operators and key in (_DELETE, _ADD):
                continue
            if (
                key not in base.entries
                and place.strict
                and place.rule.own_names
                and key not in place.rule.below
            ):
                self._unknown(base, key, entry, place)
            elif key not in entries and (key in base.entries or place.at(key).rule.free):
                entries[key] = self._entry(None, entry, free.at(key))  # deleted and set anew, or never read
            else:
                entries[key] = self._entry(entries.get(key), entry, place.at(key))
        for key, entry in added.items():
            entries[key] = self._entry(entries.get(key), entry, free.at(key))
        return replace(base, entries=entries)

    def _entry(self, below: Entry | None, over: Entry, place: _Place) -> Entry:
        value = over.value
        if self._operators and isinstance(value, MappingNode) and _APPEND in value.entries:
            return self._appended(below, over, value, place)
        under = None if below is None or _is_unset(below.value) else below.value
        if below is not None and under is None:
            place = replace(place, strict=False)  # a whole value for a name that is there
        if isinstance(value, MappingNode) and (under is None or isinstance(under, MappingNode)):
            nothing = MappingNode({}, value.span)
            merged = self.mapping(under or nothing, value, place) if self._operators or under else value
            return Entry(below.key_span if below and under else over.key_span, merged)
        if under is not None and isinstance(value, MappingNode) != isinstance(under, MappingNode):
            self._conflict(under, over, place)
            assert below is not None
            return below
        return over

    def _appended(self, below: Entry | None, over: Entry, value: MappingNode, place: _Place) -> Entry:
        addition = value.entries[_APPEND].value
        under = None if below is None or _is_unset(below.value) else below.value
        if len(value.entries) > 1 or not isinstance(addition, SequenceNode):
            hint = "write {$append: [a, b]} in place of the list"
            self._mistake("bad-operator", "'$append' stands alone and holds a list", value.span, hint)
        elif under is None:
            return Entry(over.key_span, addition)
        elif not isinstance(under, SequenceNode):
            message = f"{quote(str(place))} is {_kind(under)} below, at {under.span}, to which nothing can be appended"
            self._mistake("layer-conflict", message, value.span, "set the whole list here")
        else:
            items = (*under.items, *addition.items)  # each from its own place, and the list from the last
            return Entry(over.key_span, replace(addition, items=items))
        return below or over

    def _delete(self, entries: dict[str, Entry], over: MappingNode, place: _Place) -> None:
        stated = over.get(_DELETE)
        if stated is None:
            return
        keys = stated.items if isinstance(stated, SequenceNode) else ()
        if not isinstance(stated, SequenceNode) or not all(isinstance(key, ScalarNode) for key in keys):
            hint = "write $delete: [a, b]"
            self._mistake("bad-operator", "'$delete' holds a list of keys", stated.span, hint)
            return
        for key in keys:
            name = str(key.value) if isinstance(key, ScalarNode) else ""
            if entries.pop(name, None) is None:
                message = f"nothing below has {quote('.'.join((*place.path, name)))}, which is to be deleted"
                self._mistake("unknown-key", message, key.span, self._offer(name, entries))

    def _added(self, over: MappingNode) -> Mapping[str, Entry]:
        stated = over.get(_ADD)
        if stated is None or isinstance(stated, MappingNode):
            return stated.entries if stated else {}
        self._mistake("bad-operator", "'$add' holds a mapping", stated.span, "write $add: {key: value}")
        return {}

    def _unknown(self, base: MappingNode, key: str, entry: Entry, place: _Place) -> None:
        name = ".".join((*place.path, key))
        span = entry.key_span
        add = (
            f"to add it, write --set +{name}=..."
            if span.layer == "set"
            else f"to add it, put it below '{_ADD}'"
        )
        near = did_you_mean(key, base.entries) if len(self._mistakes) < _MAX_HINTS else None
        hint = f"{near} {add}" if near else add
        self._mistake("unknown-key", f"{quote(name)} is set, but nothing below has it", span, hint)

    def _offer(self, name: str, known: Mapping[str, Entry]) -> str | None:
        if not known or len(self._mistakes) >= _MAX_HINTS:
            return None
        return did_you_mean(name, known) or f"there are {listing(known)}"

    def _conflict(self, under: Node, over: Entry, place: _Place) -> None:
        name = quote(str(place))
        message = f"{name} is {_kind(over.value)} here, but {_kind(under)} below, at {under.span}"
        hint = "set keys of it" if isinstance(under, MappingNode) else "set the whole value"
        where = " in an overlay" if over.value.span.layer == "set" else ""
        hint += f", or take it away first with '{_DELETE}: [{place.path[-1]}]'{where}"
        if isinstance(under, ScalarNode) and str(under.value).startswith("${"):
            hint = f"below it is {quote(str(under.value))}: set what that refers to"
        self._mistake("layer-conflict", message, over.value.span, hint)

    def _mistake(self, code: str, message: str, span: Span, hint: str | None) -> None:
        self._mistakes.append(Diagnostic(code, message, span, hint))


def _is_unset(node: Node) -> bool:
    return isinstance(node, ScalarNode) and (node.value is None or (node.value == "???" and not node.quoted))


def _kind(node: Node) -> str:
    if isinstance(node, MappingNode):
        return "a mapping"
    return "a list" if isinstance(node, SequenceNode) else "a single value"
