from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipespec.views.terminal_text import age_text, columns_of, cut, pad, printable, rows, seconds_text, wrap


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text", "plain text"),
        ("日本語 é ü 🎉", "日本語 é ü 🎉"),
        ("a\u3000b\u00a0c", "a\u3000b\u00a0c"),
        ("a\nb\tc\rd", "a\\nb\\tc\\rd"),
        ("\x1b[31mred\x1b[0m\x07", "\\x1b[31mred\\x1b[0m\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("user\u202egnp.exe", "user\\u202egnp.exe"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("line\u2028break", "line\\u2028break"),
        ("half \ud800", "half \\ud800"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_what_a_terminal_would_obey_or_hide_is_spelt_out(text, shown):
    assert printable(text) == shown


@given(st.text())
def test_printable_text_stays_as_it_is_and_holds_no_control_character(text):
    shown = printable(text)

    assert printable(shown) == shown
    assert all(character >= " " and not "\x7f" <= character <= "\x9f" for character in shown)


@pytest.mark.parametrize(
    ("text", "columns"), [("abc", 3), ("日本", 4), ("e\u0301", 1), ("ｱ", 1), ("\uff01", 2), ("", 0)]
)
def test_columns_are_those_of_the_screen(text, columns):
    assert columns_of(text) == columns
    assert columns_of(pad(text, 9)) == 9


@given(st.text("ab日é\u0301 "), st.integers(2, 12))
def test_cut_text_fits_and_says_that_it_was_cut(text, columns):
    result = cut(text, columns)

    assert columns_of(result) <= columns
    assert result == text if columns_of(text) <= columns else result.endswith("…")


@given(st.text("ab日é "), st.integers(2, 12))
def test_wrapped_lines_fit_and_lose_nothing_but_spaces(text, columns):
    lines = wrap(text, columns)

    assert all(columns_of(line) <= columns for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


class TestRows:
    def test_columns_are_as_wide_as_their_cells(self):
        assert rows([(("run", "a"), "why"), (("reuse", "longer"), "")]) == [
            "  run    a       why",
            "  reuse  longer",
        ]

    def test_free_text_is_wrapped_below_itself(self):
        assert rows([(("a",), "one two three four five six")], columns=30) == [
            "  a  one two three four five",
            "     six",
        ]

    def test_a_long_cell_stands_alone_and_what_follows_goes_below(self):
        assert rows([(("a", "short"), "x"), (("b", "s" * 20), "y")], most=10) == [
            "  a  short  x",
            f"  b  {'s' * 20}",
            "            y",
        ]

    def test_without_room_beside_free_text_goes_below(self):
        assert rows([(("a" * 20, "b"), "some words")], columns=40) == [f"  {'a' * 20}  b", "      some words"]

    def test_wide_characters_keep_the_columns_straight(self):
        assert rows([(("日本",), "x"), (("abcd",), "y")]) == ["  日本  x", "  abcd  y"]

    def test_nothing_gives_no_lines(self):
        assert rows([]) == []

    @given(
        st.lists(st.tuples(st.tuples(st.text("a日", max_size=40), st.text("b", max_size=20)), st.text("c d")))
    )
    def test_lines_fit_but_for_cells_that_cannot(self, cells):
        assert all(columns_of(line) <= 80 or "日" in line for line in rows(cells))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.00 s"),
        (-1, "0.00 s"),
        (0.041, "0.04 s"),
        (0.994, "0.99 s"),
        (0.996, "1.0 s"),
        (2.13, "2.1 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min"),
        (185, "3 min 5 s"),
        (3599.6, "1 h"),
        (7800, "2 h 10 min"),
        (86399.9, "1 d"),
        (273600, "3 d 4 h"),
        (1e9, "11574 d 1 h"),
    ],
)
def test_durations_have_at_most_two_units(seconds, text):
    assert seconds_text(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "just now"),
        (0.9, "just now"),
        (40, "40 s ago"),
        (180, "3 min ago"),
        (3599, "59 min ago"),
        (7300, "2 h ago"),
        (500_000, "5 d ago"),
    ],
)
def test_ages_have_one_unit(seconds, text):
    assert age_text(seconds) == text


def test_empty_cells_break_no_line():
    cells = [(("run", "a" * 40, ""), ""), (("run", "b", "1 s"), "why")]

    assert rows(cells, most=10) == ["  run  " + "a" * 40, "  run  b  1 s  why"]
