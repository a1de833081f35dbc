from __future__ import annotations

import time
from contextvars import copy_context

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipespec.errors import Diagnostic, Severity, Span
from pipespec.views.diagnostic_view import render_text, summary, to_github, to_json, to_sarif
from pipespec.views.terminal_text import WIDTH, printable


def at(line, column, end_line=None, end_column=None, *, message="bad", hint=None, code="a-code", **more):
    span = Span("p.yaml", line, column, end_line or line, end_column or column + 1)
    return Diagnostic(code, message, span, hint, **more)


def shown(text: str, *found: Diagnostic) -> str:
    return render_text(found, {"p.yaml": text})


class TestText:
    def test_a_finding_has_place_line_mark_and_way_out(self):
        source = "\n" * 30 + "    inputs: {ids: artcle_ids.ids}\n"
        found = Diagnostic(
            "unknown-step",
            "input 'ids' comes from step 'artcle_ids', which does not exist",
            Span("pipelines/news.yaml", 31, 19, 31, 33),
            "did you mean 'article_ids' (line 21)?",
        )

        assert render_text([found], {"pipelines/news.yaml": source}) == (
            "pipelines/news.yaml:31:19: error[unknown-step]: input 'ids' comes from step 'artcle_ids', which does not exist\n"
            "   31 |     inputs: {ids: artcle_ids.ids}\n"
            "      |                   ^^^^^^^^^^^^^^\n"
            "   help: did you mean 'article_ids' (line 21)?"
        )

    def test_advice_is_called_advice(self):
        assert shown("a: 1", at(1, 4, severity=Severity.ADVICE)) == (
            "p.yaml:1:4: advice[a-code]: bad\n    1 | a: 1\n      |    ^"
        )

    def test_findings_stand_in_the_order_given_with_an_empty_line_between(self):
        assert shown("a\nb", at(2, 1), at(1, 1)) == (
            "p.yaml:2:1: error[a-code]: bad\n    2 | b\n      | ^\n"
            "\n"
            "p.yaml:1:1: error[a-code]: bad\n    1 | a\n      | ^"
        )

    def test_only_so_many_are_shown(self):
        text = render_text([at(1, 1)] * 53, {})

        assert text.split("\n\n") == ["p.yaml:1:1: error[a-code]: bad"] * 50 + ["and 3 more"]
        assert render_text([at(1, 1)] * 50, {}).count("error") == 50

    @pytest.mark.parametrize(
        ("line", "span", "text", "mark"),
        [
            ("名前: 値が違う # 終", (5, 9), "名前: 値が違う # 終", "      ^^^^^^^^"),
            ("e\u0301: x", (5, 6), "e\u0301: x", "   ^"),
            ("\ta:\tb", (5, 6), "    a:    b", "          ^"),
            ("\ta", (1, 2), "    a", "^^^^"),
            ("a: \x1b[31m", (4, 5), "a: \\x1b[31m", "   ^^^^"),
            ("a: \u202eb", (5, 6), "a: \\u202eb", "         ^"),
            ("a:\u3000b", (4, 5), "a:\u3000b", "    ^"),
            ("a: ", (4, 4), "a:", "   ^"),
            ("a", (99, 120), "a", " ^"),
            ("", (1, 1), "", "^"),
        ],
    )
    def test_the_mark_stands_under_its_place(self, line, span, text, mark):
        block = shown(line, at(1, span[0], 1, span[1])).split("\n")

        assert block[1:] == [f"    1 | {text}".rstrip(), f"      | {mark}"]

    def test_a_span_over_lines_is_marked_to_the_end_of_its_first(self):
        assert shown("a: [1,\n  2]", at(1, 4, 2, 5)).split("\n")[1:] == ["    1 | a: [1,", "      |    ^^^"]

    def test_line_ends_of_all_systems_count_as_yaml_counts_them(self):
        text = shown("a\u2028b\x0b\r\nc\rd", at(3, 1))

        assert text.split("\n")[1:] == ["    3 | d", "      | ^"]

    def test_a_long_line_is_cut_around_the_place(self):
        line = "x" * 300 + "HERE" + "y" * 300

        assert shown(line, at(1, 301, 1, 305)).split("\n")[1:] == [
            f"    1 | …{'x' * 40}HERE{'y' * 50}…",
            f"      | {' ' * 41}^^^^",
        ]
        assert shown("HERE" + "y" * 300, at(1, 1, 1, 5)).split("\n")[1:] == [
            f"    1 | HERE{'y' * 90}…",
            "      | ^^^^",
        ]
        assert shown("日" * 300, at(1, 300, 1, 301)).split("\n")[1:] == [
            f"    1 | …{'日' * 21}",
            f"      | {' ' * 41}^^",
        ]

    def test_a_long_span_is_cut_with_its_line(self):
        assert shown("a: " + "x" * 500, at(1, 4, 1, 504)).split("\n")[1:] == [
            f"    1 | a: {'x' * 91}…",
            f"      |    {'^' * 91}",
        ]

    @pytest.mark.parametrize("columns", [40, 60, 80, 100, 200])
    @pytest.mark.parametrize("column", [1, 30, 301, 600])
    def test_a_line_is_no_wider_than_the_terminal(self, columns, column):
        text = "x" * (column - 1) + "HERE" + "y" * 300

        def lines():
            WIDTH.set(columns)
            return shown(text, at(1, column, 1, column + 4)).split("\n")[1:]

        line, mark = copy_context().run(lines)

        assert len(line) <= columns
        assert line[mark.index("^") :][: mark.count("^")] == "HERE"

    def test_a_line_of_megabytes_is_no_trouble(self):
        line = "日" * 4_000_000
        begin = time.process_time()

        shown(line, *[at(1, 3_000_000)] * 50)

        assert time.process_time() - begin < 1

    def test_control_characters_are_never_obeyed(self):
        text = render_text(
            [at(1, 1, message="a\nb\x1b]0;x\x07", hint="c\rd")], {"p.yaml": "\x1b[2J\u2066a\x00"}
        )

        assert text == (
            "p.yaml:1:1: error[a-code]: a\\nb\\x1b]0;x\\x07\n"
            "    1 | \\x1b[2J\\u2066a\\x00\n"
            "      | ^^^^\n"
            "   help: c\\rd"
        )

    def test_a_place_outside_of_every_text_has_no_snippet(self):
        assert render_text([at(9, 1)], {"p.yaml": "a"}) == "p.yaml:9:1: error[a-code]: bad"

    def test_many_digits_keep_the_mark_in_place(self):
        assert shown("\n" * 249_999 + "ab", at(250_000, 2)).split("\n")[1:] == ["250000 | ab", "       |  ^"]

    @given(
        st.text(st.characters(exclude_characters="\r\n")),
        st.integers(1, 400),
        st.integers(0, 400),
    )
    def test_any_line_and_span_give_two_lines_of_bounded_length(self, line, column, length):
        lines = shown(line * 7, at(1, column, 1, column + length)).split("\n")

        assert len(lines) == 3
        assert all(len(each) < 300 for each in lines)
        assert set(lines[2].removeprefix("      | ")) <= {" ", "^"}


class TestVerdict:
    @pytest.mark.parametrize(
        ("files", "errors", "advice", "text"),
        [
            (["p.yaml"], 0, 0, "p.yaml: no errors"),
            (["p.yaml"], 1, 1, "p.yaml: 1 error, 1 piece of advice"),
            (["p.yaml", "q.yaml"], 2, 2, "2 files: 2 errors, 2 pieces of advice"),
            (["p\n.yaml"], 0, 2, "p\\n.yaml: no errors, 2 pieces of advice"),
        ],
    )
    def test_sums_up_in_one_line(self, files, errors, advice, text):
        found = [at(1, 1)] * errors + [at(1, 1, severity=Severity.ADVICE)] * advice

        assert summary(files, found) == text


FOUND = (
    at(3, 5, 4, 7, message="100% wrong\nreally", hint="a, b: c"),
    at(1, 1, code="b-code", severity=Severity.ADVICE),
)


def test_json_has_every_field(fits_schema):
    answer = to_json(FOUND)

    assert answer == {
        "version": 1,
        "diagnostics": [
            {
                "code": "a-code",
                "severity": "error",
                "message": "100% wrong\nreally",
                "file": "p.yaml",
                "line": 3,
                "column": 5,
                "end_line": 4,
                "end_column": 7,
                "hint": "a, b: c",
            },
            {
                "code": "b-code",
                "severity": "advice",
                "message": "bad",
                "file": "p.yaml",
                "line": 1,
                "column": 1,
                "end_line": 1,
                "end_column": 2,
                "hint": None,
            },
        ],
    }
    fits_schema("validate", answer)
    fits_schema("validate", to_json([]))


@pytest.mark.parametrize("hidden", ["\u202e", "\x1b", "\r", "\x85", "\u2028"])
def test_github_annotations_show_what_a_log_would_obey_or_hide_as_escapes(hidden):
    text = f"a{hidden}b"
    (line,) = to_github([Diagnostic("c", text, Span(text, 1, 1, 1, 2), f"{text}\nsecond")]).split("\n")
    escaped = f"a{printable(hidden)}b"
    assert printable(hidden).isprintable()
    assert line == (
        f"::error file={escaped},line=1,endLine=1,col=1,endColumn=2,title=c::{escaped}%0Ahelp: {escaped}%0Asecond"
    )


def test_github_annotations_are_one_line_each_with_their_separators_escaped():
    assert to_github(FOUND) == (
        "::error file=p.yaml,line=3,endLine=4,col=5,title=a-code::100%25 wrong%0Areally%0Ahelp: a, b: c\n"
        "::notice file=p.yaml,line=1,endLine=1,col=1,endColumn=2,title=b-code::bad"
    )
    assert to_github([Diagnostic("c", "m", Span("a,b:c%.yaml", 1, 1, 1, 2))]).startswith(
        "::error file=a%2Cb%3Ac%25.yaml,"
    )


def test_sarif_holds_rules_levels_and_regions():
    log = to_sarif(FOUND, tool_version="1.2")

    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    assert run["tool"]["driver"] == {
        "name": "pipespec",
        "version": "1.2",
        "rules": [
            {"id": "a-code", "defaultConfiguration": {"level": "error"}},
            {"id": "b-code", "defaultConfiguration": {"level": "note"}},
        ],
    }
    assert run["columnKind"] == "unicodeCodePoints"
    assert [(each["ruleId"], each["ruleIndex"], each["level"]) for each in run["results"]] == [
        ("a-code", 0, "error"),
        ("b-code", 1, "note"),
    ]
    assert run["results"][0]["message"] == {"text": "100% wrong\nreally\nhelp: a, b: c"}
    assert run["results"][0]["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "p.yaml"},
                "region": {"startLine": 3, "startColumn": 5, "endLine": 4, "endColumn": 7},
            }
        }
    ]


@pytest.mark.parametrize(
    ("file", "uri"),
    [("a b/日.yaml", "a%20b/%E6%97%A5.yaml"), ("/x/p.yaml", "file:///x/p.yaml"), ("a%b.yaml", "a%25b.yaml")],
)
def test_sarif_spells_files_as_uris(file, uri):
    (result,) = to_sarif([Diagnostic("c", "m", Span(file, 1, 1, 1, 2))])["runs"][0]["results"]

    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri
