"""Merges one tree over another: overlays, `--set`, and a file over the files that it includes.

Mappings are merged; scalars and lists are replaced. Every value keeps the place that set it. An overlay may also
contain `$append: [...]` instead of a list, and `$delete: [keys]` and `$add: {key: value}` in a mapping. The short and
the long form of an input or output are merged.

Refuses a mapping if a lower layer has another kind of value, and the reverse, with both places. In overlays and
`--set`, also refuses names that no lower layer has, for example because they were renamed. Names of the language are
left to the schema.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from pipespec.document.interpolation.reference_rules import DOCUMENT, IN_STEP, SHARED, PlaceRule
from pipespec.document.key_paths import dotted_names, join_path, read_path
from pipespec.document.key_search import find_key, single_keys
from pipespec.document.layers.override import SET, SWEEP, option_text
from pipespec.document.nodes import Entry, MappingNode, Node, ScalarNode, SequenceNode
from pipespec.document.size_limits import MAX_DEPTH
from pipespec.document.wording import did_you_mean, listing, quote
from pipespec.document.yaml.plain_scalars import spell
from pipespec.document.yaml.yaml_reader import read_scalar
from pipespec.errors import Diagnostic, InvalidPipelineError, Severity, Span
from pipespec.frozen_values import frozen

__all__ = ["apply_override", "below_keys", "lay", "merge"]

_APPEND: Final = "$append"
_DELETE: Final = "$delete"
_ADD: Final = "$add"
_MAX_HINTS: Final = 50


def merge(
    base: MappingNode, over: MappingNode, *, strict: bool, sources: Mapping[str, str] | None = None
) -> MappingNode:
    """Return `over` merged over `base`. Both are whole documents.

    `strict` is for overlays: names must exist in `base`, and `$` keys are interpreted. Raises `InvalidPipelineError`.
    """
    found: list[Diagnostic] = []
    merged = lay(base, over, found, strict=strict)
    if mistakes := [one for one in found if one.severity is Severity.ERROR]:
        raise InvalidPipelineError(mistakes, sources or {})
    return merged


def lay(base: MappingNode, over: MappingNode, mistakes: list[Diagnostic], *, strict: bool) -> MappingNode:
    """Do the same as `merge`, but collect mistakes and advice, and leave out the parts that have mistakes."""
    return _Merging(mistakes, operators=strict).mapping(base, over, _LayerPlace(DOCUMENT, (), strict=strict))


def apply_override(
    document: MappingNode, override: str, advice: list[Diagnostic] | None = None
) -> MappingNode:
    """Return the document with `path=value` set; with `+path=value`, the path does not have to exist.

    Advice is added to `advice`. Spans of the new values have the option as the user typed it, for example `--set
    path=value`, as their file. Raises `InvalidPipelineError`.
    """
    option = option_text(override)
    over, adds = _read_override(override, option)
    found: list[Diagnostic] = []
    place = _LayerPlace(DOCUMENT, (), strict=not adds)
    merged = _Merging(found, operators=True).mapping(document, over, place)
    if advice is not None:
        advice.extend(one for one in found if one.severity is Severity.ADVICE)
    if mistakes := [one for one in found if one.severity is Severity.ERROR]:
        raise InvalidPipelineError(mistakes, {option: option})
    return merged


def _read_override(override: str, option: str) -> tuple[MappingNode, bool]:
    """Return the tree that an override sets, and whether it may add names."""
    adds = override.startswith("+")
    shows_path = option.endswith(override)
    start = len(option) - len(override) + 1 + adds
    keys, end = read_path(override[adds:])
    path, equals, value = (
        override[: adds + end],
        override[adds + end :][:1] == "=",
        override[adds + end + 1 :],
    )
    if not equals:
        path, _, value = override.partition("=")
        equals = "=" in override
    span = Span(option, 1, start, 1, start + len(path) - adds, "set")
    message = hint = None
    if not equals:
        message, hint = f"{quote(override)} has no '='", "write path=value, for example params.model.epochs=1"
    elif not keys or len(path) > adds + end or any(k.name != k.name.strip() and not k.quoted for k in keys):
        message, hint = (
            f"{quote(path)} is not a path",
            "write keys separated by dots, for example params.model.epochs",
        )
    elif len(keys) >= MAX_DEPTH:
        message, hint = f"the path is deeper than {MAX_DEPTH} levels", None
    elif keys[0].name == "include":
        message, hint = (
            "'include' cannot be set",
            "set a param that the path of the include refers to, or use an overlay",
        )
    if message:
        raise InvalidPipelineError([Diagnostic("bad-override", message, span, hint)], {option: option})
    node = read_scalar(value, option, column=len(option) - len(value) + 1, shown=option)
    if shows_path:
        places = [span._replace(column=start + key.start, end_column=start + key.end) for key in keys]
    else:  # the option is shown instead of the path
        places = [span._replace(column=1, end_column=len(option.partition(" ")[0]) + 1)] * len(keys)
    return below_keys(node, [(key.name, place) for key, place in zip(keys, places, strict=True)]), adds


def _adding(span: Span) -> str:
    """Return the option that may add a name, if this one must not."""
    option = span.file.partition(" ")[0]
    return option if option == SWEEP else SET


def below_keys(node: Node, keys: Sequence[tuple[str, Span]]) -> MappingNode:
    """Return the tree in which `node` is below the keys. There is at least one key."""
    for key, span in reversed(keys):
        node = MappingNode({key: Entry(span, node)}, span)
    assert isinstance(node, MappingNode)
    return node


@frozen
class _LayerPlace:
    """The place in the document that is merged. `strict` is true if names must exist in the lower layer."""

    rule: PlaceRule
    path: tuple[str, ...]
    strict: bool

    def at(self, key: str) -> _LayerPlace:
        return _LayerPlace(self.rule.at(key), (*self.path, key), self.strict)

    def __str__(self) -> str:
        return join_path(self.path)


class _Merging:
    """Merges trees, and collects what could not be merged."""

    def __init__(self, mistakes: list[Diagnostic], *, operators: bool) -> None:
        self._mistakes = mistakes
        self._operators = operators

    def mapping(self, base: MappingNode, over: MappingNode, place: _LayerPlace) -> MappingNode:
        """Return `over` merged over `base`. Entries keep their order, and new ones come last."""
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
                entries[key] = self._entry(None, entry, free.at(key))  # deleted and set again, or never read
            else:
                entries[key] = self._entry(entries.get(key), entry, place.at(key))
        for key, entry in added.items():
            entries[key] = self._entry(entries.get(key), entry, free.at(key))
        return replace(base, entries=entries)

    def _entry(self, below: Entry | None, over: Entry, place: _LayerPlace) -> Entry:
        value = over.value
        if self._operators and isinstance(value, MappingNode) and _APPEND in value.entries:
            return self._appended(below, over, value, place)
        under = None if below is None or _is_unset(below.value) else below.value
        if under is not None:
            under, value = _in_one_form(under, value, place.rule)
        is_swap = under is not None and isinstance(value, MappingNode) != isinstance(under, MappingNode)
        if is_swap and place.rule.kinds_replace:
            under = None
        if below is not None and under is None:
            place = replace(place, strict=False)  # a whole value for an existing name
        if isinstance(value, MappingNode) and (under is None or isinstance(under, MappingNode)):
            nothing = MappingNode({}, value.span)
            merged = self.mapping(under or nothing, value, place) if self._operators or under else value
            return Entry(below.key_span if below and under else over.key_span, merged)
        if is_swap and under is not None:
            self._conflict(under, over, place)
            assert below is not None
            return below
        if isinstance(under, ScalarNode) and isinstance(value, ScalarNode):
            self._advise_kind(under, value, place)
        return over

    def _advise_kind(self, under: ScalarNode, over: ScalarNode, place: _LayerPlace) -> None:
        """Advise if a param gets a value of another kind, which a function without annotation accepts without error."""
        before, after = _scalar_kind(under), _scalar_kind(over)
        is_param = place.rule is SHARED or place.rule is IN_STEP
        if not is_param or None in (before, after) or before == after:
            return
        name, told = quote(str(place)), over.text if over.text is not None else spell(over.value)
        message = f"{name} is {after} here, {quote(told)}, and {before} below, at {under.span}"
        hint = {
            "a bool": "write true or false",
            "text": f'if the text is meant, put it in quotes: "{told}"',
        }.get(str(before), "write it as a number, without quotes")
        self._mistakes.append(Diagnostic("other-kind", message, over.span, hint, Severity.ADVICE))

    def _appended(self, below: Entry | None, over: Entry, value: MappingNode, place: _LayerPlace) -> Entry:
        addition = value.entries[_APPEND].value
        under = None if below is None or _is_unset(below.value) else below.value
        if len(value.entries) > 1 or not isinstance(addition, SequenceNode):
            hint = "write {$append: [a, b]} instead of the list"
            self._mistake(
                "bad-operator", "'$append' must be the only key and must contain a list", value.span, hint
            )
        elif under is None:
            return Entry(over.key_span, addition)
        elif not isinstance(under, SequenceNode):
            message = f"{quote(str(place))} is {_kind(under)} below, at {under.span}, to which nothing can be appended"
            self._mistake("layer-conflict", message, value.span, "set the whole list here")
        else:
            items = (
                *under.items,
                *addition.items,
            )  # each item has its own place, and the list has that of the last
            return Entry(over.key_span, replace(addition, items=items))
        return below or over

    def _delete(self, entries: dict[str, Entry], over: MappingNode, place: _LayerPlace) -> None:
        stated = over.get(_DELETE)
        if stated is None:
            return
        keys = stated.items if isinstance(stated, SequenceNode) else ()
        if not isinstance(stated, SequenceNode) or not all(isinstance(key, ScalarNode) for key in keys):
            hint = "write $delete: [a, b]"
            self._mistake("bad-operator", "'$delete' must contain a list of keys", stated.span, hint)
            return
        for key in keys:
            name = str(key.value) if isinstance(key, ScalarNode) else ""
            if entries.pop(name, None) is None:
                message = (
                    f"no lower layer has {quote(join_path((*place.path, name)))}, so it cannot be deleted"
                )
                self._mistake("unknown-key", message, key.span, self._offer(name, entries))

    def _added(self, over: MappingNode) -> Mapping[str, Entry]:
        stated = over.get(_ADD)
        if stated is None or isinstance(stated, MappingNode):
            return stated.entries if stated else {}
        self._mistake(
            "bad-operator", "'$add' must contain a mapping", stated.span, "write $add: {key: value}"
        )
        return {}

    def _unknown(self, base: MappingNode, key: str, entry: Entry, place: _LayerPlace) -> None:
        name = join_path((*place.path, key))
        span = entry.key_span
        add = (
            f"to add it, write {_adding(span)} +{name}=..."
            if span.layer == "set"
            else f"to add it, put it under '{_ADD}'"
        )
        dotted = next(
            (one for one in dotted_names(single_keys(key, entry.value)) if one in base.entries), None
        )
        near = did_you_mean(key, base.entries) if len(self._mistakes) < _MAX_HINTS else None
        deeper = find_key(base, key) if near is None and len(self._mistakes) < _MAX_HINTS else None
        if dotted is not None or deeper is not None:
            near = f"did you mean {quote(join_path((*place.path, *(deeper or (str(dotted),)))))}?"
        hint = f"{near} {add}" if near else add
        self._mistake("unknown-key", f"{quote(name)} is set, but no lower layer has it", span, hint)

    def _offer(self, name: str, known: Mapping[str, Entry]) -> str | None:
        if not known or len(self._mistakes) >= _MAX_HINTS:
            return None
        return did_you_mean(name, known) or f"there are {listing(known)}"

    def _conflict(self, under: Node, over: Entry, place: _LayerPlace) -> None:
        name = quote(str(place))
        message = f"{name} is {_kind(over.value)} here, but {_kind(under)} below, at {under.span}"
        hint = "set single keys of it" if isinstance(under, MappingNode) else "set the whole value"
        where = " in an overlay" if over.value.span.layer == "set" else ""
        hint += f", or first remove it with '{_DELETE}: [{place.path[-1]}]'{where}"
        if isinstance(under, ScalarNode) and str(under.value).startswith("${"):
            hint = f"in a lower layer it is {quote(str(under.value))}: set the value that it refers to"
        self._mistake("layer-conflict", message, over.value.span, hint)

    def _mistake(self, code: str, message: str, span: Span, hint: str | None) -> None:
        self._mistakes.append(Diagnostic(code, message, span, hint))


def _in_one_form(under: Node, over: Node, rule: PlaceRule) -> tuple[Node, Node]:
    """Return both as mappings if one is the short form of the other, without what the upper one replaces."""
    if rule.short_for is not None and isinstance(under, MappingNode) != isinstance(over, MappingNode):
        under, over = _long(under, rule.short_for), _long(over, rule.short_for)
    if isinstance(under, MappingNode) and isinstance(over, MappingNode):
        chosen = [key for key in rule.one_of if key in over.entries]
        if chosen:
            kept = {*chosen, *(beside for key in chosen for beside in rule.one_of[key])}
            gone = {*rule.one_of, *(beside for keys in rule.one_of.values() for beside in keys)} - kept
            under = replace(under, entries={k: entry for k, entry in under.entries.items() if k not in gone})
    return under, over


def _long(node: Node, key: str) -> Node:
    is_text = isinstance(node, ScalarNode) and isinstance(node.value, str)
    return MappingNode({key: Entry(node.span, node)}, node.span) if is_text else node


def _scalar_kind(node: ScalarNode) -> str | None:
    """Return the kind of a value; None if it is null, or if a reference decides it."""
    match node.value:
        case None:
            return None
        case bool():
            return "a bool"
        case str(text):
            return None if "${" in text else "text"
        case _:
            return "a number"


def _is_unset(node: Node) -> bool:
    return isinstance(node, ScalarNode) and (node.value is None or (node.value == "???" and not node.quoted))


def _kind(node: Node) -> str:
    if isinstance(node, MappingNode):
        return "a mapping"
    return "a list" if isinstance(node, SequenceNode) else "a single value"
