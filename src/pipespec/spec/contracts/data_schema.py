"""A JSON schema that a pipeline names: where it is, and what its file and the files that it refers to say.

Takes texts; gives parsed documents with the references in them. Which file a reference leads to is decided here, by its
text alone; reading that file is for `project.schema_files`. Nothing is ever fetched.
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
"""Keywords whose values are data: a `$ref` in there is none."""


@frozen
class SchemaFile:
    """A schema as a pipeline names it: `path` is absolute, `text` as the user wrote it, `span` where."""

    path: str
    text: str
    span: Span


@frozen
class DataSchema:
    """What a schema says: its own file first, then those that it refers to, each as (URI, JSON text).

    `name` is the path of its file below the project's root.
    """

    name: str
    documents: tuple[tuple[str, str], ...]

    @property
    def digest(self) -> str:
        """sha256 over what the files say, whatever their names and their layout."""
        said = [parse_schema(text) for _, text in self.documents]
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


@frozen
class SchemaProblem:
    """Why a schema cannot be used, and what to do about it."""

    message: str
    hint: str | None = None
    is_missing: bool = False

    def __str__(self) -> str:
        return self.message


@frozen
class SchemaReference:
    """One `$ref`: as it is written, and the URI that it means, without and with what stands behind `#`."""

    written: str
    document: str
    target: str


def parse_schema(text: str) -> Document:
    """Return the schema that a text is.

    Raises:
        ValueError: where it is no JSON, or JSON of another kind; the message says so.
    """
    try:
        found = json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"line {error.lineno}, column {error.colno}: {error.msg}") from None
    if not isinstance(found, dict | bool):
        raise ValueError("a schema is a JSON object, or true or false")  # noqa: TRY004 - one kind of answer
    return found


def own_uri(document: Document, uri: str) -> str:
    """Return the URI that a document's references start from: its `$id`, else where it was found."""
    stated = document.get("$id") if isinstance(document, dict) else None
    return urldefrag(urljoin(uri, stated)).url if isinstance(stated, str) else uri


def uris_within(document: Document, uri: str) -> frozenset[str]:
    """Return the URIs by which a document and the parts of it that have an `$id` can be referred to."""
    return frozenset({uri, *(base for base, _ in _objects(document, uri))})


def references(document: Document, uri: str) -> Iterator[SchemaReference]:
    """Yield what a document refers to."""
    for base, found in _objects(document, uri):
        for keyword in _REFERRING:
            written = found.get(keyword)
            if isinstance(written, str):
                target = urljoin(base, written)
                yield SchemaReference(written, urldefrag(target).url, target)


def _objects(document: Document, uri: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every object that may be a schema, with the URI that its references start from."""
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
