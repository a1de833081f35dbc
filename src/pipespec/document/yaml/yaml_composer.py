"""Converts events of the YAML parser to nodes, with its own stack, and counts them.

Takes text that can be decoded. Returns the root node, and the errors that do not prevent parsing: tags, duplicate keys,
keys that are not text, `<<`, unknown anchors, numbers out of range. Stops at a second document, and at more than 64
levels, 250,000 nodes or 4 MiB after aliases, before they use resources.

The parser is libyaml, through its events: it does not recurse and builds nothing. Its rules of YAML 1.1 are corrected
here: the types of plain scalars (see `plain_scalars`), and characters that it misreads, which are replaced before
parsing (see `stand_ins`). What it accepts and YAML 1.2 does not is reported by `yaml_strictness`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any, Final

from ruamel.yaml.cyaml import CParser  # type: ignore[attr-defined]  # stubs leave it out
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from pipespec.document.nodes import Entry, MappingNode, Node, ScalarNode, SequenceNode
from pipespec.document.size_limits import MAX_BYTES, MAX_DEPTH, MAX_MISTAKES, MAX_NODES
from pipespec.document.wording import did_you_mean, quote
from pipespec.document.yaml.indentation import shifted_key
from pipespec.document.yaml.plain_scalars import Refused, resolve_plain, written_form
from pipespec.document.yaml.stand_ins import STAND_IN, STAND_INS, restored
from pipespec.document.yaml.yaml_errors import span_between
from pipespec.document.yaml.yaml_strictness import (
    Flaw,
    block_scalar_flaw,
    comment_flaw,
    indentation_flaw,
    plain_text_flaw,
)
from pipespec.errors import Diagnostic, Span
from pipespec.frozen_values import frozen

__all__ = ["Composer"]

_PROPERTIES: Final = re.compile(r"(?:[&!]\S*[ \t]+)+")
_TAG: Final = re.compile(r"!<[^>\s]*>|![^\s,\[\]{}]*")


class _DocumentTooLargeError(Exception):
    """A limit is exceeded. Parsing stops here, and its diagnostic is already recorded."""


@frozen
class _Anchored:
    """The node of an anchor. The sizes are those of the expanded tree."""

    node: Node
    nodes: int
    characters: int
    height: int


@dataclass(slots=True)
class _Open:
    """A list or mapping that has not ended yet."""

    event: Any
    is_mapping: bool
    nodes_before: int
    characters_before: int
    wants_key: bool
    end: tuple[int, int]
    """The end of the last part in it: (line, column), from 1."""
    items: list[Node] = field(default_factory=list)
    entries: dict[str, Entry] = field(default_factory=dict)
    key: str | None = None
    key_span: Span | None = None
    repeated: list[tuple[str, Span]] = field(default_factory=list)
    """Keys that it already has, once for each repetition."""
    height: int = 1
    indent: int | None = None
    """The column of its keys or dashes, from 0; None in brackets, and if it is not known."""


class Composer:
    """Composes one text. `readable` is the text for the parser."""

    def __init__(self, text: str, readable: str, file: str, layer: str) -> None:
        self._text = text
        self._readable = readable
        self._file = file
        self._layer = layer
        self._stack: list[_Open] = []
        self._anchors: dict[str, _Anchored | None] = {}
        self._nodes = 0
        self._characters = 0
        self._root: Node | None = None
        self.mistakes: list[Diagnostic] = []

    def compose(self) -> Node | None:
        """Return the root, or None if the text has no content. Mistakes are in `mistakes`.

        Raises the parser's `YAMLError` for text that it cannot parse.
        """
        parser = CParser(self._readable)
        handlers = {
            ScalarEvent: self._scalar,
            MappingStartEvent: self._start,
            SequenceStartEvent: self._start,
            MappingEndEvent: self._end,
            SequenceEndEvent: self._end,
            AliasEvent: self._alias,
            DocumentStartEvent: self._document,
        }
        try:
            while type(event := parser.get_event()) is not StreamEndEvent:
                handler = handlers.get(type(event))
                if handler is not None:
                    handler(event)
        except _DocumentTooLargeError:
            return None
        return self._root

    def _document(self, event: Any) -> None:
        if self._root is not None:
            span = self._span(event.start_mark, event.end_mark)
            hint = "keep one pipeline per file; to split a pipeline, use 'include'"
            self._stop("several-documents", "a second document starts here", span, hint)

    def _scalar(self, event: Any) -> None:
        span = self._value_span(event)
        value = event.value
        if STAND_IN.search(value):
            value = self._restored(event, span)
        parent = self._stack[-1] if self._stack else None
        if event.style or (parent is not None and parent.event.flow_style):
            self._check_scalar(event)
        elif parent is not None and parent.wants_key and parent.indent is None:
            parent.indent = event.start_mark.column
        if event.tag is not None:
            self._refuse_tag(event)
        if "\0" in value:
            self._mistake("control-character", "the text contains a NUL character", span, None)
        quoted = bool(event.style)
        if self._stack and self._stack[-1].wants_key:
            self._key(value, span, quoted=quoted)
            node = None
        else:
            node = ScalarNode(value, span, quoted=True) if quoted else self._plain(value, span)
            self._count(1, len(value), span)
            self._place(node, 0)
        if event.anchor is not None:
            node = node or ScalarNode(value, span, quoted=quoted)
            self._anchors[event.anchor] = _Anchored(node, 1, len(value), 0)

    def _check_scalar(self, event: Any) -> None:
        start, end = event.start_mark.index, event.end_mark.index
        parent = self._stack[-1] if self._stack else None
        if parent is not None and parent.wants_key and parent.indent is None and not parent.event.flow_style:
            parent.indent = event.start_mark.column
        if event.style in ("|", ">"):
            header = _PROPERTIES.match(self._text, start)
            self._tell(block_scalar_flaw(self._text, header.end() if header else start, self._indent()))
        elif event.style:
            self._check_flow(start, end, quoted=True)
        elif (flaw := plain_text_flaw(self._text, start, end)) is not None:
            self._tell(flaw)

    def _check_flow(self, start: int, end: int, *, quoted: bool) -> None:
        self._tell(comment_flaw(self._text, end))
        if not (
            self._stack and self._stack[-1].event.flow_style
        ):  # otherwise it is reported for the surrounding construct
            self._tell(indentation_flaw(self._text, start, end, self._indent(), quoted=quoted))

    def _indent(self) -> int:
        return next((one.indent for one in reversed(self._stack) if one.indent is not None), -1)

    def _tell(self, flaw: Flaw | None) -> None:
        if flaw is not None:
            span = span_between(self._text, flaw.start, flaw.end, self._file, self._layer)
            self._mistake("yaml-syntax", flaw.message, span, flaw.hint)

    def _restored(self, event: Any, span: Span) -> str:
        """Return the scalar's text with its own characters instead of their replacements."""
        value: str = event.value
        written = self._readable[event.start_mark.index : event.end_mark.index]
        if any(value.count(sign) > written.count(sign) for sign in STAND_INS):
            self._mistake(
                "control-character", "the text contains an escape that is not a character", span, None
            )
        return restored(value, escaped=event.style == '"')

    def _plain(self, text: str, span: Span) -> ScalarNode:
        value = resolve_plain(text)
        if isinstance(value, Refused):
            self._mistake(value.code, value.message, span, value.hint)
            return ScalarNode(None, span, text)
        return ScalarNode(value, span, written_form(text, value))

    def _key(self, key: str, span: Span, *, quoted: bool) -> None:
        self._characters += len(key)
        parent = self._stack[-1]
        parent.wants_key = False
        parent.end = (span.end_line, span.end_column)
        parent.key_span = span
        if not quoted and key == "<<":
            hint = "to share keys, use 'defaults' (for all steps) or 'include' (for the file)"
            self._mistake("merge-key", "'<<' is not supported: YAML 1.2 has no merge keys", span, hint)
        elif not quoted and not isinstance(resolve_plain(key), str):
            hint = f'write "{key}" in quotes if text is intended'
            self._mistake("non-string-key", f"the key {quote(key)} is not text", span, hint)
        elif key in parent.entries:
            parent.repeated.append((key, span))
            if len(parent.repeated) >= MAX_MISTAKES:
                self._tell_each(parent)
        else:
            parent.key = key

    def _start(self, event: Any) -> None:
        if event.tag is not None:
            self._refuse_tag(event)
        before = self._nodes, self._characters
        span = self._span(event.start_mark, event.end_mark)
        self._count(1, 0, span)
        if len(self._stack) == MAX_DEPTH:
            self._too_deep(span)
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        is_mapping = type(event) is MappingStartEvent
        opened = _Open(event, is_mapping, *before, is_mapping, (span.line, span.column))
        if not (is_mapping or event.flow_style or event.anchor or event.tag):
            opened.indent = event.start_mark.column
        self._stack.append(opened)

    def _end(self, event: Any) -> None:
        done = self._stack.pop()
        mark = done.event.start_mark
        if done.repeated:
            self._tell_repeated(done)
        if done.event.flow_style:
            self._check_flow(done.event.start_mark.index, event.end_mark.index, quoted=False)
            done.end = (event.end_mark.line + 1, event.end_mark.column + 1)
        span = Span(self._file, mark.line + 1, mark.column + 1, *done.end, self._layer)
        node: Node = (
            MappingNode(done.entries, span) if done.is_mapping else SequenceNode(tuple(done.items), span)
        )
        self._place(node, done.height)
        if done.event.anchor is not None:
            nodes, characters = self._nodes - done.nodes_before, self._characters - done.characters_before
            self._anchors[done.event.anchor] = _Anchored(node, nodes, characters, done.height)

    def _tell_repeated(self, done: _Open) -> None:
        """Report keys that are set twice, or the empty key above them to which they belong."""
        shifted = None
        if done.indent is not None and not done.event.flow_style:
            above = self._stack[-1] if self._stack else None
            outer = None
            if above is not None and above.key is not None and above.indent is not None:
                outer = above.key, above.indent
            shifted = shifted_key(done.entries, done.repeated, done.indent, outer)
        if shifted is not None:
            self._mistake("duplicate-key", *shifted)
        else:
            self._tell_each(done)

    def _tell_each(self, done: _Open) -> None:
        for key, span in done.repeated:
            first = done.entries[key].key_span.line
            hint = f"it is already set on line {first}; keep one of the two"
            self._mistake("duplicate-key", f"the key {quote(key)} is set twice", span, hint)

    def _alias(self, event: Any) -> None:
        span = self._span(event.start_mark, event.end_mark)
        if self._stack and self._stack[-1].wants_key:
            self._refuse_key(self._stack[-1], "an alias", span)
            return
        name = event.anchor
        anchored = self._anchors.get(name)
        node: Node = ScalarNode(None, span)
        if anchored is not None:
            node = replace(anchored.node, span=span, origin=anchored.node.span)
            self._count(anchored.nodes, anchored.characters, span)
            if len(self._stack) + anchored.height > MAX_DEPTH:
                self._too_deep(span)
        elif name in self._anchors:
            hint = "use the alias outside of the anchor"
            self._mistake("recursive-alias", f"{quote('*' + name)} is used inside its own anchor", span, hint)
        else:
            hint = did_you_mean(name, self._anchors) or f'if text is intended, put it in quotes: "*{name}"'
            self._mistake("unknown-anchor", f"no anchor {quote('&' + name)} is defined before it", span, hint)
            self._count(1, 0, span)
        self._place(node, anchored.height if anchored else 0)

    def _count(self, nodes: int, characters: int, span: Span) -> None:
        self._nodes += nodes
        self._characters += characters
        if self._nodes > MAX_NODES:
            hint = "move tables and long lists to separate files and use those as inputs"
            message = f"there are more than {MAX_NODES:,} values; each use of an alias counts"
            self._stop("too-many-nodes", message, span, hint)
        if self._characters > MAX_BYTES:
            message = "the text is larger than 4 MiB; each use of an alias counts"
            self._stop(
                "too-large", message, span, "move long texts to separate files and use those as inputs"
            )

    def _place(self, node: Node, height: int) -> None:
        if not self._stack:
            self._root = node
            return
        parent = self._stack[-1]
        parent.end = (node.span.end_line, node.span.end_column)
        if height >= parent.height:
            parent.height = height + 1
        if not parent.is_mapping:
            parent.items.append(node)
        elif parent.wants_key:
            self._refuse_collection_as_key(parent, node)
        else:
            if parent.key is not None and parent.key_span is not None:
                parent.entries[parent.key] = Entry(parent.key_span, node)
            parent.key = None
            parent.wants_key = True

    def _refuse_collection_as_key(self, parent: _Open, node: Node) -> None:
        braces = _double_braces(self._readable, node.span, parent)
        if braces is None:
            self._refuse_key(parent, "a mapping" if isinstance(node, MappingNode) else "a list", node.span)
            return
        parent.wants_key = False
        start, end = braces
        message = f"{quote(self._text[start:end])} is read as a mapping, not as text"
        name = self._text[start:end].strip("{} ").partition("|")[0].strip()
        is_path = "." in name and name.replace(".", "").replace("_", "").isalnum()
        name = name if is_path else "params.name"
        hint = f'Jinja is not supported; refer to a value as "${{{name}}}", or put the text in quotes'
        span = span_between(self._text, start, end, self._file, self._layer)
        self._mistake("unquoted-reference", message, span, hint)

    def _refuse_key(self, parent: _Open, kind: str, span: Span) -> None:
        parent.wants_key = False
        self._mistake("non-string-key", f"a key cannot be {kind}", span, "write the key as text")

    def _refuse_tag(self, event: Any) -> None:
        start, end = event.start_mark.index, event.end_mark.index
        found = _TAG.search(self._text, start, max(end, start + 1_000))
        first, last = found.span() if found else (start, end)
        message = (
            f"tag {quote(self._text[first:last])} is not allowed: a pipeline file contains only plain values"
        )
        hint = 'remove the tag; put a text that looks like a number in quotes, "12"'
        span = span_between(self._text, first, last, self._file, self._layer)
        self._mistake("unknown-tag", message, span, hint)

    def _too_deep(self, span: Span) -> None:
        hint = "move deep data to a separate file and use it as an input"
        self._stop("too-deep", f"the nesting is deeper than {MAX_DEPTH} levels", span, hint)

    def _mistake(self, code: str, message: str, span: Span, hint: str | None) -> None:
        self.mistakes.append(Diagnostic(code, message, span, hint))
        if len(self.mistakes) >= MAX_MISTAKES:
            raise _DocumentTooLargeError

    def _stop(self, code: str, message: str, span: Span, hint: str) -> None:
        self.mistakes.append(Diagnostic(code, message, span, hint))
        raise _DocumentTooLargeError

    def _span(self, start: Any, end: Any) -> Span:
        return Span(self._file, start.line + 1, start.column + 1, end.line + 1, end.column + 1, self._layer)

    def _value_span(self, event: Any) -> Span:
        """Return the place of a scalar's text, without anchor, tag and the blank end of a block."""
        start, end = event.start_mark, event.end_mark
        if event.style in ("|", ">"):
            lines = self._text[start.index : end.index].rstrip().splitlines()
            last_column = len(lines[-1]) + 1 + (start.column if len(lines) == 1 else 0)
            last_line = start.line + len(lines)
            return Span(self._file, start.line + 1, start.column + 1, last_line, last_column, self._layer)
        skipped = 0
        if event.anchor is not None or event.tag is not None:
            properties = _PROPERTIES.match(self._text, start.index, end.index)
            skipped = len(properties[0]) if properties else 0
        column = start.column + 1 + skipped
        return Span(self._file, start.line + 1, column, end.line + 1, end.column + 1, self._layer)


def _double_braces(text: str, span: Span, parent: _Open) -> tuple[int, int] | None:
    """Return the offsets of `{{ … }}`, if the key of a mapping is a mapping that opens immediately."""
    start = parent.event.start_mark.index
    if not text.startswith("{{", start):
        return None
    close = text.find("}}", start, start + 1_000)
    return (start, close + 2) if close >= 0 else (start, start + span.end_column - span.column + 1)
