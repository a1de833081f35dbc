"""Format a resolved document as YAML that is parsed to the same values, with the origin of each, or as a comparison.

Pure. Keys are in the order of the document. Texts that YAML would read as something else, or that a terminal would
interpret, are quoted. Secrets remain references.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from pipespec.document.interpolation.reference_rules import DOCUMENT, PlaceRule
from pipespec.document.key_paths import path_below
from pipespec.document.nodes import JSON, MappingNode, Node, Scalar, ScalarNode, SequenceNode, plain, set_at
from pipespec.document.password_masking import without_passwords
from pipespec.document.yaml.plain_scalars import is_plain_text, spell_float
from pipespec.errors import Span
from pipespec.views.terminal_text import columns_of, pad, printable

__all__ = [
    "compared",
    "comparison_to_json",
    "option_lines",
    "origins",
    "origins_to_json",
    "render_comparison",
    "scalar_text",
    "to_yaml",
]

_PLAIN: Final = re.compile(r"[A-Za-z0-9_./\u00a1-\ud7ff][^\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]*")
_NOT_SET: Final = "-"
_UNSET: Final = "???"
_ORIGIN_COLUMN: Final = 48


def to_yaml(document: MappingNode, *, with_origin: bool = False) -> str:
    """Write a document in block style, with two spaces for each level. Empty collections are `{}` and `[]`.

    `with_origin` adds a comment to each value: the file and line that set it, and the layer.
    """
    lines = list(_lines(document, "", DOCUMENT))
    width = min(
        _ORIGIN_COLUMN, max((columns_of(text) for text, origin in lines if origin is not None), default=0)
    )
    return "".join(
        f"{pad(text, width)}  # {printable(_place(origin))}\n"
        if with_origin and origin is not None
        else f"{text}\n"
        for text, origin in lines
    )


def option_lines(defaults: Mapping[str, tuple[Any, str]]) -> str:
    """Write the defaults of options as comments, each with the file or variable that sets it."""
    return "".join(
        f"# option {name.replace('_', '-')}: {_option_value(value)}  ({origin})\n"
        for name, (value, origin) in defaults.items()
    )


def _option_value(value: object) -> str:
    return without_passwords(printable(json.dumps(value, ensure_ascii=False)))


def scalar_text(value: Scalar) -> str:
    """Format one value as YAML: plain if that is parsed to the same value, also in YAML 1.1, otherwise in JSON's double quotes."""
    if isinstance(value, float):
        return spell_float(value)
    if not isinstance(value, str):
        return json.dumps(value)
    is_safe = (
        _PLAIN.fullmatch(value)
        and value == value.strip()
        and not any(mark in value for mark in (": ", " #"))
        and not value.endswith(":")
        and is_plain_text(value)
        and printable(value) == value
    )
    return value if is_safe else "".join(map(_quotable, json.dumps(value, ensure_ascii=False)))


def _quotable(character: str) -> str:
    """Escape, as YAML does in double quotes, what a terminal would interpret or hide."""
    if printable(character) == character:
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


class _Row(NamedTuple):
    """One leaf that upper layers changed; None if a layer does not have it."""

    path: str
    base: Node | None
    effective: Node | None


def compared(base: MappingNode, effective: MappingNode) -> list[_Row]:
    """Return the leaves that differ between a document without its upper layers and with them, in order."""
    before, after = _leaves(base), _leaves(effective)
    return [
        _Row(path, before.get(path), after.get(path))
        for path in dict.fromkeys((*before, *after))
        if _value(before.get(path)) != _value(after.get(path))
    ]


def render_comparison(rows: Sequence[_Row]) -> str:
    """Show each changed value: that of the base, the layer that set it with its place, and the effective value."""
    if not rows:
        return "overlays and --set change nothing"
    cells = [("value", "base", "overlay", "effective")] + [
        (
            printable(row.path),
            _shown(row.base),
            printable(_place(set_at(row.effective))) if row.effective is not None else "deleted",
            _shown(row.effective),
        )
        for row in rows
    ]
    widths = [max(columns_of(cell[column]) for cell in cells) for column in range(3)]
    return "\n".join(
        "  ".join([*(pad(text, width) for text, width in zip(cell, widths, strict=False)), cell[3]]).rstrip()
        for cell in cells
    )


def origins_to_json(document: MappingNode) -> dict[str, Any]:
    """Return each leaf with its value and the place that set it. The structure has a version."""
    return {
        "version": 1,
        "values": [
            {"path": path, "value": plain(node), **_origin_to_json(node)}
            for path, node in _leaves(document).items()
        ],
    }


def origins(document: MappingNode) -> dict[str, str]:
    """Return the place of each value that was set by a layer other than the file itself, by its path."""
    return {
        path: _place(set_at(node)) for path, node in _leaves(document).items() if set_at(node).layer != "file"
    }


def comparison_to_json(rows: Sequence[_Row]) -> dict[str, Any]:
    """Return each changed value, with `base` and `effective` if the layers have it, and the place that set it."""
    return {"version": 1, "changes": [_change_to_json(row) for row in rows]}


def _change_to_json(row: _Row) -> dict[str, JSON]:
    change: dict[str, JSON] = {"path": row.path}
    if row.base is not None:
        change["base"] = plain(row.base)
    if row.effective is not None:
        change |= {"effective": plain(row.effective), **_origin_to_json(row.effective)}
    return change


def _origin_to_json(node: Node) -> dict[str, JSON]:
    """Say where a leaf was set. For a list, which layers can extend, also say where each item was set."""
    place = _place_to_json(set_at(node))
    if isinstance(node, SequenceNode):
        place["items"] = [_place_to_json(set_at(item)) for item in node.items]
    return place


def _place_to_json(span: Span) -> dict[str, JSON]:
    return {"file": span.file, "line": span.line, "column": span.column, "layer": span.layer}


def _lines(node: Node, indent: str, rule: PlaceRule) -> Iterator[tuple[str, Span | None]]:
    match node:
        case MappingNode(entries=entries) if entries:
            for key, entry in entries.items():
                head = f"{indent}{scalar_text(key)}:"
                yield from _item(head, entry.value, indent + "  ", rule.at(key))
        case SequenceNode(items=items) if items:
            for item in items:
                yield from _item(f"{indent}-", item, indent + "  ", rule)
        case _:
            yield f"{indent}{_inline(node, rule)}", set_at(node)


def _item(head: str, value: Node, indent: str, rule: PlaceRule) -> Iterator[tuple[str, Span | None]]:
    if _is_leaf(value):
        yield f"{head} {_inline(value, rule)}", set_at(value)
    else:
        yield head, None
        yield from _lines(value, indent, rule)


def _inline(node: Node, rule: PlaceRule) -> str:
    match node:
        case ScalarNode(value=value) if value == _UNSET:
            return _unset(node)
        case ScalarNode(value=str(value)) if "${" in value and not rule.free:
            # What only a worker resolves is in `text` as it was written; a literal `${` is escaped again.
            return scalar_text(node.text if node.text and "${" in node.text else value.replace("${", "$${"))
        case ScalarNode(value=value):
            return scalar_text(value)
        case SequenceNode():
            return "[]"
        case MappingNode():
            return "{}"


def _unset(node: ScalarNode) -> str:
    """Write `???` as an open value, or as a reference if a reference provided it. The text `???` is quoted."""
    if node.quoted:
        return f'"{_UNSET}"'
    return node.text if node.text is not None and node.origin is not None else _UNSET


def _leaves(document: MappingNode) -> Mapping[str, Node]:
    """Return the leaves by dotted path. A list is one leaf, because layers replace it as a whole."""
    found: dict[str, Node] = {}
    waiting: list[tuple[str, Node]] = [("", document)]
    while waiting:
        path, node = waiting.pop()
        if isinstance(node, MappingNode) and node.entries:
            below = [(path_below(path, key), entry.value) for key, entry in node.entries.items()]
            waiting.extend(reversed(below))
        else:
            found[path] = node
    return found


def _is_leaf(node: Node) -> bool:
    match node:
        case ScalarNode():
            return True
        case SequenceNode(items=items):
            return not items
        case MappingNode(entries=entries):
            return not entries


def _value(node: Node | None) -> str | None:
    """A text that is equal for equal values of equal type."""
    return None if node is None else json.dumps(plain(node), sort_keys=True)


def _shown(node: Node | None) -> str:
    if node is None:
        return _NOT_SET
    if isinstance(node, ScalarNode) and node.value == _UNSET:
        return _unset(node)
    return printable(
        scalar_text(node.value)
        if isinstance(node, ScalarNode)
        else json.dumps(plain(node), ensure_ascii=False)
    )


def _place(span: Span) -> str:
    if span.layer == "set":
        return span.file
    layer = "" if span.layer == "file" else f" ({span.layer})"
    return f"{span.file}:{span.line}{layer}"
