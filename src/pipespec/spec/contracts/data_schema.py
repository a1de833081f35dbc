"""A JSON schema that a pipeline names: its path, and the text of its file and of the files that it references.

Takes texts and returns parsed documents with their references. The text of a reference alone decides which file it
means. `project.schema_files` reads that file. Nothing is ever fetched from the network.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any, Final, TypeAlias
from urllib.parse import urldefrag, urljoin

from pipespec.errors import Span
from pipespec.frozen_values import frozen

__all__ = [
    "DataSchema",
    "SchemaFile",
    "SchemaProblem",
    "SchemaReference",
    "own_uri",
    "parse_schema",
    "references",
    "uris_within",
]

Document: TypeAlias = dict[str, Any] | bool

_REFERRING: Final = ("$ref", "$dynamicRef", "$recursiveRef")
_OF_DATA: Final = frozenset({"const", "default", "enum", "examples"})
"""Keywords whose values are data: a `$ref` in them is not a reference."""


@frozen
class SchemaFile:
    """A schema as a pipeline names it: `path` is absolute, `text` is what the user wrote, `span` is its place."""

    path: str
    text: str
    span: Span


@frozen
class DataSchema:
    """The content of a schema: first its own file, then the files that it references, each as (URI, JSON text).

    `name` is the path of its own file, relative to the project root.
    """

    name: str
    documents: tuple[tuple[str, str], ...]

    @property
    def digest(self) -> str:
        """The SHA-256 hash of what the files say. The names of the files and their layout do not count."""
        said = [parse_schema(text) for _, text in self.documents]
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


@frozen
class SchemaProblem:
    """Why a schema cannot be used, and how to correct it."""

    message: str
    hint: str | None = None
    is_missing: bool = False

    def __str__(self) -> str:
        return self.message


@frozen
class SchemaReference:
    """One `$ref`: the text as written, and the URI that it means, without and with the part after `#`."""

    written: str
    document: str
    target: str


def parse_schema(text: str) -> Document:
    """Parse a text as a schema.

    Raises:
        ValueError: if it is not JSON, or JSON of another kind; the message says so.
    """
    try:
        found = json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"line {error.lineno}, column {error.colno}: {error.msg}") from None
    if not isinstance(found, dict | bool):
        raise ValueError("a schema is a JSON object, or true or false")  # noqa: TRY004 - the same error for every mistake
    return found


def own_uri(document: Document, uri: str) -> str:
    """Return the base URI of a document's references: its `$id`, or otherwise the URI at which it was found."""
    stated = document.get("$id") if isinstance(document, dict) else None
    return urldefrag(urljoin(uri, stated)).url if isinstance(stated, str) else uri


def uris_within(document: Document, uri: str) -> frozenset[str]:
    """Return the URIs by which a document, and its parts that have an `$id`, can be referenced."""
    return frozenset({uri, *(base for base, _ in _objects(document, uri))})


def references(document: Document, uri: str) -> Iterator[SchemaReference]:
    """Yield the references in a document."""
    for base, found in _objects(document, uri):
        for keyword in _REFERRING:
            written = found.get(keyword)
            if isinstance(written, str):
                target = urljoin(base, written)
                yield SchemaReference(written, urldefrag(target).url, target)


def _objects(document: Document, uri: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every object that may be a schema, with the base URI of its references."""
    waiting: list[tuple[str, Any]] = [(uri, document)]
    while waiting:
        base, found = waiting.pop()
        if isinstance(found, list):
            waiting += [(base, item) for item in reversed(found)]
        if not isinstance(found, dict):
            continue
        stated = found.get("$id")
        here = urldefrag(urljoin(base, stated)).url if isinstance(stated, str) else base
        yield here, found
        waiting += [(here, found[key]) for key in reversed(found) if key not in _OF_DATA]
