"""Source that is written from syntax trees: it means what the tree says, and ruff leaves it as it is."""

from __future__ import annotations

import ast
import subprocess
import sys

from hypothesis import given, settings
from hypothesis import strategies as st

from pipespec.views.rendering.python_source import WIDTH, assignment, call, comment, literal

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60) | st.sampled_from(
    ["'''", '"""', "\\", "\n", "\r\n", "${x}", "\u202e", "\u2028", "#", "'\"", "{0}", "%s"]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
)
VALUES = st.recursive(
    SCALARS,
    lambda below: st.lists(below, max_size=6) | st.dictionaries(TEXTS, below, max_size=6),
    max_leaves=30,
)


def told(value):
    """A value with its types, and with the sign of zero: `1`, `1.0` and `True` are equal otherwise."""
    return repr(value)


@given(VALUES)
def test_any_json_value_comes_back_from_its_source(value):
    source = "\n".join(assignment("x", literal(value)))
    statement = ast.parse(source).body[0]

    assert len(ast.parse(source).body) == 1
    assert told(ast.literal_eval(statement.value)) == told(value)


@given(VALUES, VALUES)
def test_source_parses_to_the_tree_that_it_was_written_from(one, other):
    tree = call("runtime.step", literal(one), given=literal(other), left_out=None)
    written = ast.parse("\n".join(assignment("x", tree))).body

    assert [ast.dump(statement) for statement in written] == [
        ast.dump(ast.Assign([ast.Name("x", ast.Store())], tree))
    ]


@given(TEXTS)
def test_a_comment_is_one_line_of_printable_text_and_changes_nothing(text):
    line = comment(text)

    assert line.startswith("#")
    assert line.isprintable()
    assert ast.dump(ast.parse(f"x = 1\n{line}\ny = 2")) == ast.dump(ast.parse("x = 1\ny = 2"))


@settings(max_examples=20)
@given(st.lists(VALUES, min_size=20, max_size=20))
def test_ruff_has_nothing_to_format(values):
    statements = [
        "\n".join(assignment(f"x{at}", call("f", literal(value)))) for at, value in enumerate(values)
    ]
    source = "\n".join(statements) + "\n"
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--isolated", "--diff", "-"],
        input=source.encode(),
        capture_output=True,
        timeout=60,
    )

    assert done.returncode == 0, done.stdout.decode()


def test_what_does_not_fit_has_one_argument_a_line():
    fits = call("f", literal("x" * (WIDTH - 9)))
    is_too_long = call("f", literal("x" * (WIDTH - 8)))

    assert assignment("x", fits) == [f'x = f("{"x" * (WIDTH - 9)}")']
    assert assignment("x", is_too_long) == ["x = f(", f'    "{"x" * (WIDTH - 8)}",', ")"]
