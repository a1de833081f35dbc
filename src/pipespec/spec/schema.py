"""The shape of a pipeline file: is every key known, is every value of the right kind?

Takes a resolved tree, gives diagnostics in the user's words, one for each cause. The rules stand in
`schemas/pipeline.schema.json` and nowhere else; what the names mean is for `build` and `checks`.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pipespec.document.nodes import MappingNode, Node, ScalarNode, plain
from pipespec.document.wording import did_you_mean
from pipespec.errors import Diagnostic, Span
from pipespec.spec import shape
from pipespec.spec.spelling import nearest_or_all, shown

__all__ = ["check_shape", "load_schema", "shape_findings"]

_KIND_WORDS = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "nothing",
    "number": "a number",
    "object": "a mapping",
    "string": "text",
}

_REFERENCE = r"^\$\{.+\}$(?!\n)"
"""The pattern of places where text may stand only as a reference to what else stands there."""


@functools.cache
def load_schema() -> Mapping[str, Any]:
    """Return the schema of a pipeline file: shipped beside the package, or of the checkout that this is.

    By the file's own path and not by `importlib.resources`, whose import takes longer than all shape checking.
    """
    here = Path(__file__)
    shipped = here.parents[1] / "schemas" / "pipeline.schema.json"
    checkout = here.parents[3] / "schemas" / "pipeline.schema.json"
    schema: Mapping[str, Any] = json.loads((shipped if shipped.exists() else checkout).read_bytes())
    return schema


@functools.cache
def _rule() -> shape.Rule:
    return shape.compile_schema(load_schema())


def check_shape(document: MappingNode) -> tuple[Diagnostic, ...]:
    """Return what is wrong with the document's shape, one diagnostic for each cause, in the order of the tree."""
    return tuple(diagnostic for _, diagnostic in shape_findings(document))


def shape_findings(document: MappingNode) -> tuple[tuple[shape.Path, Diagnostic], ...]:
    """Return the same with the path of each culprit, so that what only follows from it can be left unsaid."""
    broken = shape.violations(_rule(), document)
    return tuple((one.path, _diagnostic(one)) for one in _without_consequences(broken))


def _without_consequences(broken: Iterable[shape.Violation]) -> Iterator[shape.Violation]:
    """Leave out a missing key where an unknown one beside it is that key misspelt."""
    found = tuple(broken)
    unknown: dict[shape.Path, list[str]] = {}
    for one in found:
        if one.keyword == "additionalProperties" and one.key is not None:
            unknown.setdefault(one.path, []).append(one.key)
    for one in found:
        misspelt = unknown.get(one.path, ()) if one.keyword == "required" else ()
        if not any(get_close_matches(key, one.rule.properties, n=1) == [one.key] for key in misspelt):
            yield one


def _diagnostic(broken: shape.Violation) -> Diagnostic:
    match broken.keyword, broken.key:
        case "additionalProperties", str(key):
            return _unknown_key(broken, key)
        case "false", str(key):
            message = f"key '{key}' cannot stand in {_subject(broken.path)}"
            return Diagnostic("unknown-key", message, _key_span(broken))
        case (("required" | "dependentRequired"), str(key)):
            return _missing_key(broken, key)
        case "propertyNames", str(key):
            message = (
                f"name {shown(key)} in {_subject(broken.path)} is not made of {_expected(broken.rule.names)}"
            )
            return Diagnostic("bad-name", message, _key_span(broken))
        case "type", _:
            return _wrong_kind(broken)
        case "pattern", _ if broken.rule.source["pattern"] == _REFERENCE:
            return _wrong_kind(broken)
        case _:
            return _bad_value(broken)


def _unknown_key(broken: shape.Violation, key: str) -> Diagnostic:
    present = broken.node.entries if isinstance(broken.node, MappingNode) else {}
    known = [name for name, rule in broken.rule.properties.items() if not rule.accepts_nothing]
    hint = nearest_or_all(
        key, [name for name in known if name not in present], kind="keys that can stand here"
    )
    message = f"unknown key {shown(key)} in {_subject(broken.path)}"
    return Diagnostic("unknown-key", message, _key_span(broken), hint)


def _missing_key(broken: shape.Violation, key: str) -> Diagnostic:
    subject = _subject(broken.path)
    examples = broken.rule.properties[key].source.get("examples", ())
    hint = (
        f"add '{key}: {examples[0]}'" if examples and not isinstance(examples[0], dict) else f"add '{key}:'"
    )
    if broken.keyword == "dependentRequired":
        message = f"{subject} has '{_beside(broken, key)}' and no '{key}'"
    else:
        message = f"{subject} has no '{key}'"
    return Diagnostic("missing-key", message, _key_span(broken), hint)


def _beside(broken: shape.Violation, key: str) -> str:
    wanting = broken.rule.dependent_required.items()
    return next(name for name, companions in wanting if key in companions)


def _wrong_kind(broken: shape.Violation) -> Diagnostic:
    node, rule = broken.node, broken.rule
    if isinstance(node, ScalarNode) and node.value is None:
        found = "empty"
    else:
        found = shown(node.value) if isinstance(node, ScalarNode) else _KIND_WORDS[shape.kind_of(node)]
    message = f"{_subject(broken.path)} is {found}, where {_expected(rule)} is needed"
    return Diagnostic("wrong-kind", message, _value_span(broken), _kind_hint(node, rule))


def _kind_hint(node: Node, rule: shape.Rule) -> str | None:
    """Offer quotes where a number or bool stands for text and would pass as that."""
    if isinstance(node, ScalarNode) and node.value is None:
        return "give it a value, or leave the key out"
    is_text = isinstance(node, ScalarNode) and isinstance(node.value, str)
    if not isinstance(node, ScalarNode) or is_text or rule.kinds is None or "string" not in rule.kinds:
        return None
    text = node.text if node.text is not None else str(plain(node)).lower()
    if rule.pattern is not None and rule.pattern.search(text) is None:
        return None
    return f'to say it as text, put it in quotes: "{text}"'


def _bad_value(broken: shape.Violation) -> Diagnostic:
    node, rule, hint = broken.node, broken.rule, None
    expected = _expected(rule)
    if broken.keyword in ("minItems", "minProperties", "minLength"):
        found = "empty"
        expected = expected if broken.keyword == "minLength" else "at least one entry"
    elif isinstance(node, ScalarNode):
        found = shown(node.value)
        hint = _value_hint(node, rule)
    else:
        found = _KIND_WORDS[shape.kind_of(node)]
    message = f"{_subject(broken.path)} is {found}, where {expected} is needed"
    return Diagnostic("bad-value", message, _value_span(broken), hint)


def _value_hint(node: ScalarNode, rule: shape.Rule) -> str | None:
    if not isinstance(node.value, str):
        return None
    if "${" in node.value:
        return "a reference cannot stand here"
    return did_you_mean(node.value, [one for one in rule.enum or () if isinstance(one, str)])


def _expected(rule: shape.Rule | None) -> str:
    """Say what a rule asks for: its own words, else its allowed values, else its kinds."""
    source = {} if rule is None else rule.source
    if "x-expected" in source:
        return str(source["x-expected"])
    if "enum" in source:
        return " or ".join(shown(one) for one in source["enum"])
    declared = source.get("type", "string")
    kinds = [declared] if isinstance(declared, str) else declared
    return " or ".join(_KIND_WORDS[kind] for kind in kinds)


def _subject(path: shape.Path) -> str:
    """Name what stands at a path: `'inputs.ids' of step 'titles'`."""
    match path:
        case ():
            return "the pipeline"
        case ("steps", str(step)):
            return f"step {shown(step)}"
        case ("steps", str(step), *rest):
            return f"{_subject_below(rest)} of step {shown(step)}"
        case _:
            return _subject_below(path)


def _subject_below(path: Iterable[str | int]) -> str:
    keys = list(path)
    prefix = "an item of " if isinstance(keys[-1], int) else ""
    return prefix + shown(".".join(key for key in keys if isinstance(key, str)))


def _value_span(broken: shape.Violation) -> Span:
    """Point at the value; at its key where the value is empty, or so long that it would hide the place."""
    span = broken.node.span
    is_visible = span.line == span.end_line and span.column < span.end_column
    return span if is_visible or broken.key_span is None else broken.key_span


def _key_span(broken: shape.Violation) -> Span:
    if broken.key_span is not None:
        return broken.key_span
    start = broken.node.span
    return start._replace(end_line=start.line, end_column=start.column + 1)
