"""Plain scalars by the core schema of YAML 1.2."""

from __future__ import annotations

import pytest

from pipespec.document.yaml.plain_scalars import Refused, resolve_plain, spell, written_form

# fmt: off
VALUES = [
    ("", None), ("~", None), ("null", None), ("Null", None), ("NULL", None), ("nULL", "nULL"),
    ("true", True), ("True", True), ("TRUE", True), ("false", False), ("False", False), ("FALSE", False),
    ("yes", "yes"), ("no", "no"), ("on", "on"), ("y", "y"), ("tRUE", "tRUE"),
    ("0", 0), ("-1", -1), ("+1", 1), ("007", 7), ("017", 17), ("0o17", 15), ("0x1F", 31), ("-0", 0),
    ("9223372036854775807", 2**63 - 1), ("-9223372036854775808", -(2**63)),
    ("1e3", 1000.0), (".5", 0.5), ("-.5", -0.5), ("1.", 1.0), ("5e-3", 0.005), ("1E+3", 1000.0), ("3.10", 3.1),
    ("08", 8), ("0o8", "0o8"), ("0b1", "0b1"), ("-0x1", "-0x1"), ("0X1", "0X1"), ("0xg", "0xg"),
    (".", "."), ("-", "-"), ("+", "+"), ("1e", "1e"), ("e3", "e3"), ("1.2.3", "1.2.3"), ("--1", "--1"),
    ("1_000", "1_000"), ("2021-10-01", "2021-10-01"), ("12:30:45", "12:30:45"), ("2h", "2h"), ("nan", "nan"),
    ("inf", "inf"), ("\uff11\uff12", "\uff11\uff12"), ("\u0661", "\u0661"), ("1 2", "1 2"),
]
# fmt: on


@pytest.mark.parametrize(("text", "value"), VALUES, ids=[text or "empty" for text, _ in VALUES])
def test_plain_text_resolves_by_the_core_schema(text, value):
    found = resolve_plain(text)

    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    "text", [".inf", "-.inf", "+.INF", ".Inf", ".nan", ".NaN", ".NAN", "1e999", "-1e999"]
)
def test_numbers_that_are_not_finite_are_refused(text):
    assert resolve_plain(text) == Refused(
        "number-not-finite",
        f"{text} is not a finite number",
        "use null for 'none', a large number such as 1e300, or quotes if text is intended",
    )


@pytest.mark.parametrize("text", ["9223372036854775808", "-9223372036854775809", "0xFFFFFFFFFFFFFFFF"])
def test_integers_beyond_64_bits_are_refused(text):
    assert resolve_plain(text) == Refused(
        "number-too-large",
        f"{text} does not fit into 64 bits",
        "write it in quotes, as text, or as a float with an exponent",
    )


@pytest.mark.parametrize("text", ["1" * 1_000_000, "1." + "1" * 1_000_000, "0x" + "f" * 1_000_000])
def test_a_number_of_a_million_digits_is_refused_unread(text):
    found = resolve_plain(text)

    assert isinstance(found, Refused)
    assert found.message == f"a number of {len(text)} characters is too long"


@pytest.mark.parametrize(
    ("text", "value", "written"),
    [
        ("3.10", 3.1, "3.10"),
        ("007", 7, "007"),
        ("5e-3", 0.005, "5e-3"),
        ("~", None, "~"),
        ("", None, ""),
        ("True", True, "True"),
        ("no", "no", "no"),
        ("Yes", "Yes", "Yes"),
        ("3.1", 3.1, None),
        ("7", 7, None),
        ("null", None, None),
        ("true", True, None),
        ("name", "name", None),
    ],
)
def test_the_written_form_is_kept_where_it_says_more_than_the_value(text, value, written):
    assert written_form(text, value) == written


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a b", "a b"),
        (True, "true"),
        (None, "null"),
        (0.1, "0.1"),
        ([1, "é"], '[1, "é"]'),
        ({"a": None}, '{"a": null}'),
    ],
)
def test_values_are_spelt_as_in_json_and_texts_as_they_are(value, text):
    assert spell(value) == text
