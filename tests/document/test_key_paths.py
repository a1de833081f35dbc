"""Paths of keys: what is written is read again, whatever the keys are called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipespec.document.interpolation.interpolate import interpolate_document
from pipespec.document.interpolation.resolver_interface import Resolvers
from pipespec.document.key_paths import join_path, read_path
from pipespec.document.layers.overlay import apply_override
from pipespec.document.nodes import Entry, MappingNode, ScalarNode, plain
from pipespec.errors import InvalidPipelineError, Span

PLACE = Span("pipeline.yaml", 1, 1, 1, 2)
keys = st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=6), min_size=1, max_size=4)


def nested(path, value):
    node = ScalarNode(value, PLACE)
    for key in reversed(path):
        node = MappingNode({key: Entry(PLACE, node)}, PLACE)
    return node


@given(keys)
def test_a_path_reads_as_the_keys_that_it_was_made_of(names):
    path = join_path(["params", *names])

    found, end = read_path(path)

    assert ([key.name for key in found], end) == (["params", *names], len(path))
    assert path[found[-1].start : found[-1].end] in path


@given(keys)
def test_every_key_can_be_referred_to_and_set(names):
    path = join_path(["params", *names])
    document = nested(["params", *names], 1)
    reading = MappingNode(
        {**document.entries, "steps": Entry(PLACE, nested(["a", "params", "x"], f"${{{path}}}"))}, PLACE
    )

    assert plain(interpolate_document(reading, Resolvers()))["steps"]["a"]["params"]["x"] == 1
    assert plain(apply_override(document, f"{path}=2")) == plain(nested(["params", *names], 2))


@pytest.mark.parametrize(
    ("text", "names", "rest"),
    [
        ("a.b", ["a", "b"], ""),
        ('a["b.c"].d', ["a", "b.c", "d"], ""),
        ('a["b"]["c=d"]=1', ["a", "b", "c=d"], "=1"),
        ('a["\\u007b"]', ["a", "{"], ""),
        ("a[0]", ["a[0]"], ""),
        ('["a"]', [], '["a"]'),
        ('a["b', ["a"], '["b'),
        ("a..b", ["a"], ".b"),
        ("", [], ""),
    ],
)
def test_what_is_no_path_ends_before_the_text_does(text, names, rest):
    found, end = read_path(text)

    assert ([key.name for key in found], text[end:]) == (names, rest)


def told(document, override=None):
    with pytest.raises(InvalidPipelineError) as refused:
        interpolate_document(document, Resolvers()) if override is None else apply_override(
            document, override
        )
    (found,) = refused.value.diagnostics
    return found.code, found.hint


def test_who_writes_dots_where_a_key_has_them_is_told_how_to():
    document = nested(["params", "names", "a.b"], 1)
    reading = MappingNode(
        {**document.entries, "steps": Entry(PLACE, nested(["a", "params", "x"], "${params.names.a.b}"))},
        PLACE,
    )
    offered = "did you mean 'params.names[\"a.b\"]'?"

    assert told(reading) == ("unknown-reference", offered)
    assert told(document, "params.names.a.b=2") == (
        "unknown-key",
        f"{offered} to add it, write --set +params.names.a=...",
    )
