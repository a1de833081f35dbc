"""Read the JSON schemas that a pipeline names from the project: `SchemaFile` -> `DataSchema`.

Each schema includes the files that its references mean. Refuses files that do not exist, are not JSON, or are outside
of the project, and references to other hosts: nothing is fetched from the network. The files are read by `DiskModules`,
which caches what it read, so that everything that one command does with a schema uses the same bytes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final
from urllib.parse import quote as quoted
from urllib.parse import unquote, urlsplit

from pipespec.document.wording import quote
from pipespec.project.disk_modules import DiskModules
from pipespec.spec.contracts.data_schema import (
    DataSchema,
    SchemaFile,
    SchemaProblem,
    SchemaReference,
    parse_schema,
    references,
    uris_within,
)

__all__ = ["read_schemas"]

_ENCODING: Final = "utf-8-sig"
_MOST: Final = 100
"""Maximum number of files of one schema."""
_DRAFTS: Final = ("http://json-schema.org/draft-", "https://json-schema.org/draft/")
"""Schemas of schemas, which the library contains."""


def read_schemas(
    files: Iterable[SchemaFile], root: Path, modules: DiskModules
) -> dict[str, DataSchema | SchemaProblem]:
    """Return the content of each schema, or why it cannot be used, by its path."""
    return {path: _read(Path(path), root, modules) for path in dict.fromkeys(file.path for file in files)}


def _read(path: Path, root: Path, modules: DiskModules) -> DataSchema | SchemaProblem:
    documents: dict[str, str] = {}
    known: set[str] = set()
    distant: list[SchemaReference] = []
    waiting = [(_uri(path, root), path)]
    while waiting:
        uri, place = waiting.pop(0)
        if uri in documents:
            continue
        text = _text(place, modules)
        if isinstance(text, SchemaProblem):
            name = quote(_name(place, root))
            return (
                replace(text, message=f"it refers to {name}: {text}", is_missing=False) if documents else text
            )
        if len(documents) == _MOST:
            return SchemaProblem(f"it refers to more than {_MOST} files")
        documents[uri] = text
        document = parse_schema(text)
        known |= uris_within(document, uri)
        for reference in references(document, uri):
            file = urlsplit(reference.written)
            if reference.document in known or reference.document.startswith(_DRAFTS):
                continue
            if file.scheme or file.netloc or not file.path:
                distant.append(reference)
            else:
                waiting.append(
                    (reference.document, Path(os.path.normpath(place.parent / unquote(file.path))))
                )
    for reference in distant:
        if reference.document not in known:
            return SchemaProblem(
                f"'$ref' is {quote(reference.written)}, which is not in the project, and nothing is fetched",
                "keep that schema in the project, and refer to it by its path",
            )
    return DataSchema(_name(path, root), tuple(documents.items()))


def _text(path: Path, modules: DiskModules) -> str | SchemaProblem:
    """Return the text of a file that is JSON, or why there is none."""
    if not modules.is_inside(path):
        return SchemaProblem("it is outside of the project", "keep schemas inside the project root")
    try:
        text = modules.content(path).decode(_ENCODING)
        parse_schema(text)
    except FileNotFoundError:
        return SchemaProblem("there is no such file", f"looked for {path}", is_missing=True)
    except OSError as error:
        return SchemaProblem(f"it cannot be read: {(error.strerror or 'unknown').lower()}")
    except UnicodeDecodeError:
        return SchemaProblem("it is not in UTF-8")
    except ValueError as error:
        return SchemaProblem(f"it is not a schema in JSON: {error}")
    return text


def _name(path: Path, root: Path) -> str:
    return Path(os.path.relpath(path, root)).as_posix()


def _uri(path: Path, root: Path) -> str:
    """Return a URI that contains nothing specific to this machine."""
    return f"file:///{quoted(_name(path, root))}"
