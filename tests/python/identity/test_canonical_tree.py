import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipespec.python.identity.canonical_tree import canonical_tree, does_something
from pipespec.python.identity.readable_parts import annotated

SOURCES = sorted((Path(__file__).parents[3] / "src").rglob("*.py"))


def tree(text: str) -> str:
    return canonical_tree(ast.parse(text).body)


def test_writes_kinds_and_named_fields_without_what_is_empty():
    assert tree("x = f(1, a='é')") == (
        '[["Assign",{"targets":[["Name",{"id":"x"}]],"value":["Call",{"args":[["int","1"]],'
        '"func":["Name",{"id":"f"}],"keywords":[["keyword",{"arg":"a","value":["str","\\u00e9"]}]]}]}]]'
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 1  # why", "x = 1"),
        ("x = (1)", "x = 1"),
        ("x = (1,\n2)", "x = 1, 2"),
        ("x = 'a'", 'x = "a"'),
        ("x = 'a' 'b'", "x = 'ab'"),
        ("x = u'a'", "x = 'a'"),
        ("x = r'\\d'", "x = '\\\\d'"),
        ("x = 0x10 + 1_000", "x = 16 + 1000"),
        ("x = 1e3", "x = 1000.0"),
        ("x: int = 1", "x = 1"),
        ("x: int", ""),
        ("def f(a: int) -> str: return a", "def f(a): return a"),
        ("def f():\n    '''Doc.'''\n    return 1", "def f(): return 1"),
        ("def f():\n    pass", "def f(): ..."),
        ("class C:\n    '''Doc.'''", "class C: pass"),
        ("if a:\n    b\nelse:\n    if c: d", "if a: b\nelif c: d"),
        ("if a: b\nelse: pass", "if a: b"),
        ("f'a'", "'a'"),
        ("f'{x:}'", "f'{x}'"),
        ("f'a{x}' 'b' f'{y}'", "f'a{x}b{y}'"),
        ("f'{x:>{w}}'", "f'{x:>{ w }}'"),
        ("x = f'{a!r}'", "x = f'{ a !r}'"),
        ("with (a as b): c", "with a as b: c"),
        ("@d()\ndef f(): ...", "@ d( )\ndef f():\n    'Doc.'"),
    ],
)
def test_layout_leaves_no_trace(one, other):
    if one == "f'a'":
        one, other = f"x = {one}", f"x = {other}"
    assert tree(one) == tree(other)


DIFFERENT = [
    "x = 1",
    "x = 1.0",
    "x = True",
    "x = '1'",
    "x = b'1'",
    "x = 1j",
    "x = -1",
    "x = None",
    "x = ...",
    "x = []",
    "x = ()",
    "x = {}",
    "x = [None]",
    "x = f'{1}'",
    "x = f'{1!r}'",
    "x = f'{1:2}'",
    "x = f'{1=}'",
    "y = 1",
    "x += 1",
    "x == 1",
    "x is None",
    "x is not None",
    "not x is None",
    "f(x)",
    "f(*x)",
    "f(**x)",
    "f(x=x)",
    "f[x]",
    "f.x",
    "del x",
    "def x(): ...",
    "def x(a): ...",
    "def x(b): ...",
    "def x(*a): ...",
    "def x(**a): ...",
    "def x(*, a): ...",
    "def x(a, /): ...",
    "def x(a=1): ...",
    "async def x(): ...",
    "class x: ...",
    "class x:\n    a: int",
    "class x:\n    a: str",
    "class x:\n    a: int = 1",
    "@d\ndef x(a: int): ...",
    "@d\ndef x(a: str): ...",
    "@e\ndef x(a: str): ...",
    "import x",
    "import x as y",
    "from x import y",
    "from .x import y",
    "from ..x import y",
    "from . import x",
    "lambda x: x",
    "[x for x in y]",
    "{x for x in y}",
    "(x for x in y)",
    "{x: x for x in y}",
    "[x for x in y if x]",
    "{**x}",
    "{x: 1}",
    "{x: 1, **x}",
    "{**x, x: 1}",
    "x[1:]",
    "x[:1]",
    "x[::1]",
    "x[1]",
    "x[1,]",
    "x if y else z",
    "if x: y",
    "if x: z",
    "while x: y",
    "for x in y: z",
    "for x in y: z\nelse: z",
    "try: x\nexcept: y",
    "try: x\nexcept y: y",
    "try: x\nexcept y as z: y",
    "try: x\nfinally: y",
    "try: x\nexcept* y: y",
    "with x: y",
    "with x as z: y",
    "match x:\n    case None: y",
    "match x:\n    case True: y",
    "match x:\n    case 1: y",
    "match x:\n    case _: y",
    "match x:\n    case z: y",
    "match x:\n    case {'a': z}: y",
    "match x:\n    case {'a': z, **w}: y",
    "match x:\n    case C(z): y",
    "match x:\n    case C(a=z): y",
    "x and y",
    "x or y",
    "x < y",
    "x < y < z",
    "(x < y) < z",
    "x - y - z",
    "x - (y - z)",
    "assert x",
    "assert x, y",
    "raise x",
    "raise x from y",
    "raise",
    "(x := 1)",
    "x = y = 1",
    "x, y = 1",
    "x\ny",
    "y\nx",
]


def test_what_differs_is_written_differently():
    assert len({tree(text) for text in DIFFERENT}) == len(DIFFERENT)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_a_module_formatted_anew_is_the_same(path):
    text = path.read_text(encoding="utf-8")

    assert tree(text) == tree(ast.unparse(ast.parse(text)))


@given(
    st.lists(
        st.one_of(
            st.integers(-(10**30), 10**30),
            st.floats(allow_nan=False, allow_infinity=False),
            st.text(),
            st.binary(),
            st.booleans(),
            st.none(),
        ),
        min_size=2,
        max_size=2,
    )
)
def test_constants_are_equal_exactly_when_type_and_value_are(values):
    one, other = values

    same = type(one) is type(other) and repr(one) == repr(other)
    assert (tree(repr(one)[:0] + f"x = {one!r}") == tree(f"x = {other!r}")) == same


@given(st.data())
def test_blank_lines_comments_and_brackets_may_stand_anywhere(data):
    lines = ["def f(a, b):", "    c = a + b", "    if c > 1:", "        return [c, a]", "    return {a: b}"]
    noise = st.sampled_from(["", "# note\n", "\n\n", "    \n", "\t# x\n"])
    text = "".join(data.draw(noise) + line + "\n" for line in lines)
    if data.draw(st.booleans()):
        text = text.replace("a + b", "(a\n  + (b))").replace("[c, a]", "[\n c,\n a,\n ]")

    assert tree(text) == tree("\n".join(lines))


@pytest.mark.parametrize(
    "text",
    [
        "if a: b\n" + "elif c: d\n" * 400,
        "x = " + "+".join("a" for _ in range(800)),
        "x = " + "f(" * 90 + ")" * 90,
        "x = a" + ".b" * 800,
        "x = [" + "1, " * 20_000 + "]",
        "x = 0x" + "f" * 20_000,
    ],
    ids=lambda text: text[:12],
)
def test_depth_and_size_do_not_matter(text):
    assert tree(text).startswith("[[")


def test_statements_without_effect():
    texts = ["pass", "...", "'doc'", "1", "x: int", "x: int = 1", "x", "f()", "return"]

    assert [text for text in texts if does_something(ast.parse(text).body[0])] == [
        "x: int = 1",
        "x",
        "f()",
        "return",
    ]
    assert does_something(ast.parse("x: int").body[0], in_class=True)


def test_annotations_by_argument_quoted_ones_parsed():
    node = ast.parse("def f(a: int, /, b: 'str | None', *c: X, d, **e: 'no type') -> 'list[int]': ...").body[
        0
    ]

    assert {name: ast.unparse(found) for name, found in annotated(node).items()} == {
        "a": "int",
        "b": "str | None",
        "c": "X",
        "e": "'no type'",
        "return": "list[int]",
    }
