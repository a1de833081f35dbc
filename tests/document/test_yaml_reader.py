"""YAML text -> nodes: values, places, and every mistake in plain words."""

from __future__ import annotations

import sys
import time

import pytest

from pipespec.document.nodes import plain, walk
from pipespec.document.size_limits import MAX_BYTES, MAX_DEPTH, MAX_NODES
from pipespec.document.yaml.yaml_reader import read, read_scalar
from pipespec.errors import InvalidPipelineError, Span

REFERENCE = "unquoted-reference: a reference inside { } or [ ] needs quotes, because YAML reads its braces as a mapping"
JINJA = 'Jinja is not supported; refer to a value as "${params.name}", or put the text in quotes'
TAB = "yaml-syntax: the indentation contains a tab (indent with spaces, {depth} if it belongs to line {line}; YAML allows no tabs here)"
NO_TAG = 'remove the tag; put a text that looks like a number in quotes, "12"'
NO_DIRECTIVE = (
    "remove the line, since every pipeline file is YAML 1.2; put text that starts with '%' in quotes"
)
COLON = (
    "yaml-syntax: ': ' is inside a value, where a key is not allowed"
    " (put the value in quotes, or write the key on its own line, below the other keys)"
)
TOO_MUCH = "put the whole value in quotes, or remove the extra text"


def test_a_document_becomes_plain_values():
    text = "a: 1\nb: [x, 2.5, null, true, no]\nc:\n  d: 'it''s'\n  e: |\n    two\n    lines\n  f: >-\n    one\n    line\n"

    assert plain(read(text, file="p.yaml")) == {
        "a": 1,
        "b": ["x", 2.5, None, True, "no"],
        "c": {"d": "it's", "e": "two\nlines\n", "f": "one line"},
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: {probe: module:function}", {"a": {"probe": "module:function"}}),
        ("a: {u: sqlite:///x.db, t: 12:30}", {"a": {"u": "sqlite:///x.db", "t": "12:30"}}),
        ("a: [what?, a?b, c::d]", {"a": ["what?", "a?b", "c::d"]}),
        ("a: {\"b\":1, 'c':[2]}", {"a": {"b": 1, "c": [2]}}),
        ("a: {b:1}", {"a": {"b:1": None}}),
        ("a: wow!x:y?", {"a": "wow!x:y?"}),
        ("a: {b: ???, c: ?x, d: [??]}", {"a": {"b": "???", "c": "?x", "d": ["??"]}}),
        ('a: "b:c?"\nd: |\n  e:f?\n', {"a": "b:c?", "d": "e:f?\n"}),
    ],
)
def test_colons_and_question_marks_in_plain_text_are_read_as_in_yaml_1_2(text, value):
    assert plain(read(text, file="p.yaml")) == value


@pytest.mark.parametrize("text", ["a: b\nc: d\n", "a: b\r\nc: d\r\n", "a: b\rc: d\r", "\ufeffa: b\nc: d\n"])
def test_line_ends_and_a_byte_order_mark_change_nothing(text):
    expected = read("a: b\nc: d\n", file="p.yaml")

    assert read(text, file="p.yaml") == expected
    assert read(text.encode(), file="p.yaml") == expected


def test_every_node_and_key_knows_its_place_in_characters():
    text = 'é: "漢 😀" # x\nlist: [漢, "b"]\nmap:\n  k: |\n    x\n\n  l:\n    - 1\n    -\nend: &a 5\n'

    root = read(text, file="p.yaml", layer="overlay")

    places = {path: node.span[1:5] for path, node in walk(root)}
    assert places == {
        (): (1, 1, 10, 10),
        ("é",): (1, 4, 1, 9),
        ("list",): (2, 7, 2, 15),
        ("list", 0): (2, 8, 2, 9),
        ("list", 1): (2, 11, 2, 14),
        ("map",): (4, 3, 9, 6),
        ("map", "k"): (4, 6, 5, 6),
        ("map", "l"): (8, 5, 9, 6),
        ("map", "l", 0): (8, 7, 8, 8),
        ("map", "l", 1): (9, 6, 9, 6),
        ("end",): (10, 9, 10, 10),
    }
    assert {node.span.file for _, node in walk(root)} == {"p.yaml"}
    assert {node.span.layer for _, node in walk(root)} == {"overlay"}
    assert [entry.key_span[1:5] for entry in root.entries.values()] == [
        (1, 1, 1, 2),
        (2, 1, 2, 5),
        (3, 1, 3, 4),
        (10, 1, 10, 4),
    ]


def test_a_scalar_tells_quotes_and_written_form():
    root = read("a: '5'\nb: 5\nc: 3.10\nd: no\ne: |\n  5\n", file="p.yaml")

    scalars = {key: (e.value.value, e.value.text, e.value.quoted) for key, e in root.entries.items()}
    assert scalars == {
        "a": ("5", None, True),
        "b": (5, None, False),
        "c": (3.1, "3.10", False),
        "d": ("no", "no", False),
        "e": ("5\n", None, True),
    }


def test_an_alias_stands_at_its_own_place_and_names_its_anchor_as_origin():
    root = read("a: &x {k: [1]}\nb: *x\nc: &y 5\nd: *y\n", file="p.yaml")

    a, b, c, d = (entry.value for entry in root.entries.values())
    assert (plain(b), b.span, b.origin) == ({"k": [1]}, Span("p.yaml", 2, 4, 2, 6), a.span)
    assert (d.value, d.span, d.origin) == (5, Span("p.yaml", 4, 4, 4, 6), c.span)
    assert b.entries is a.entries


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "~", b"\xef\xbb\xbf"])
def test_an_empty_text_is_an_empty_fragment_but_no_file(text, mistakes):
    assert plain(read(text, file="p.yaml", layer="overlay")) == {}
    assert plain(read(text, file="p.yaml", layer="include")) == {}
    assert mistakes(lambda: read(text, file="p.yaml")) == [
        "1:1-1:1 empty-file: the file is empty (start with 'pipespec: 1' and a mapping 'steps')"
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a: [${params.x}, 2]", [f'1:5-1:16 {REFERENCE} (write "${{params.x}}")']),
        ("a: {b: x/${y}.csv, c: 1}", [f'1:8-1:18 {REFERENCE} (write "x/${{y}}.csv")']),
        ("a: {b: ${env:A, 1}}", [f'1:8-1:19 {REFERENCE} (write "${{env:A, 1}}")']),
        (
            "a: {{ x }}",
            [f"1:4-1:11 unquoted-reference: '{{{{ x }}}}' is read as a mapping, not as text ({JINJA})"],
        ),
        (
            "a: {{x}}/b",
            [f"1:4-1:9 unquoted-reference: '{{{{x}}}}' is read as a mapping, not as text ({JINJA})"],
        ),
        (
            "a: @x",
            ["1:4-1:6 yaml-syntax: text cannot start with '@' unless it is in quotes (write \"@x\")"],
        ),
        (
            "a: [%d, 1]",
            ["1:5-1:7 yaml-syntax: text cannot start with '%' unless it is in quotes (write \"%d\")"],
        ),
        (
            "a: `x` # y",
            ["1:4-1:7 yaml-syntax: text cannot start with '`' unless it is in quotes (write \"`x`\")"],
        ),
        ("%YAML 1.2\n---\na: 1", [f"1:1-1:10 yaml-syntax: a line cannot start with '%' ({NO_DIRECTIVE})"]),
        ("a:\n\tb: 1", [f"2:1-2:2 {TAB.format(depth=2, line=1)}"]),
        ("a:\n  b: 1\n \tc: 2", [f"3:2-3:3 {TAB.format(depth=2, line=2)}"]),
        ("a: |\n\tx", [f"2:1-2:2 {TAB.format(depth=2, line=1)}"]),
        ("a: b: c", [f"1:5-1:6 {COLON}"]),
        (
            "a: 1\n b: 2",
            [
                (
                    "2:2-2:3 yaml-syntax: 'b' is indented by 1 space, which matches no line above it"
                    " (do not indent it, as 'a' on line 1)"
                )
            ],
        ),
        (
            "a: *.csv",
            [
                (
                    "1:4-1:9 yaml-syntax: '*' starts the name of an anchor or alias, but '*.csv' is not one"
                    ' (if text is intended, put it in quotes: "*.csv")'
                )
            ],
        ),
        (
            "a: *x",
            [
                "1:4-1:6 unknown-anchor: no anchor '&x' is defined before it (if text is intended, put it in quotes: \"*x\")"
            ],
        ),
        (
            "a: &model 1\nb: *modle",
            ["2:4-2:10 unknown-anchor: no anchor '&modle' is defined before it (did you mean 'model'?)"],
        ),
        (
            "a: &x\n  b: *x",
            [
                (
                    "2:6-2:8 recursive-alias: '*x' is used inside its own anchor"
                    " (use the alias outside of the anchor)"
                )
            ],
        ),
        ('a: "x', ['1:4-1:5 yaml-syntax: the quote that opens here is not closed (add the closing ")']),
        ("a: [1, 2", ["1:4-1:5 yaml-syntax: '[' is not closed (add the missing ']')"]),
        ("a: {b: 1\nc: 2\n", ["1:4-1:5 yaml-syntax: '{' is not closed (add the missing '}')"]),
        (
            "a: [\n",
            ["2:1-2:1 yaml-syntax: the file ends inside a list or mapping (add the missing ']' or '}')"],
        ),
        (
            "a: [x, , y]",
            [
                (
                    "1:8-1:9 yaml-syntax: a value is expected here, not ','"
                    " (put text that starts with this character in quotes, or close the bracket before it)"
                )
            ],
        ),
        (
            'a: "x" y',
            [f"1:8-1:9 yaml-syntax: 'y' follows a value that is already complete ({TOO_MUCH})"],
        ),
        (
            "- a\nb: 1",
            [
                (
                    "2:1-2:2 yaml-syntax: a list item, '- …', is expected here"
                    " (indent the lines that belong to the item above)"
                )
            ],
        ),
        (
            "a: 1\n- b",
            ["2:1-2:2 yaml-syntax: a list item is where a key is expected (indent it under its key)"],
        ),
        (
            "a:\n  b: [1]\n c: 2",
            [
                (
                    "3:2-3:3 yaml-syntax: 'c' is indented by 1 space, which matches no line above it"
                    " (indent it by 2 spaces, as 'b' on line 2, or not at all, as 'a' on line 1)"
                )
            ],
        ),
        (
            "a: - b",
            [
                (
                    "1:4-1:5 yaml-syntax: '- ' starts a list item, which is not allowed here"
                    " (start the list on a new line, or write it as [a, b])"
                )
            ],
        ),
        (
            'a: "\\q"',
            [
                (
                    "1:5-1:6 yaml-syntax: this backslash does not start an escape that YAML knows"
                    " (write a path with '/'; in other text double the backslash, or use single quotes, where it has no"
                    " special meaning)"
                )
            ],
        ),
        (
            "a: [b:]",
            [
                (
                    "1:6-1:7 yaml-syntax: text inside { } or [ ] cannot end with ':'"
                    " (put a space after it, or put the text in quotes)"
                )
            ],
        ),
        (
            "a: >0.8",
            [
                (
                    "1:4-1:5 yaml-syntax: the text after '>' starts on the next line"
                    " (put a value that starts with '>' in quotes)"
                )
            ],
        ),
        (
            "a: 1\nfoo\nb: 2",
            ["2:1-2:4 yaml-syntax: 'foo' is no 'key: value' (add a space after the key and its ':')"],
        ),
        *[
            (
                f"{above}{depth}{line}\n{depth}b: {{c: 1}}\n",
                [
                    f"{place}{len(depth) + len(line) + 1} yaml-syntax: '{line}' is no 'key: value' (add a space after the key and its ':')"
                ],
            )
            for above, depth, place in (("", "", "1:1-1:"), ("x: 1\ny:\n", "    ", "3:5-3:"))
            for line in ("a 1", "a:1", "a.b:c:d")
        ],
        *[
            (
                f"x: 1\n{line}\nb: 2\n",
                [
                    f"2:1-2:{len(line) + 1} yaml-syntax: '{line}' is no 'key: value' (add a space after the key and its ':')"
                ],
            )
            for line in ("a:{b: {c: 1}}", "a {b: {c: 1}}", "a-b [{c: {d: 1}}]")
        ],
        (
            "a:\n- b\n-c\n",
            ["3:1-3:3 yaml-syntax: '-c' is no 'key: value' (add a space after the '-' of a list item)"],
        ),
        (": a", ["1:1-1:2 yaml-syntax: there is not a key before this ':' (write an empty key as \"\")"]),
        (
            "a: 1\n...\nb",
            ["3:1-3:2 yaml-syntax: the document has ended before this line (indent it, or remove it)"],
        ),
        (
            "a: 1\n---\nb: 2",
            [
                (
                    "2:1-2:4 several-documents: a second document starts here"
                    " (keep one pipeline per file; to split a pipeline, use 'include')"
                )
            ],
        ),
        (
            "- a",
            [
                (
                    "1:1-1:4 not-a-mapping: the top of the file is a list, not a mapping"
                    " (write 'key: value' lines at the top)"
                )
            ],
        ),
        (
            "a:b",
            [
                (
                    "1:1-1:4 not-a-mapping: the top of the file is a text or number, not a mapping"
                    " (write 'key: value' lines at the top)"
                )
            ],
        ),
        (
            "a: 1\nb: 2\na: 3",
            [
                "3:1-3:2 duplicate-key: the key 'a' is set twice (it is already set on line 1; keep one of the two)"
            ],
        ),
        (
            "<<: {b: 1}",
            [
                (
                    "1:1-1:3 merge-key: '<<' is not supported: YAML 1.2 has no merge keys"
                    " (to share keys, use 'defaults' (for all steps) or 'include' (for the file))"
                )
            ],
        ),
        (
            "1: a",
            ["1:1-1:2 non-string-key: the key '1' is not text (write \"1\" in quotes if text is intended)"],
        ),
        ("? [a]\n: b", ["1:3-1:6 non-string-key: a key cannot be a list (write the key as text)"]),
        ("a: &x b\n*x : c", ["2:1-2:3 non-string-key: a key cannot be an alias (write the key as text)"]),
        (
            "a: !!python/object:os.system x",
            [
                (
                    "1:4-1:29 unknown-tag: tag '!!python/object:os.system' is not allowed:"
                    f" a pipeline file contains only plain values ({NO_TAG})"
                )
            ],
        ),
        (
            "a: !<tag:yaml.org,2002:str> 1",
            [
                (
                    "1:4-1:28 unknown-tag: tag '!<tag:yaml.org,2002:str>' is not allowed:"
                    f" a pipeline file contains only plain values ({NO_TAG})"
                )
            ],
        ),
        (
            "a: &x !!binary aGk=",
            [
                f"1:7-1:15 unknown-tag: tag '!!binary' is not allowed: a pipeline file contains only plain values ({NO_TAG})"
            ],
        ),
        (
            "a: !h!x y",
            [
                (
                    "1:4-1:8 unknown-tag: tag '!h!x' is not allowed: a pipeline file contains only plain values"
                    " (remove the tag; put text that starts with '!' in quotes)"
                )
            ],
        ),
        (
            "a: .nan",
            [
                (
                    "1:4-1:8 number-not-finite: .nan is not a finite number"
                    " (use null for 'none', a large number such as 1e300, or quotes if text is intended)"
                )
            ],
        ),
        (
            "a: 9223372036854775808",
            [
                (
                    "1:4-1:23 number-too-large: 9223372036854775808 does not fit into 64 bits"
                    " (write it in quotes, as text, or as a float with an exponent)"
                )
            ],
        ),
        ("a: x\0", ["1:5-1:6 control-character: the character U+0000 is not allowed in a YAML file"]),
        (
            "a: x\u2028y",
            [
                (
                    "1:5-1:6 control-character: the character U+2028 is not allowed in a YAML file"
                    ' (inside double quotes, write it as "\\u2028")'
                )
            ],
        ),
        (
            "a: \ud800",
            [
                (
                    "1:4-1:5 control-character: the character U+D800 is not allowed in a YAML file"
                    ' (inside double quotes, write it as "\\ud800")'
                )
            ],
        ),
        ('a: "\\0"', ["1:4-1:8 control-character: the text contains a NUL character"]),
        (
            'a: "b:c \\ufdd0"',
            ["1:4-1:16 control-character: the text contains an escape that is not a character"],
        ),
        (
            b"a: 1\nb: \xc3\xa9\xff",
            ["2:5-2:6 not-utf8: byte 0xff is not valid UTF-8 (save the file as UTF-8)"],
        ),
        (
            "a: 1\n".encode("utf-16"),
            ["1:1-1:2 not-utf8: byte 0xff is not valid UTF-8 (save the file as UTF-8)"],
        ),
    ],
)
def test_a_mistake_has_a_place_a_rule_and_a_way_out(text, found, mistakes):
    assert mistakes(lambda: read(text, file="p.yaml")) == found


def test_all_mistakes_of_a_file_come_in_one_go(mistakes):
    text = "a: [${x}, 1]\nb: {c: ${y}}\nd: @z\nd: 2\n1: {e: !!int 3}\nf: {{ g }}\nh: .inf\ni: *j\n<<: *k\n"

    found = mistakes(lambda: read(text, file="p.yaml"))

    assert [line.split(": ")[0] for line in found] == [
        "1:5-1:9 unquoted-reference",
        "2:8-2:12 unquoted-reference",
        "3:4-3:6 yaml-syntax",
        "4:1-4:2 duplicate-key",
        "5:1-5:2 non-string-key",
        "5:8-5:13 unknown-tag",
        "6:4-6:11 unquoted-reference",
        "7:4-7:8 number-not-finite",
        "8:4-8:6 unknown-anchor",
        "9:1-9:3 merge-key",
        "9:5-9:7 unknown-anchor",
    ]


def test_the_error_holds_the_text_that_its_places_point_into():
    with pytest.raises(InvalidPipelineError) as caught:
        read("\ufeffa: ${\nb: .nan\n", file="p.yaml")

    assert caught.value.sources == {"p.yaml": "a: ${\nb: .nan\n"}


def nested(levels):
    return "a: " + "[" * (levels - 1) + "]" * (levels - 1)


def values(last):
    """A text of 249,753 values, most of them by aliases, and `last` more."""
    return f"a: &a [{'1,' * 998}]\nb: [{'*a,' * 249}]\nc: [{'1,' * last}]\n"


def test_bounds_are_exact(mistakes):
    read(nested(MAX_DEPTH), file="p.yaml")
    read(values(MAX_NODES - 249_753), file="p.yaml")

    assert mistakes(lambda: read(nested(MAX_DEPTH + 1), file="p.yaml")) == [
        "1:67-1:68 too-deep: the nesting is deeper than 64 levels (move deep data to a separate file and use it as an input)"
    ]
    assert mistakes(lambda: read(values(MAX_NODES - 249_753 + 1), file="p.yaml")) == [
        "3:499-3:500 too-many-nodes: there are more than 250,000 values; each use of an alias counts (move tables and long lists to separate files and use those as inputs)"
    ]


@pytest.mark.parametrize("text", ["a" * (MAX_BYTES + 1), b"a" * (MAX_BYTES + 1), "漢" * (MAX_BYTES // 3 + 1)])
def test_a_file_beyond_four_mebibytes_is_refused_unread(text, mistakes):
    assert mistakes(lambda: read(text, file="p.yaml")) == [
        "1:1-1:1 too-large: the file is larger than 4 MiB (move tables and long texts to separate files and use those as inputs)"
    ]


def test_four_mebibytes_are_read():
    text = "a: '" + "x" * (MAX_BYTES - 5) + "'"

    assert len(plain(read(text, file="p.yaml"))["a"]) == MAX_BYTES - 5


LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, 40)
)
TUNNEL = "a0: &a0 []\n" + "".join(f"a{level}: &a{level} [*a{level - 1}]\n" for level in range(1, 100))
HOSTILE = {
    "100,000 open brackets": ("[" * 100_000, "too-deep"),
    "100,000 open braces": ("{a: " * 100_000, "too-deep"),
    "3,000 levels of lists": ("a: " + "[" * 3_000 + "]" * 3_000, "too-deep"),
    "2,500 levels by indentation": ("\n".join(" " * level + "a:" for level in range(2_500)), "too-deep"),
    "a billion laughs": (LAUGHS, "too-many-nodes"),
    "a tunnel of aliases": (TUNNEL, "too-deep"),
    "a megabyte aliased 100,000 times": (f"a: &a {'x' * 1_000_000}\nb: [{'*a,' * 100_000}]", "too-large"),
    "many tag directives": ("".join(f"%TAG !a{n}! x\n" for n in range(200_000)), "yaml-syntax"),
    "an unclosed megabyte": ('a: "' + "x" * 1_000_000, "yaml-syntax"),
    "a megabyte of digits": ("a: " + "1" * 1_000_000, "number-too-large"),
    "200,000 unquoted references": ("a: {b: ${x}}\n" * 200_000, "unquoted-reference"),
    "400,000 duplicates": ("a: 1\n" * 400_000, "duplicate-key"),
    "10 MB": ("a: 1\n" * 2_000_000, "too-large"),
}


@pytest.mark.parametrize(("text", "code"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_refused_within_two_seconds(text, code):
    start = time.process_time()

    with pytest.raises(InvalidPipelineError) as caught:
        read(text, file="p.yaml")

    assert caught.value.diagnostics[0].code == code
    assert time.process_time() - start < 2
    assert len(caught.value.diagnostics) <= 1_000


@pytest.mark.parametrize(
    "text",
    [
        "a: " + "x" * 1_000_000,
        'a: "' + "\\n" * 500_000 + '"',
        "a: |\n" + " x\n" * 300_000,
        "a: x" + "\n" * 4_000_000,
    ],
    ids=["plain", "escapes", "block", "blank lines"],
)
def test_long_scalars_are_read_within_two_seconds(text):
    start = time.process_time()

    read(text, file="p.yaml")

    assert time.process_time() - start < 2


def test_what_a_step_costs_to_read_does_not_grow_with_their_number():
    step = "  s{0}:\n    call: m:f\n    inputs: {{a: s.x}}\n    params: {{x: 1, y: 2.5}}\n    outputs: {{x: x.csv}}\n"

    def calls(steps: int) -> int:
        text = "steps:\n" + "".join(step.format(number) for number in range(steps))
        count = 0

        def note(_frame, event, _argument):
            nonlocal count
            count += event == "call"

        sys.setprofile(note)
        try:
            read(text, file="p.yaml")
        finally:
            sys.setprofile(None)
        return count

    few, many = calls(100), calls(1_000)

    assert many / 1_000 <= few / 100 * 1.05
    assert many / 1_000 < 300  # Python calls for a step, 233 when this was written


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("", None),
        (" 2 ", 2),
        ("a b", "a b"),
        ("a, b", "a, b"),
        ('"x"', "x"),
        ("1e3", 1000.0),
        ("no", "no"),
        ("[1, {a: 漢}]", [1, {"a": "漢"}]),
        ("${params.x}", "${params.x}"),
        ("a=b", "a=b"),
        ("sqlite:///x.db", "sqlite:///x.db"),
    ],
)
def test_an_option_is_a_scalar_or_a_flow_collection(text, value):
    assert plain(read_scalar(text, "--set x")) == value


def test_the_value_of_an_option_stands_behind_its_path():
    option = "--set params.x=[1, é]"

    node = read_scalar("[1, é]", option, column=16, shown=option)

    assert node.span == Span(option, 1, 16, 1, 22, "set")
    assert plain(read_scalar("---", "--set x=---", column=9)) == "---"
    assert node.items[1].span == Span(option, 1, 20, 1, 21, "set")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a: b", "1:1-1:5 not-a-value: 'a: b' is not a single scalar, list [ ] or mapping { }"),
        ("- a", "1:1-1:4 not-a-value: '- a' is not a single scalar, list [ ] or mapping { }"),
        ("#ff0000", "1:1-1:8 not-a-value: '#ff0000' is not a single scalar, list [ ] or mapping { }"),
        ("a #b", "1:1-1:5 not-a-value: 'a #b' is not a single scalar, list [ ] or mapping { }"),
    ],
)
def test_an_option_is_never_cut_or_read_as_a_block(text, found, mistakes):
    assert mistakes(lambda: read_scalar(text, "--set x")) == [
        f"{found} (put text that contains ': ', '- ' or '#' in quotes)"
    ]


def test_an_option_has_one_line(mistakes):
    assert mistakes(lambda: read_scalar("a\nb", "--set x")) == [
        '1:1-1:4 not-a-value: the value has several lines (write line breaks as "\\n" inside double quotes)'
    ]


def test_mistakes_of_an_option_show_the_whole_option():
    option = "--set params.x={a: ${b}}"

    with pytest.raises(InvalidPipelineError) as caught:
        read_scalar("{a: ${b}}", option, column=16, shown=option)

    assert caught.value.sources == {option: option}
    assert caught.value.diagnostics[0].span == Span(option, 1, 20, 1, 24, "set")
