"""Rules of YAML 1.2, each by the id that it has in the YAML test suite; the texts are our own."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipespec.document.nodes import plain
from pipespec.document.yaml.yaml_reader import read
from pipespec.errors import InvalidPipelineError

REFUSED = [
    ("9C9N", "lines of a list in brackets are indented more than its key", "a: [1,\n2,\n3]\n"),
    ("9C9N", "that holds below a dash, too", "a:\n  - {b: 1,\n  c: 2}\n"),
    ("9JBA", "a comment behind a list has a space before it", "a: [1, 2]#comment\n"),
    ("9JBA", "a comment behind a mapping, too", "a: {b: 2}#comment\n"),
    ("CVW2", "a comment behind a comma has a space before it", "a: [1, 2,#comment\n  3]\n"),
    ("CVW2", "also behind quotes", 'a: ["1",#comment\n  3]\n'),
    ("DK95/01", "a tab is no indentation of a quoted text", 'a: "b\n\tc"\n'),
    ("G5U8", "a dash alone is no text in a list", "a:\n  - [-, -]\n"),
    ("QB6E", "lines of a quoted text are indented more than its key", 'a: "b\nc\nd"\n'),
    ("QB6E", "in single quotes, too", "a:\n  b: 'c\n  d'\n"),
    ("S98Z", "blank lines before a text are no longer than it is indented", "a: >\n \n  \n   \n b\n"),
    ("S98Z", "before a literal one, too", "a: |\n     \n  b\n"),
    ("SU5Z", "a comment behind quotes has a space before it", 'a: "b"#comment\n'),
    ("SU5Z", "behind single quotes, too", "a: 'b'#comment\n"),
    ("X4QW", "a comment behind > has a space before it", "a: >#comment\n  b\n"),
    ("X4QW", "behind |-, too", "a: |-#comment\n  b\n"),
    ("Y79Y/003", "a tab is no indentation in brackets", "a:\n- [\n\tb,\n  c\n  ]\n"),
    ("YJV2", "a dash alone is no text in brackets", "a: [-]\n"),
    ("YJV2", "nor in a mapping", "a: {b: -}\n"),
]

READ = [
    ("R4YG", "a literal text may begin with a tab", "a: |\n  \tb\n", {"a": "\tb\n"}),
    ("R4YG", "behind blank lines and a comment, too", "a: >- # why\n\n  \tb\n", {"a": "\n\tb"}),
    ("FTA2", "a text in brackets may begin with a colon", "a: [:x, ::y]\n", {"a": [":x", "::y"]}),
    ("FTA2", "also as a value", "a: {x: :x}\n", {"a": {"x": ":x"}}),
    ("FTA2", "also outside of brackets", "a: :x\n", {"a": ":x"}),
    (
        "JR7V",
        "a question mark may stand between words",
        "a: [another ? string, b]\n",
        {"a": ["another ? string", "b"]},
    ),
    ("JR7V", "with several spaces, in a mapping", "a: {b: is it  ? yes}\n", {"a": {"b": "is it  ? yes"}}),
    ("C4HZ", "JSON's halves of a character", '{"a": "x\\ud83d\\ude01y"}\n', {"a": "x\U0001f601y"}),
    ("C4HZ", "as a key", '{"\\ud83d\\ude01": 1}\n', {"\U0001f601": 1}),
    ("C4HZ", "an escaped backslash begins none", r'{"a": "\\ud83d\\ude01"}', {"a": r"\ud83d\ude01"}),
    ("C4HZ", "nor do single quotes", r"a: '\ud83d\ude01'", {"a": r"\ud83d\ude01"}),
    ("VJP3/01", "lines in brackets that are indented", "a: {\n b:\n 1,\n c: 2 }\n", {"a": {"b": 1, "c": 2}}),
    ("own", "a closing bracket below its key, as JSON's writers put it", "a: [\n  1,\n]\n", {"a": [1]}),
    ("own", "comments within brackets stand anywhere", "a: [\n# one\n  1, # two\n  2]\n", {"a": [1, 2]}),
    ("4ZYM", "blank lines in a quoted text", 'a: "b\n\n  c"\n', {"a": "b\nc"}),
    ("Y79Y/002", "blank lines of tabs", "a:\n- [\n\t\n  b\n  ]\n", {"a": [["b"]]}),
    ("own", "the top of a file has no indentation to keep", '{"a":\n[1,\n2]}\n', {"a": [1, 2]}),
    ("own", "a dash before text", "a: [-1, -x]\n", {"a": [-1, "-x"]}),
    ("3UYS", "JSON's slash", '{"a": "b\\/c"}\n', {"a": "b/c"}),
    ("6FWR", "blank lines at the end of a text", "a: |+\n  b\n \n", {"a": "b\n\n"}),
    ("own", "an anchor before what is indented less", 'a: &x\n  b: "c\n   d"\n', {"a": {"b": "c d"}}),
]


@pytest.mark.parametrize(
    ("case", "rule", "text"), REFUSED, ids=[f"{case}: {rule}" for case, rule, _ in REFUSED]
)
def test_what_is_no_yaml_is_refused(case, rule, text):
    with pytest.raises(InvalidPipelineError) as refused:
        read(text, file="pipeline.yaml")

    assert {one.code for one in refused.value.diagnostics} == {"yaml-syntax"}, (case, rule)


@pytest.mark.parametrize(
    ("text", "value"),
    [(text, value) for _, _, text, value in READ],
    ids=[f"{case}: {rule}" for case, rule, _, _ in READ],
)
def test_what_is_yaml_is_read(text, value):
    assert plain(read(text, file="pipeline.yaml")) == value


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20),
    lambda below: (
        st.lists(below, max_size=3)
        | st.dictionaries(
            st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20), below, max_size=3
        )
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["a", "b"]), json_values), st.sampled_from([None, 1, 4]))
def test_all_json_is_yaml(value, indent):
    text = json.dumps(value, indent=indent)

    assert plain(read(text, file="pipeline.yaml")) == value
