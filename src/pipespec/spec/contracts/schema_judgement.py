"""Validate values with a JSON schema. Uses the library `jsonschema`, which is imported only if a schema is declared.

Takes a `DataSchema` and a JSON value. Returns mismatches, or what is wrong with the schema itself. The draft is 2020-12
unless `$schema` names another one. As in that draft, `format` is an annotation and is not validated. Nothing is ever
fetched from the network.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from pipespec.document.nodes import JSON
from pipespec.document.wording import did_you_mean, quote
from pipespec.frozen_values import frozen
from pipespec.spec.contracts.data_schema import DataSchema, own_uri, parse_schema, references
from pipespec.spec.value_wording import shown

__all__ = ["MOST_MISFITS", "SchemaJudge", "SchemaMisfit", "schema_problem", "spelt_path"]

MOST_MISFITS: Final = 10
"""Maximum number of mismatches of one value that are reported."""

_LONGEST: Final = 240
_NO_DRAFT: Final[Any] = object()
_DEEP: Final = "it is nested too deeply to be checked"
_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


@frozen
class SchemaMisfit:
    """One mismatch: `path` leads to the wrong part of the value, `message` says what is wrong with it."""

    path: tuple[str | int, ...]
    message: str
    of_keys: bool = False
    """True if a key is wrong, whatever the values are."""

    def __str__(self) -> str:
        return f"{spelt_path(self.path)}: {self.message}"


class SchemaJudge:
    """Validates values with one valid schema.

    Raises:
        ImportError: if `jsonschema` is not installed.
    """

    def __init__(self, schema: DataSchema) -> None:
        from jsonschema.validators import validator_for  # noqa: PLC0415 - 40 ms, and few pipelines have schemas

        uri, text = schema.documents[0]
        document = parse_schema(text)
        # Through a reference, so that references in the schema are resolved against its own URI.
        whole = {"$ref": own_uri(document, uri)}
        self._validator = validator_for(document)(whole, registry=_registry(schema))

    def misfits(self, value: JSON) -> Iterator[SchemaMisfit]:
        """Yield the mismatches of a value. The caller takes as many as it reports."""
        from referencing.exceptions import Unresolvable  # noqa: PLC0415 - as above

        try:
            for error in self._validator.iter_errors(value):
                yield from _told(*_innermost(error))
        except RecursionError:
            yield SchemaMisfit((), _DEEP)
        except Unresolvable as error:
            yield SchemaMisfit((), f"the schema refers to {quote(str(error.ref))}, which leads to nothing")


def schema_problem(schema: DataSchema) -> str | None:
    """Say what is wrong with a schema, or return None."""
    problem = next((told for told in map(_own_problem, schema.documents) if told is not None), None)
    return _lost_reference(schema) if problem is None else problem


def _own_problem(file: tuple[str, str]) -> str | None:
    from jsonschema.exceptions import SchemaError  # noqa: PLC0415 - as above
    from jsonschema.validators import validator_for  # noqa: PLC0415 - as above

    document: Any = parse_schema(file[1])
    stated = document.get("$schema") if isinstance(document, dict) else None
    if stated is not None and validator_for({"$schema": str(stated)}, default=_NO_DRAFT) is _NO_DRAFT:
        return f"'$schema' is {shown(stated)}, which is no known draft of JSON Schema"
    try:
        validator_for(document).check_schema(document)
    except SchemaError as error:
        return str(next(iter(_told(*_innermost(error)))))
    except RecursionError:
        return _DEEP
    except OverflowError:
        return "a pattern in it repeats more often than can be counted"
    return None


def _lost_reference(schema: DataSchema) -> str | None:
    from referencing.exceptions import Unresolvable  # noqa: PLC0415 - as above

    registry = _registry(schema)
    for uri, text in schema.documents:
        for reference in references(parse_schema(text), uri):
            try:
                registry.resolver().lookup(reference.target)
            except Unresolvable:
                return f"'$ref' is {quote(reference.written)}, which leads to nothing"
    return None


def _registry(schema: DataSchema) -> Any:
    """Return the registry in which references are looked up. Anything that is not in it counts as not found; nothing is fetched."""
    from jsonschema_specifications import REGISTRY  # noqa: PLC0415 - as above
    from referencing import Resource  # noqa: PLC0415 - as above
    from referencing.jsonschema import DRAFT202012  # noqa: PLC0415 - as above

    resources = []
    for uri, text in schema.documents:
        document = parse_schema(text)
        resource = Resource.from_contents(document, default_specification=DRAFT202012)
        resources += [(uri, resource), (own_uri(document, uri), resource)]
    return REGISTRY.with_resources(resources).crawl()


def _innermost(error: Any) -> tuple[Any, str]:
    """Return why the nearest alternative of a choice (`anyOf` and similar) does not match, and a note that says so."""
    note = ""
    while error.context:
        alternatives: dict[Any, list[Any]] = {}
        for position, one in enumerate(error.context):  # an alternative that is `false` has no path
            name = one.schema_path[0] if one.schema_path else f"false {position}"
            alternatives.setdefault(name, []).append(one)
        if len(alternatives) > 1:
            note = f" (the nearest of {len(alternatives)} alternatives)"
        error = min(alternatives.values(), key=_distance)[0]
    return error, note


def _distance(errors: list[Any]) -> tuple[bool, bool, int]:
    """Return how far away an alternative is. One for another kind of value is farther away than one with a wrong part."""
    is_other_type = any(one.validator == "type" and not one.path for one in errors)
    is_other_value = any(one.validator in ("const", "enum") for one in errors)
    return is_other_type, is_other_value, len(errors)


def _told(error: Any, note: str) -> Iterator[SchemaMisfit]:
    path, value = tuple(error.absolute_path), error.instance
    if error.validator == "additionalProperties" and error.validator_value is False:
        known = error.schema.get("properties", {})
        patterns = error.schema.get("patternProperties", {})
        for key in value:
            if key not in known and not any(re.search(pattern, key) for pattern in patterns):
                near = did_you_mean(key, known)
                yield SchemaMisfit(
                    (*path, key),
                    f"the key is not allowed{'; ' if near else ''}{near or ''}{note}",
                    of_keys=True,
                )
    elif error.validator == "required" and isinstance(error.validator_value, list):
        name = next((key for key in error.validator_value if error.message.startswith(repr(key))), "")
        yield SchemaMisfit(path, f"the key {quote(name)} is missing{note}", of_keys=True)
    elif error.validator == "type":
        wanted = error.validator_value
        kinds = [wanted] if isinstance(wanted, str) else wanted
        yield SchemaMisfit(path, f"{shown(value)} is not of type {' or '.join(map(quote, kinds))}{note}")
    else:
        yield SchemaMisfit(path, _message(error.message, value) + note)


def _message(message: str, value: JSON) -> str:
    """Format the value at the start of a message of the library as JSON, shortened if it is long."""
    spelt = repr(value)
    if message.startswith(spelt):
        message = shown(value) + message[len(spelt) :]
    return message if len(message) <= _LONGEST else f"{message[:_LONGEST]}…"


def spelt_path(path: tuple[str | int, ...], whole: str = "$") -> str:
    """Format a path as JSONPath: `$.rows[3].score`. `whole` is the text for the value at which it starts."""
    steps = (
        f".{key}" if isinstance(key, str) and _WORD.fullmatch(key) else f"[{shown(key)}]" for key in path
    )
    return whole + "".join(steps)
