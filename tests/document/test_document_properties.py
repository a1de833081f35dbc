"""What holds for every document: places, round trips, layers, references, and text that stays text."""

from __future__ import annotations

import io
import json

from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from pipespec.document.interpolation.interpolate import interpolate_document
from pipespec.document.interpolation.resolver_interface import Resolvers
from pipespec.document.layers.overlay import apply_override, merge
from pipespec.document.layers.resolve_layers import IncludedSource, resolve
from pipespec.document.nodes import ScalarNode, plain, walk
from pipespec.document.yaml.plain_scalars import resolve_plain
from pipespec.document.yaml.yaml_reader import read, read_scalar
from pipespec.errors import InvalidPipelineError

READABLE = st.characters(
    codec="utf-8", exclude_categories=("Cc", "Cs", "Cn"), exclude_characters="\u2028\u2029\ufffe\uffff"
)
SIGNS = st.sampled_from("\n\t :#-?,[]{}&*!|>'\"%@`$\\=.<~")
TEXT = st.text(st.one_of(READABLE, SIGNS), max_size=12)
WORDS = st.sampled_from(
    ["no", "007", "1e3", "3.10", "~", "null", "2021-10-01", "12:30:45", "1_000", "<<", "- a", "a: b", "0x1F", ".5", "???", "a?b:c"]
)  # fmt: skip
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXT,
    WORDS,
)
KEYS = st.one_of(TEXT, WORDS)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=12,
)
DOCUMENTS = st.dictionaries(KEYS, VALUES, min_size=1, max_size=4)
SLOW_TO_DRAW = settings(suppress_health_check=[HealthCheck.too_slow], max_examples=60, deadline=None)


def same(left, right):
    """Equal, with the types of numbers and the order of keys."""
    return json.dumps(left) == json.dumps(right)


def refusal(act):
    """The error that an act raises, or None."""
    try:
        act()
    except InvalidPipelineError as error:
        return error
    return None


def as_json(value):
    """JSON, with every text as YAML may hold it: no surrogate pairs, control characters escaped."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def as_blocks(value):
    """YAML in block style, as an editor or another program may write it."""
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.allow_unicode = True
    yaml.width = 40
    stream = io.StringIO()
    yaml.dump(value, stream)
    return stream.getvalue()


@SLOW_TO_DRAW
@given(DOCUMENTS)
def test_a_document_dumped_as_json_is_read_back(value):
    assert same(plain(read(as_json(value), file="p.yaml")), value)


@SLOW_TO_DRAW
@given(DOCUMENTS)
def test_a_document_dumped_in_blocks_is_read_back(value):
    read_back = plain(read(as_blocks(value), file="p.yaml"))

    assert json.dumps(read_back, sort_keys=True) == json.dumps(value, sort_keys=True)


def between(text, span):
    """The text at a span; lines are those of `splitlines`."""
    lines = text.splitlines(keepends=True) or [""]
    if span.line == span.end_line:
        return lines[span.line - 1][span.column - 1 : span.end_column - 1] if span.line <= len(lines) else ""
    first, *middle = lines[span.line - 1 : span.end_line - 1]
    last = lines[span.end_line - 1][: span.end_column - 1] if span.end_line <= len(lines) else ""
    return first[span.column - 1 :] + "".join(middle) + last


@SLOW_TO_DRAW
@given(DOCUMENTS, st.sampled_from([as_json, as_blocks]))
def test_the_text_at_a_span_is_what_was_parsed(value, dump):
    text = dump(value)

    root = read(text, file="p.yaml")

    for _, node in walk(root):
        if not isinstance(node, ScalarNode):
            continue
        written = between(text, node.span)
        if not node.quoted:
            joined = " ".join(written.split()) if node.span.line != node.span.end_line else written
            assert same(resolve_plain(joined), node.value) or "\n" in written
        elif node.span.line == node.span.end_line:
            assert plain(read_scalar(written, "it")) == node.value
        else:
            assert written[0] in "'\"|>"
    for entry in root.entries.values():
        assert between(text, entry.key_span).strip(" ")


@SLOW_TO_DRAW
@given(
    st.one_of(
        st.text(st.one_of(READABLE, SIGNS, st.sampled_from("ab1")), max_size=40), st.binary(max_size=30)
    )
)
@example("a: [${x}, ${y}")
@example("a: {{ x }}: b")
@example("? {a: @x}\n: *b")
@example("a: !!x:y? &b c")
@example("a: 'x\n...\n'")
def test_any_text_is_read_or_refused_with_places_in_it(text):
    error = refusal(lambda: read(text, file="p.yaml"))

    lines = len(error.sources["p.yaml"].splitlines()) if error else 0
    for found in error.diagnostics if error else ():
        assert 1 <= found.span.line <= lines + 1
        assert (found.span.line, found.span.column) <= (found.span.end_line, found.span.end_column)
        assert found.message[0].islower() or not found.message[0].isalpha()
        assert not found.message.endswith(".")
        assert "\n" not in found.message


@SLOW_TO_DRAW
@given(DOCUMENTS)
def test_an_empty_overlay_changes_nothing(value):
    base = read(as_json(value), file="p.yaml")
    nothing = read("", file="o.yaml", layer="overlay")

    assert merge(base, nothing, strict=True) == base
    assert merge(base, nothing, strict=False) == base
    assert plain(merge(nothing, base, strict=False)) == plain(base)


@SLOW_TO_DRAW
@given(DOCUMENTS)
def test_a_document_laid_over_itself_changes_nothing(value):
    base = read(as_json(value), file="p.yaml")

    assert plain(merge(base, read(as_json(value), file="p.yaml"), strict=False)) == plain(base)


def holds_reference(value):
    """Whether a text or key in the value may be taken for a reference, or for a value that is wanted."""
    return "${" in as_json(value) or '"???"' in as_json(value)


@SLOW_TO_DRAW
@given(DOCUMENTS)
def test_a_document_without_references_is_interpolated_to_itself(value):
    assume(not holds_reference(value))
    document = read(as_json({"params": value}), file="p.yaml")

    assert interpolate_document(document, Resolvers()) is document


NAMES = st.sampled_from("abcde")
REFERRING = st.dictionaries(
    NAMES,
    st.one_of(
        SCALARS.filter(lambda value: not holds_reference(value)),
        NAMES.map(lambda name: f"${{params.{name}}}"),
        st.tuples(TEXT.filter(lambda text: "$" not in text and "{" not in text), NAMES).map(lambda t: f"{t[0]}${{params.{t[1]}}}"),
        NAMES.map(lambda name: [f"${{params.{name}}}", 1]),
        st.sampled_from(["$${params.a}", "${env:A}", "x${secret:KEY}", "${env:B, ${params.a}}", "${name}"]),
    ),
    min_size=1,
)  # fmt: skip


@SLOW_TO_DRAW
@given(REFERRING)
@example({"a": "$${params.a}", "b": "<${params.a}>"})
def test_what_is_interpolated_once_changes_nothing_the_second_time(params):
    document = read(as_json({"params": params}), file="p.yaml")
    surroundings = Resolvers(name="n", env={"A": "${params.a} [1, 2]"})
    error = refusal(lambda: interpolate_document(document, surroundings))

    if error:
        assert {found.code for found in error.diagnostics} <= {"unknown-reference", "reference-cycle"}
    else:
        once = interpolate_document(document, surroundings)
        assert interpolate_document(once, surroundings) == once


@SLOW_TO_DRAW
@given(TEXT.filter(lambda text: "\0" not in text))
@example("[1, 2]")
@example("${params.other}")
@example("true")
@example("a: b\n- c # d")
def test_a_text_from_the_environment_never_becomes_anything_else(text):
    document = read("params: {x: '${env:X}', y: '<${env:X}>', z: ['${params.x}'], other: 1}", file="p.yaml")

    params = plain(interpolate_document(document, Resolvers(env={"X": text})))["params"]

    assert params == {"x": text, "y": f"<{text}>", "z": [text], "other": 1}


@SLOW_TO_DRAW
@given(VALUES.filter(lambda value: "$" not in as_json(value) and not holds_reference(value)))
def test_a_value_in_json_can_be_set_by_an_option(value):
    document = read("params: {x: ???}", file="p.yaml")

    changed = apply_override(document, f"params.x={as_json(value)}")

    assert same(plain(changed), {"params": {"x": value}})


@SLOW_TO_DRAW
@given(
    st.dictionaries(NAMES, SCALARS.filter(lambda value: not holds_reference(value))),
    st.lists(st.dictionaries(NAMES, st.integers(0, 9)), max_size=3),
)
def test_each_value_comes_from_the_highest_layer_that_sets_it(lowest, overlays):
    lowest = {**dict.fromkeys("abcde", 0), **lowest}

    found = resolve(
        IncludedSource("main.yaml", as_json({"params": lowest})),
        fetch=lambda path, span: IncludedSource(path, ""),
        resolvers=Resolvers(),
        overlays=[
            IncludedSource(f"{number}.yaml", as_json({"params": over}))
            for number, over in enumerate(overlays)
        ],
    )

    expected, files = dict(lowest), dict.fromkeys(lowest, "main.yaml")
    for number, over in enumerate(overlays):
        expected.update(over)
        files.update(dict.fromkeys(over, f"{number}.yaml"))
    params = found.document.get("params")
    assert same({name: expected[name] for name in plain(params)}, plain(params))
    assert {name: entry.value.span.file for name, entry in params.entries.items()} == files
