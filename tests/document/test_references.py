"""The grammar of references: what is taken apart, where, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipespec.document.interpolation.reference_syntax import BadReferenceError, Reference, compose, parse


def shape(pieces):
    """Pieces as tuples: (resolver, target, default) for a reference."""
    return tuple(
        piece
        if isinstance(piece, str)
        else (piece.resolver, shape(piece.target), None if piece.default is None else shape(piece.default))
        for piece in pieces
    )


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", ()),
        ("plain $ } , {", ("plain $ } , {",)),
        ("${name}", ((None, ("name",), None),)),
        ("a${ params.x }b", ("a", (None, ("params.x",), None), "b")),
        ("${env:A}", (("env", ("A",), None),)),
        ("${env:A, b, c}", (("env", ("A",), ("b, c",)),)),
        ("${env:A,}", (("env", ("A",), ()),)),
        ("${oc.env:A, 1}", (("oc.env", ("A",), ("1",)),)),
        ('${env:A, {"k": [1, 2]}}', (("env", ("A",), ('{"k": [1, 2]}',)),)),
        ("${env:A, x${params.b}y}", (("env", ("A",), ("x", (None, ("params.b",), None), "y")),)),
        ("${params.${name}.x}", ((None, ("params.", (None, ("name",), None), ".x"), None),)),
        ("${file:a, b.txt}", (("file", ("a, b.txt",), None),)),
        ("$${x}", ("${x}",)),
        ("$$${x}", ("$${x}",)),
        ("$x ${a}$${b}", ("$x ", (None, ("a",), None), "${b}")),
        ("${env:A, $${x}}", (("env", ("A",), ("${x}",)),)),
    ],
)
def test_a_text_is_taken_apart(text, pieces):
    assert shape(parse(text)) == pieces


def test_a_reference_knows_its_offsets_and_how_it_is_written():
    literal, reference = parse("ab${ env:A, x }")

    assert literal == "ab"
    assert reference == Reference("env", ("A",), ("x",), "${ env:A, x }", 2, 15)


@pytest.mark.parametrize(
    ("text", "message", "start", "end"),
    [
        ("a ${b", "the reference that starts here is not closed", 2, 5),
        ("${env:A, {x}", "the reference that starts here is not closed", 0, 12),
        ("${a${b}", "the reference that starts here is not closed", 0, 7),
        ("x${}", "'${}' refers to nothing", 1, 4),
        ("${env:}", "'${env:}' refers to nothing", 0, 7),
        ("${a" * 9 + "}" * 9, "references are nested more than 8 deep", 24, 26),
        ("${a" * 100_000, "references are nested more than 8 deep", 24, 26),
    ],
)
def test_what_begins_no_reference_is_refused_with_its_place(text, message, start, end):
    with pytest.raises(BadReferenceError) as caught:
        parse(text)

    assert (caught.value.message, caught.value.start, caught.value.end) == (message, start, end)


PIECES = st.lists(
    st.one_of(
        st.text(st.sampled_from("a ${},:"), min_size=1, max_size=6),
        st.sampled_from(["${name}", "${secret:X}", "${matrix.a}", "${env:A, b}"]).map(
            lambda text: parse(text)[0]
        ),
    ),
    max_size=6,
)


@given(PIECES)
def test_a_composed_template_is_taken_apart_into_what_it_was_composed_of(pieces):
    try:
        text, template = compose(pieces)
    except BadReferenceError:
        return  # a '$' before a reference cannot be written

    again = parse(template)
    assert compose(again) == (text, template)
    assert [p.written for p in again if isinstance(p, Reference)] == [
        p.written for p in pieces if isinstance(p, Reference)
    ]
    assert text == "".join(p if isinstance(p, str) else p.written for p in pieces)


def test_a_dollar_before_an_open_reference_is_refused():
    with pytest.raises(BadReferenceError) as caught:
        compose(["a$", *parse("${secret:X}")])

    assert (
        caught.value.message == "a '$' is not allowed directly before '${secret:X}', which has no value yet"
    )
