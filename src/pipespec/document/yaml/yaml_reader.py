"""From YAML text to nodes: the only way in which text becomes a tree.

Takes the text of a file or of a `--set` value. Returns nodes that contain their places. Refuses, in one
`InvalidPipelineError`: text that is not YAML, tags, duplicate keys, keys that are not text, `<<`, a second document, a
top level that is not a mapping, and more than 4 MiB, 64 levels or 250,000 nodes after aliases.
"""

from __future__ import annotations

import re
from typing import Final

from ruamel.yaml.error import YAMLError

from pipespec.document.nodes import MappingNode, Node, ScalarNode, SequenceNode
from pipespec.document.size_limits import MAX_BYTES
from pipespec.document.wording import quote
from pipespec.document.yaml.stand_ins import for_parser
from pipespec.document.yaml.yaml_composer import Composer
from pipespec.document.yaml.yaml_errors import explain, span_between
from pipespec.errors import Diagnostic, InvalidPipelineError, Span

__all__ = ["read", "read_scalar", "read_value"]

_REPAIRS: Final = 4 * 1024 * 1024
"""Maximum number of characters that are parsed again after mistakes for which there is a patch."""
_FRAGMENTS: Final = frozenset({"include", "overlay"})

# What libyaml refuses; line breaks of YAML 1.1 that are not line breaks in 1.2, because lines would be counted
# differently; and the noncharacters of Unicode, two of which are used as replacements.
_UNREADABLE: Final = re.compile(  # none beyond U+FFFF: `re` needs 3 ms to compile such a set
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)
_DIRECTIVE: Final = re.compile(r"^%.*", re.MULTILINE)


def read(text: str | bytes, *, file: str, layer: str = "file") -> MappingNode:
    """Parse one document. An empty one is an empty mapping in the layers `include` and `overlay`.

    `file` is the name in its spans. The node of an alias has the alias's place as `span` and the anchor's place as
    `origin`; nodes below it are shared with the anchor. Lines end at CR, LF or CRLF. Raises `InvalidPipelineError`.
    """
    source = _decoded(text, file, layer)
    root = _composed(source, source, file, layer)
    if root is None or (isinstance(root, ScalarNode) and root.value is None and not root.quoted):
        span = Span(file, 1, 1, 1, 1, layer)
        if layer in _FRAGMENTS:
            return MappingNode({}, span)
        hint = "start with 'pipespec: 1' and a mapping 'steps'"
        raise _invalid("empty-file", "the file is empty", span, hint, source)
    if isinstance(root, MappingNode):
        return root
    kind = "list" if isinstance(root, SequenceNode) else "text or number"
    message = f"the top of the file is a {kind}, not a mapping"
    raise _invalid("not-a-mapping", message, root.span, "write 'key: value' lines at the top", source)


def read_value(text: str | bytes, *, file: str) -> Node:
    """Parse one document of data, whose top level may be anything. An empty one is null. Raises `InvalidPipelineError`."""
    source = _decoded(text, file, "file")
    return _composed(source, source, file, "file") or ScalarNode(None, Span(file, 1, 1, 1, 1))


def read_scalar(
    text: str, file: str, *, layer: str = "set", column: int = 1, shown: str | None = None
) -> Node:
    """Parse the value of an option: the whole `text` must be a YAML scalar or a flow collection.

    `column` is where the text begins in the line `shown` (default: the text itself), which errors show. Raises
    `InvalidPipelineError`.
    """
    line = text if shown is None else shown
    span = Span(file, 1, column, 1, column + len(text), layer)
    if text.splitlines()[1:] or text.endswith(("\n", "\r")):
        hint = r'write line breaks as "\n" inside double quotes'
        raise _invalid("not-a-value", "the value has several lines", span, hint, line)
    _decoded(text, file, layer)
    node = _composed(" " * (column - 1) + text, line, file, layer)
    if node is None and not text.strip():
        return ScalarNode(None, span, text="")
    is_block = isinstance(node, SequenceNode | MappingNode) and text.strip()[:1] not in ("[", "{", "&", "*")
    if node is None or is_block or node.span.end_column < column + len(text.rstrip()):
        message = f"{quote(text)} is not a single scalar, list [ ] or mapping {{ }}"
        raise _invalid(
            "not-a-value", message, span, "put text that contains ': ', '- ' or '#' in quotes", line
        )
    return node


def _invalid(code: str, message: str, span: Span, hint: str | None, source: str) -> InvalidPipelineError:
    return InvalidPipelineError([Diagnostic(code, message, span, hint)], {span.file: source})


def _decoded(text: str | bytes, file: str, layer: str) -> str:
    if len(text) > MAX_BYTES or (isinstance(text, str) and len(text.encode(errors="replace")) > MAX_BYTES):
        span = Span(file, 1, 1, 1, 1, layer)
        hint = "move tables and long texts to separate files and use those as inputs"
        raise _invalid("too-large", "the file is larger than 4 MiB", span, hint, "")
    if isinstance(text, bytes):
        text = _from_utf8(text, file, layer)
    text = text.removeprefix("\ufeff")
    if found := _UNREADABLE.search(text):
        span = span_between(text, found.start(), found.end(), file, layer)
        message = f"the character U+{ord(found[0]):04X} is not allowed in a YAML file"
        escape = f'inside double quotes, write it as "\\u{ord(found[0]):04x}"' if found[0] != "\0" else None
        raise _invalid("control-character", message, span, escape, _printable(text))
    if found := _DIRECTIVE.search(text):
        span = span_between(text, found.start(), found.end(), file, layer)
        hint = (
            "remove the line, since every pipeline file is YAML 1.2; put text that starts with '%' in quotes"
        )
        raise _invalid("yaml-syntax", "a line cannot start with '%'", span, hint, text)
    return text


def _from_utf8(raw: bytes, file: str, layer: str) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8")
        span = span_between(before + "?", len(before), len(before) + 1, file, layer)
        message = f"byte 0x{raw[error.start]:02x} is not valid UTF-8"
        text = raw.decode("utf-8", errors="replace")
        raise _invalid("not-utf8", message, span, "save the file as UTF-8", _printable(text)) from None


def _printable(text: str) -> str:
    return _UNREADABLE.sub("\ufffd", text)


def _composed(text: str, source: str, file: str, layer: str) -> Node | None:
    """Compose `text`. Mistakes for which there is a patch are patched, so that all are found in one pass."""
    readable = for_parser(text)
    syntax: list[Diagnostic] = []
    parsed = 0
    while True:
        composer = Composer(text, readable, file, layer)
        try:
            root = composer.compose()
        except YAMLError as error:
            found = explain(error, text, file, layer)
            syntax.append(found.diagnostic)
            parsed += len(text)
            if found.patch is not None and parsed < _REPAIRS:
                start, end, patch = found.patch
                readable = readable[:start] + patch + readable[end:]
                continue
            root = None
        break
    lines = {(mistake.span.line, mistake.code) for mistake in composer.mistakes}
    mistakes = [found for found in syntax if (found.span.line, "unquoted-reference") not in lines]
    if mistakes or composer.mistakes:
        raise InvalidPipelineError([*mistakes, *composer.mistakes], {file: source})
    return root
