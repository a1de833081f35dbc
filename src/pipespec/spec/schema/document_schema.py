"""Check the structure of a pipeline file: whether every key is known and every value is of the right kind.

Takes a resolved tree. Returns diagnostics in the user's words, one for each cause. All rules are in
`schemas/pipeline.schema.json`. What the names mean is checked by `build_spec` and the stage `checks`.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pipespec.document.key_paths import join_path
from pipespec.document.key_search import find_key, single_keys
from pipespec.document.nodes import MappingNode, Node, ScalarNode, SequenceNode, plain, set_at
from pipespec.document.password_masking import NOTIFY, without_urls
from pipespec.document.wording import did_you_mean, nearest
from pipespec.errors import Diagnostic, Span
from pipespec.python.callable_ref import library_step, likely_call
from pipespec.spec.schema import json_schema
from pipespec.spec.schema.likely_shapes import likely_place, likely_shape, value_text
from pipespec.spec.schema.misplaced_keys import misplaced_keys
from pipespec.spec.schema.other_words import TO_REPEAT, other_word
from pipespec.spec.value_wording import nearest_or_all, shown

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
"""The pattern at places where text is allowed only as a reference to a value of another kind."""


@functools.cache
def load_schema() -> Mapping[str, Any]:
    """Return the schema of a pipeline file: the one in the package, or the one in this checkout.

    It is found by the path of this module instead of `importlib.resources`, whose import takes longer than the whole
    check.
    """
    here = Path(__file__)
    shipped = here.parents[2] / "schemas" / "pipeline.schema.json"
    checkout = here.parents[4] / "schemas" / "pipeline.schema.json"
    schema: Mapping[str, Any] = json.loads((shipped if shipped.exists() else checkout).read_bytes())
    return schema


@functools.cache
def _rule() -> json_schema.SchemaRule:
    return json_schema.compile_schema(load_schema())


def check_shape(document: MappingNode) -> tuple[Diagnostic, ...]:
    """Return what is wrong with the document's structure, one diagnostic for each cause, in the order of the tree."""
    return tuple(diagnostic for _, diagnostic in shape_findings(document))


def shape_findings(document: MappingNode) -> tuple[tuple[json_schema.Path, Diagnostic], ...]:
    """Return the same with the path of each wrong node, so that errors that only follow from it are not reported."""
    broken = _of_whole_matrices(json_schema.violations(_rule(), document), document)
    if not broken:
        return ()
    misplaced, others = misplaced_keys(document, _rule(), broken)
    return (*misplaced, *((one.path, _shown_diagnostic(one)) for one in _without_consequences(others)))


def _of_whole_matrices(
    broken: Iterable[json_schema.Violation], document: MappingNode
) -> tuple[json_schema.Violation, ...]:
    """Blame a matrix once if it is a list of plain values: what it lacks is the name of an axis."""
    found: dict[object, json_schema.Violation] = {}
    for number, one in enumerate(broken):
        steps = document.get("steps")
        step = (
            steps.get(str(one.path[1]))
            if _is_item_of_matrix(one) and isinstance(steps, MappingNode)
            else None
        )
        matrix = step.get("matrix") if isinstance(step, MappingNode) else None
        if isinstance(matrix, SequenceNode) and all(isinstance(item, ScalarNode) for item in matrix.items):
            found.setdefault(one.path[:-1], replace(one, path=one.path[:-1], node=matrix))
        else:
            found[number] = one
    return tuple(found.values())


def _is_item_of_matrix(broken: json_schema.Violation) -> bool:
    match broken.path:
        case ("steps", str(), "matrix", int()):
            return broken.keyword == "type"
        case _:
            return False


def _without_consequences(broken: Iterable[json_schema.Violation]) -> Iterator[json_schema.Violation]:
    """Remove a missing key if an unknown key beside it is a misspelling of it, or is the key that it should be beside.

    If a file has neither 'pipespec' nor 'steps', one of both is enough to say that it is not a pipeline.
    """
    found = tuple(broken)
    unknown: dict[json_schema.Path, list[str]] = {}
    for one in found:
        if one.keyword == "additionalProperties" and one.key is not None:
            unknown.setdefault(one.path, []).append(one.key)
    is_said = False
    for one in found:
        beside = unknown.get(one.path, ())
        if one.keyword == "dependentRequired" and any(other_word(one.path, key) for key in beside):
            continue
        if one.keyword == "required" and any(_is_meant(one, key) for key in beside):
            continue
        if one.keyword == "required" and one.path == ():
            if is_said:
                continue
            is_said = True
        yield one


def _is_meant(missing: json_schema.Violation, key: str) -> bool:
    """Return whether an unknown key is the missing one, misspelled or as another tool calls it, or a step that belongs below it."""
    if missing.key == "steps" and not missing.path and _is_step(missing.node, key):
        return True
    word = other_word(missing.path, key)
    if word is not None:
        return word.key == missing.key
    return get_close_matches(key, missing.rule.properties, n=1) == [missing.key]


def _shown_diagnostic(broken: json_schema.Violation) -> Diagnostic:
    """Return the diagnostic; in `notify`, a URL is a password, wherever it stands by mistake."""
    found = _diagnostic(broken)
    if broken.path[:1] != (NOTIFY,):
        return found
    hint = None if found.hint is None else without_urls(found.hint)
    return replace(found, message=without_urls(found.message), hint=hint)


def _is_step(document: Node, key: str) -> bool:
    """Return whether the value of a key at the top is a step: it says what it calls, in our word or another tool's."""
    value = document.get(key) if isinstance(document, MappingNode) else None
    if not isinstance(value, MappingNode):
        return False
    words = (other_word(("steps", key), name) for name in value.entries)
    return "call" in value.entries or any(
        word is not None and word.key == "call" and not word.is_sentence for word in words
    )


def _diagnostic(broken: json_schema.Violation) -> Diagnostic:
    match broken.keyword, broken.key:
        case "additionalProperties", str(key):
            return _unknown_key(broken, key)
        case "false", str(key):
            message = f"key '{key}' is not allowed in {_subject(broken.path)}"
            return Diagnostic("unknown-key", message, _key_span(broken))
        case (("required" | "dependentRequired"), str(key)):
            return _missing_key(broken, key)
        case "propertyNames", str(key):
            message = (
                f"name {shown(key)} in {_subject(broken.path)} must consist of {_expected(broken.rule.names)}"
            )
            return Diagnostic("bad-name", message, _key_span(broken))
        case "type", _:
            return _wrong_kind(broken)
        case "pattern", _ if broken.rule.source["pattern"] == _REFERENCE:
            return _wrong_kind(broken)
        case _:
            return _bad_value(broken)


def _unknown_key(broken: json_schema.Violation, key: str) -> Diagnostic:
    is_upper = _key_span(broken).layer in (
        "overlay",
        "set",
    )  # it may mean a key that a lower layer has
    present = broken.node.entries if isinstance(broken.node, MappingNode) and not is_upper else {}
    known = [name for name, rule in broken.rule.properties.items() if not rule.accepts_nothing]
    hint = (
        _place_hint(broken, key)
        or _colon_hint(broken, key, known)
        or _word_hint(broken, key)
        or _param_hint(broken, key, known)
        or nearest_or_all(
            key, [name for name in known if name not in present], kind="keys that are allowed here"
        )
    )
    message = f"unknown key {shown(key)} in {_subject(broken.path)}"
    return Diagnostic("unknown-key", message, _key_span(broken), hint)


def _colon_hint(broken: json_schema.Violation, key: str, known: Iterable[str]) -> str | None:
    """Return a hint for a key that lacks only a colon, or the space after it: `{file data.csv}`, `inputs {data: rides.rides}`."""
    name, *rest = re.split(r"\s*[\s:]\s*", key, maxsplit=1)
    value = broken.node.get(key) if isinstance(broken.node, MappingNode) else None
    if not rest or not rest[0] or name not in known or not isinstance(value, ScalarNode):
        return None
    if value.value is None:
        return f"write {name}: {rest[0]}"
    return f"write {name}: {rest[0]}: {value.value}" if rest[0].startswith(("{", "[")) else None


def _place_hint(broken: json_schema.Violation, key: str) -> str | None:
    """Return a hint that names the place where such a key exists, or where a key of a step or a param belongs: `seed` is `params.seed`."""
    if not isinstance(broken.node, MappingNode):
        return None
    match broken.path:
        case () if _is_step(broken.node, key):
            return f"a step belongs below 'steps': write steps: {{{key}: {{call: module:function}}}}"
        case ():
            path = _place_at_top(broken.node, key)
        case ("steps", str(step)):
            params = broken.node.get("params")
            has_param = isinstance(params, MappingNode) and key in params.entries
            path = ("steps", step, "params", key) if has_param else None
        case _:
            path = None
    return None if path is None else f"did you mean {shown(join_path(path))}?"


def _place_at_top(document: MappingNode, key: str) -> tuple[str, ...] | None:
    """Return the path of a param, or of a step and what is set in it, that the user wrote at the top level."""
    params, steps = document.get("params"), document.get("steps")
    below = single_keys(key, document.entries[key].value)[1:]
    if isinstance(params, MappingNode):
        found = find_key(params, key) or ((near,) if (near := nearest(key, params.entries)) else None)
        if found is not None and nearest(key, load_schema()["properties"]) is None:
            return ("params", *found, *below)
    step = steps.get(key) if isinstance(steps, MappingNode) else None
    if not isinstance(step, MappingNode) or not below:
        return None
    own = step.get("params")
    is_param = isinstance(own, MappingNode) and below[0] in own.entries
    return ("steps", key, *(("params",) if is_param else ()), *below)


def _param_hint(broken: json_schema.Violation, key: str, known: Iterable[str]) -> str | None:
    """Say how a value reaches the function, where it stands in the step itself and is like none of the keys."""
    value = broken.node.get(key) if isinstance(broken.node, MappingNode) else None
    match broken.path:
        case ("steps", str()) if (
            isinstance(value, ScalarNode) and value.value is not None and key.isidentifier()
        ):
            if nearest(key, known) is not None:
                return None
            written = value_text(
                (*broken.path, "params", key), value, frozenset({json_schema.kind_of(value)})
            )
            return f"to pass it to the function, write params: {{{key}: {written or '...'}}}"
        case _:
            return None


def _word_hint(broken: json_schema.Violation, key: str) -> str | None:
    """Return what another tool's word is called here, with the user's value if it has a place."""
    word = other_word(broken.path, key)
    if word is None:
        return None
    if word.is_sentence or word.key is None:
        return word.how
    value = broken.node.get(key) if isinstance(broken.node, MappingNode) else None
    if word.key == "steps" and isinstance(value, ScalarNode) and isinstance(value.value, str):
        return f"the name of a pipeline is {shown('name')} here: write name: {value.value.lower()}"
    output = broken.node.get("output") if isinstance(broken.node, MappingNode) else None
    if word.key == "from" and isinstance(value, ScalarNode) and isinstance(output, ScalarNode):
        return f"write the output of a step as one text: from: {value.value}.{output.value}"
    said = value.value if isinstance(value, ScalarNode) else None
    if word.key == "identity" and (not isinstance(said, bool) or said is not (key in TO_REPEAT)):
        return f"results are kept and reused unless something changes: remove {shown(key)}; to run a step each time, write identity: none"
    if (
        word.key == "resources"
        and type(said) is int
        and key not in broken.rule.properties["resources"].properties
    ):
        return (
            f"{shown(key)} is {shown('resources')} here: write resources: {{{key.replace('-', '_')}: {said}}}"
        )
    written = None
    if value is not None and key in broken.rule.properties[word.key].properties:
        inner = value_text((*broken.path, word.key, key), value, frozenset({json_schema.kind_of(value)}))
        written = None if inner is None else f"{{{key}: {inner}}}"
    elif value is not None and not word.is_example and _is_known_there(word.key, value, broken):
        written = _value_of(word.key, value, broken)
    return f"{shown(key)} is {shown(word.key)} here: write {word.key}: {written or word.how}"


def _is_known_there(key: str, value: Node, broken: json_schema.Violation) -> bool:
    """Return whether a mapping may be moved below our key as it is: one with other words in it may not."""
    rule = broken.rule.properties[key]
    is_closed = rule.additional is not None and rule.additional.accepts_nothing
    return (
        not (is_closed and isinstance(value, MappingNode)) or value.entries.keys() <= rule.properties.keys()
    )


def _value_of(key: str, value: Node, broken: json_schema.Violation) -> str | None:
    rule = broken.rule.properties[key]
    text = value.value if isinstance(value, ScalarNode) else None
    if isinstance(text, str) and rule.pattern is not None and rule.pattern.search(text) is None:
        return likely_call(text) if key == "call" else None
    return value_text((*broken.path, key), value, rule.kinds or frozenset())


def _missing_key(broken: json_schema.Violation, key: str) -> Diagnostic:
    if key == "pipespec" and isinstance(broken.node, MappingNode) and "steps" not in broken.node.entries:
        hint = "a pipeline file has 'pipespec: 1' and 'steps:'; an overlay is named after its pipeline: FILE -f OVERLAY"
        return Diagnostic(
            "missing-key", "this is no pipeline: it has no 'pipespec' and no 'steps'", _key_span(broken), hint
        )
    subject = _subject(broken.path)
    examples = broken.rule.properties[key].source.get("examples", ())
    hint = (
        f"add '{key}: {examples[0]}'" if examples and not isinstance(examples[0], dict) else f"add '{key}:'"
    )
    if broken.keyword == "dependentRequired":
        message = f"{subject} has '{_beside(broken, key)}' but no '{key}'"
    else:
        message = f"{subject} has no '{key}'"
    return Diagnostic("missing-key", message, _key_span(broken), hint)


def _beside(broken: json_schema.Violation, key: str) -> str:
    """Return the key that requires this key beside it."""
    assert isinstance(broken.node, MappingNode)
    wanting = [name for name, companions in broken.rule.dependent_required.items() if key in companions]
    there = {name: entry.key_span for name, entry in broken.node.entries.items() if name in wanting}
    return next(name for name, span in there.items() if span == broken.key_span)


def _wrong_kind(broken: json_schema.Violation) -> Diagnostic:
    node, rule = broken.node, broken.rule
    if isinstance(node, ScalarNode) and node.value is None:
        found = "empty"
    else:
        found = shown(node.value) if isinstance(node, ScalarNode) else _KIND_WORDS[json_schema.kind_of(node)]
    message = f"{_subject(broken.path)} is {found}, but must be {_expected(rule)}"
    return Diagnostic("wrong-kind", message, _value_span(broken), _kind_hint(broken))


def _kind_hint(broken: json_schema.Violation) -> str | None:
    """Suggest the value as the right kind, or in quotes if a number or bool would be valid as text."""
    node, rule = broken.node, broken.rule
    if isinstance(node, ScalarNode) and node.value is None:
        return "give it a value, or remove the key"
    if (place := likely_place(broken.path, node)) is not None:
        return place
    if isinstance(node, SequenceNode) and (order := _order_hint(broken.path, node.items)) is not None:
        return order
    likely = likely_shape(broken.path, node, rule.kinds or frozenset())
    if likely is not None:
        return f"write {likely}"
    is_text = isinstance(node, ScalarNode) and isinstance(node.value, str)
    if not isinstance(node, ScalarNode) or is_text or rule.kinds is None or "string" not in rule.kinds:
        return None
    text = node.text if node.text is not None else str(plain(node)).lower()
    if rule.pattern is not None and rule.pattern.search(text) is None:
        return None
    return f'if text is intended, put it in quotes: "{text}"'


def _bad_value(broken: json_schema.Violation) -> Diagnostic:
    node, rule, hint = broken.node, broken.rule, None
    expected = f"be {_expected(rule)}"
    if broken.keyword in ("minItems", "minProperties", "minLength"):
        found = "empty"
        expected = expected if broken.keyword == "minLength" else "have at least one entry"
    elif isinstance(node, ScalarNode):
        found = shown(node.value)
        hint = _order_hint(broken.path, [node]) or _value_hint(node, rule)
    else:
        found = _KIND_WORDS[json_schema.kind_of(node)]
    message = f"{_subject(broken.path)} is {found}, but must {expected}"
    return Diagnostic("bad-value", message, _value_span(broken), hint)


def _order_hint(path: Sequence[str | int], nodes: Sequence[Node]) -> str | None:
    """Say how steps are named that are to run before, if `after` contains names without a module."""
    names = [node.value for node in nodes if isinstance(node, ScalarNode) and isinstance(node.value, str)]
    if (
        path[-1:] != ("after",)
        or not names
        or len(names) < len(nodes)
        or not all(map(str.isidentifier, names))
    ):
        return None
    return f"to run after other steps, write needs: [{', '.join(names)}]; a function that tests the outputs is written module:{names[0]}"


def _value_hint(node: ScalarNode, rule: json_schema.SchemaRule) -> str | None:
    if not isinstance(node.value, str):
        return None
    if node.span.end_line > node.span.line and not node.quoted:
        lines = f"lines {node.span.line} to {node.span.end_line}"
        return f"{lines} are read as one text, because what follows the first is indented deeper"
    if "module:function" in _expected(rule) and "${" not in node.value:
        return _call_hint(node.value)
    if "${" in node.value:
        return "a reference is not allowed here"
    return did_you_mean(node.value, [one for one in rule.enum or () if isinstance(one, str)])


def _call_hint(written: str) -> str | None:
    likely = likely_call(written)
    if re.match(r"(?:lambda|def|async)\b", written):
        return "write a function in a module, and name it: module:function"
    if (how := library_step(written)) is not None:
        return how
    if likely is None and written.endswith(":"):
        return f"write '{written}function', with the name of a function in that module"
    if likely is None:
        return f"write 'module:{written}', with its module" if written.isidentifier() else None
    if likely.endswith(":function") and not written.endswith("function"):
        return f"write {shown(likely)}, with the name of a function in that file"
    return f"did you mean {shown(likely)}?"


def _expected(rule: json_schema.SchemaRule | None) -> str:
    """Say what a rule requires: its own words, otherwise its allowed values, otherwise its kinds."""
    source = {} if rule is None else rule.source
    if "x-expected" in source:
        return str(source["x-expected"])
    if "enum" in source:
        return " or ".join(shown(one) for one in source["enum"])
    declared = source.get("type", "string")
    kinds = [declared] if isinstance(declared, str) else declared
    return " or ".join(_KIND_WORDS[kind] for kind in kinds)


def _subject(path: json_schema.Path) -> str:
    """Name the value at a path: `'inputs.ids' of step 'titles'`."""
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


def _value_span(broken: json_schema.Violation) -> Span:
    """Return the place of the value, or that of its key if the value is empty or so long that it would hide the place."""
    span = set_at(broken.node)
    is_visible = span.line == span.end_line and span.column < span.end_column
    return span if is_visible or broken.key_span is None else broken.key_span


def _key_span(broken: json_schema.Violation) -> Span:
    if broken.key_span is not None:
        return broken.key_span
    start = broken.node.span
    return start._replace(end_line=start.line, end_column=start.column + 1)
