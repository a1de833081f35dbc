"""A resolved document -> YAML text that reads back as the same values.

Pure. Keys in the order of the document; texts that YAML would read as something else are quoted; secrets stay
references. A Unicode text stands as it is, control characters are escaped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

from pipespec.document.nodes import MappingNode, Node, Scalar, ScalarNode, SequenceNode
from pipespec.document.scalars import resolve_plain

__all__ = ["scalar_text", "to_yaml"]

_PLAIN: Final = re.compile(r"[A-Za-z0-9_./\u00a1-\ud7ff][^\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]*")


def to_yaml(document: MappingNode) -> str:
    """Write a document in block style, two spaces a level; empty collections as `{}` and `[]`."""
    return "".join(f"{line}\n" for line in _lines(document, ""))


def scalar_text(value: Scalar) -> str:
    """Spell one value as YAML 1.2: plain where that reads back as the same, else in JSON's double quotes."""
    if not isinstance(value, str):
        return json.dumps(value)
    is_safe = (
        _PLAIN.fullmatch(value)
        and value == value.strip()
        and not any(mark in value for mark in (": ", " #"))
        and not value.endswith(":")
        and resolve_plain(value) == value
    )
    return value if is_safe else json.dumps(value, ensure_ascii=False)


def _lines(node: Node, indent: str) -> Iterator[str]:
    match node:
        case MappingNode(entries=entries) if entries:
            for key, entry in entries.items():
                yield from _item(f"{indent}{scalar_text(key)}:", entry.value, indent + "  ")
        case SequenceNode(items=items) if items:
            for item in items:
                yield from _item(f"{indent}-", item, indent + "  ")
        case _:
            yield f"{indent}{_inline(node)}"


def _item(head: str, value: Node, indent: str) -> Iterator[str]:
    if isinstance(value, ScalarNode) or not _children(value):
        yield f"{head} {_inline(value)}"
    else:
        yield head
        yield from _lines(value, indent)


def _inline(node: Node) -> str:
    match node:
        case ScalarNode(value=str(value)) if "${" in value:
            # What only a worker resolves stands in `text` as it was written; a literal `${` is escaped again.
            return scalar_text(node.text if node.text and "${" in node.text else value.replace("${", "$${"))
        case ScalarNode(value=value):
            return scalar_text(value)
        case SequenceNode():
            return "[]"
        case MappingNode():
            return "{}"


def _children(node: SequenceNode | MappingNode) -> bool:
    return bool(node.items if isinstance(node, SequenceNode) else node.entries)
