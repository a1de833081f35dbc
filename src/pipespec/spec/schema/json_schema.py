"""Validate a tree with a JSON Schema. Supports the keywords that our schema uses.

Takes a schema once (`compile_schema`), and then trees of nodes. Returns one `Violation` for each cause, with the place
of the wrong node. A schema with an unknown keyword is refused, so that nothing is left unchecked. For why jsonschema is
not used, see docs/decisions/0002-shape-checking.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from typing import Any, Final, TypeAlias

from pipespec.document.interpolation.text_templates import is_unset
from pipespec.document.nodes import MappingNode, Node, Scalar, ScalarNode, SequenceNode
from pipespec.errors import Span
from pipespec.frozen_values import frozen

__all__ = [
    "ANNOTATIONS",
    "ASSERTIONS",
    "Path",
    "SchemaRule",
    "Violation",
    "compile_schema",
    "kind_of",
    "violations",
]

Path: TypeAlias = tuple[str | int, ...]
_Schema: TypeAlias = Mapping[str, Any] | bool

ANNOTATIONS: Final = frozenset(
    {"$comment", "$defs", "$id", "$schema", "default", "description", "examples", "title", "x-expected"}
)
"""Keywords that only describe. `x-expected` is our own: what is expected here, in words for a message."""

ASSERTIONS: Final = frozenset(
    {
        "$ref",
        "additionalProperties",
        "dependentRequired",
        "enum",
        "items",
        "maxLength",
        "maximum",
        "minItems",
        "minLength",
        "minProperties",
        "minimum",
        "pattern",
        "patternProperties",
        "properties",
        "propertyNames",
        "required",
        "type",
    }
)
"""Keywords that validate, as draft 2020-12 defines them."""

_KINDS: Final = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}


@frozen
class SchemaRule:
    """A compiled schema: its reference is resolved and its patterns are compiled."""

    source: Mapping[str, Any]
    """The JSON of the schema, with its reference resolved."""
    kinds: frozenset[str] | None
    accepts_nothing: bool = False
    enum: tuple[Any, ...] | None = None
    pattern: re.Pattern[str] | None = None
    minimum: float | None = None
    maximum: float | None = None
    min_length: int = 0
    max_length: int | None = None
    min_items: int = 0
    items: SchemaRule | None = None
    min_properties: int = 0
    required: tuple[str, ...] = ()
    dependent_required: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    properties: Mapping[str, SchemaRule] = field(default_factory=dict)
    pattern_properties: tuple[tuple[re.Pattern[str], SchemaRule], ...] = ()
    names: SchemaRule | None = None
    additional: SchemaRule | None = None
    """The rule for keys that neither `properties` nor a pattern matches. None allows any value."""


@frozen
class Violation:
    """One place where a tree does not match. `keyword` is the keyword of `rule` that is violated.

    `node` is the value at `path`. `key` is the unknown, missing or wrongly spelled key in it, if there is one.
    `key_span` is the place of that key, or of the key that leads to `node`.
    """

    keyword: str
    path: Path
    node: Node
    rule: SchemaRule
    key: str | None = None
    key_span: Span | None = None


def compile_schema(schema: Mapping[str, Any]) -> SchemaRule:
    """Compile a schema, so that many trees can be validated.

    `$ref` may only refer to `#/$defs/...`, without a circle. A keyword beside it must not also occur in its target,
    except `properties` (which are joined) and annotations (the nearer one counts).

    Raises:
        ValueError: for a keyword or a reference that is not supported.
    """
    return _compile(schema, schema.get("$defs", {}))


def _compile(schema: _Schema, defs: Mapping[str, Any]) -> SchemaRule:
    if isinstance(schema, bool):
        return SchemaRule(source={}, kinds=None, accepts_nothing=not schema)
    flat = _with_reference(schema, defs)
    if unknown := flat.keys() - ANNOTATIONS - ASSERTIONS:
        raise ValueError(f"keywords that the shape checker does not know: {', '.join(sorted(unknown))}")

    for pattern in flat.get("patternProperties", {}):
        if len(flat["patternProperties"]) > 1 or any(
            re.search(pattern, key) for key in flat.get("properties", {})
        ):
            raise ValueError(f"a key may fall under one rule only: {pattern}")

    def sub(keyword: str) -> SchemaRule | None:
        return None if flat.get(keyword, True) is True else _compile(flat[keyword], defs)

    return SchemaRule(
        source=flat,
        kinds=_kinds(flat.get("type")),
        enum=tuple(flat["enum"]) if "enum" in flat else None,
        pattern=re.compile(flat["pattern"]) if "pattern" in flat else None,
        minimum=flat.get("minimum"),
        maximum=flat.get("maximum"),
        min_length=flat.get("minLength", 0),
        max_length=flat.get("maxLength"),
        min_items=flat.get("minItems", 0),
        items=sub("items"),
        min_properties=flat.get("minProperties", 0),
        required=tuple(flat.get("required", ())),
        dependent_required={key: tuple(more) for key, more in flat.get("dependentRequired", {}).items()},
        properties={key: _compile(rule, defs) for key, rule in flat.get("properties", {}).items()},
        pattern_properties=tuple(
            (re.compile(pattern), _compile(rule, defs))
            for pattern, rule in flat.get("patternProperties", {}).items()
        ),
        names=sub("propertyNames"),
        additional=sub("additionalProperties"),
    )


def _with_reference(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in schema:
        return schema
    prefix, _, name = schema["$ref"].rpartition("/")
    if prefix != "#/$defs" or name not in defs:
        raise ValueError(f"a reference that the shape checker cannot follow: {schema['$ref']}")
    target = _with_reference(defs[name], defs)
    own = {keyword: value for keyword, value in schema.items() if keyword != "$ref"}
    if twice := (own.keys() & target.keys()) - ANNOTATIONS - {"properties"}:
        raise ValueError(
            f"keywords on both sides of the reference {schema['$ref']}: {', '.join(sorted(twice))}"
        )
    properties = {**target.get("properties", {}), **own.get("properties", {})}
    return {**target, **own, **({"properties": properties} if properties else {})}


def _kinds(declared: str | list[str] | None) -> frozenset[str] | None:
    if declared is None:
        return None
    kinds = frozenset([declared] if isinstance(declared, str) else declared)
    return kinds | {"integer"} if "number" in kinds else kinds


def violations(rule: SchemaRule, document: Node) -> tuple[Violation, ...]:
    """Return all violations, a parent's before its children's. Nothing is validated below a value of the wrong kind."""
    found: list[Violation] = []
    _judge(rule, document, (), None, found)
    return tuple(found)


def kind_of(node: Node) -> str:
    """Return JSON Schema's name for the kind of a node; `number` if it is not an int."""
    if isinstance(node, ScalarNode):
        return _KINDS[type(node.value)]
    return "object" if isinstance(node, MappingNode) else "array"


# These functions run for every node of a file, so they are optimized for speed: `path` is a linked list (parent, key)
# that is converted only for a violation, and a rule without requirements costs one comparison.
_Link: TypeAlias = "tuple[()] | tuple[_Link, str | int]"


def _laid_out(link: _Link) -> Path:
    path: list[str | int] = []
    while link:
        link, last = link
        path.append(last)
    return tuple(reversed(path))


def _judge(rule: SchemaRule, node: Node, link: _Link, key_span: Span | None, found: list[Violation]) -> None:
    def violated(keyword: str) -> None:
        found.append(Violation(keyword, _laid_out(link), node, rule, None, key_span))

    if rule.accepts_nothing:
        violated("false")
    elif is_unset(node):
        return  # a higher layer defines it later
    elif rule.kinds is not None and not _is_of(rule.kinds, node):
        violated("type")
    elif rule.enum is not None and not _is_among(rule.enum, node):
        violated("enum")
    elif isinstance(node, MappingNode):
        _judge_mapping(rule, node, link, key_span, found)
    elif isinstance(node, SequenceNode):
        if len(node.items) < rule.min_items:
            violated("minItems")
        if rule.items is not None:
            for position, item in enumerate(node.items):
                _judge(rule.items, item, (link, position), item.span, found)
    elif (keyword := _broken_by_scalar(rule, node.value)) is not None:
        violated(keyword)


def _is_of(kinds: frozenset[str], node: Node) -> bool:
    if kind_of(node) in kinds:
        return True
    # JSON Schema counts 2.0 as an integer.
    value = node.value if isinstance(node, ScalarNode) else None
    return isinstance(value, float) and value.is_integer() and "integer" in kinds


def _is_among(allowed: tuple[Any, ...], node: Node) -> bool:
    if not isinstance(node, ScalarNode):
        return False
    value = node.value
    return any(value == one and isinstance(value, bool) == isinstance(one, bool) for one in allowed)


def _broken_by_scalar(rule: SchemaRule, value: Scalar) -> str | None:
    if isinstance(value, str):
        if len(value) < rule.min_length:
            return "minLength"
        if rule.max_length is not None and len(value) > rule.max_length:
            return "maxLength"
        if rule.pattern is not None and rule.pattern.search(value) is None:
            return "pattern"
    elif value is not None and not isinstance(value, bool):
        if rule.minimum is not None and value < rule.minimum:
            return "minimum"
        if rule.maximum is not None and value > rule.maximum:
            return "maximum"
    return None


def _judge_mapping(
    rule: SchemaRule, node: MappingNode, link: _Link, key_span: Span | None, found: list[Violation]
) -> None:
    entries = node.entries
    if len(entries) < rule.min_properties:
        found.append(Violation("minProperties", _laid_out(link), node, rule, None, key_span))
    for key in rule.required:
        if key not in entries:
            found += [Violation("required", _laid_out(link), node, rule, key, key_span)]
    for key, companions in rule.dependent_required.items():
        for companion in companions if key in entries else ():
            if companion not in entries:
                span = entries[key].key_span
                found += [Violation("dependentRequired", _laid_out(link), node, rule, companion, span)]
    properties, additional, names = rule.properties, rule.additional, rule.names
    for key, entry in entries.items():
        if names is not None and _broken_by_scalar(names, key) is not None:
            found.append(Violation("propertyNames", _laid_out(link), node, rule, key, entry.key_span))
        below = properties.get(key)
        if below is None and rule.pattern_properties:
            below = next((more for pattern, more in rule.pattern_properties if pattern.search(key)), None)
        if below is None:
            below = additional
        if below is None:
            continue
        if below.accepts_nothing:
            keyword = "additionalProperties" if below is additional else "false"
            found.append(Violation(keyword, _laid_out(link), node, rule, key, entry.key_span))
        else:
            _judge(below, entry.value, (link, key), entry.key_span, found)
