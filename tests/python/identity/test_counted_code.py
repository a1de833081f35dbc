import itertools
import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipespec.errors import Span
from pipespec.project.disk_modules import DiskModules
from pipespec.python.callable_ref import CallableRef
from pipespec.python.identity.code_facts import CodeFacts
from pipespec.python.identity.counted_code import code_facts

SPAN = Span("pipeline.yaml", 1, 1, 1, 2)


def write(root: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(content), encoding="utf-8", errors="surrogatepass")


def reached(found: CodeFacts) -> list[str]:
    """The names that count, without the entry for the order in which they are executed."""
    return [name for name in found.counted if not name.endswith(":<order>")]


def facts(
    root: Path, call: str = "m:f", *, sites: list[Path] | None = None, files: DiskModules | None = None
) -> CodeFacts:
    module, _, qualname = call.partition(":")
    return code_facts(CallableRef(module, qualname, SPAN), [root], files or DiskModules(root, sites or []))


@pytest.fixture
def reads(tmp_path):
    """Read the facts of `m:f`, each time of a project made anew of these files."""
    counter = itertools.count()

    def read(files: dict[str, str] | str, call: str = "m:f") -> CodeFacts:
        root = tmp_path / str(next(counter))
        write(root, {"m.py": files} if isinstance(files, str) else files)
        return facts(root, call)

    return read


PROJECT = {
    name: textwrap.dedent(content)
    for name, content in {
        "news/__init__.py": "",
        "news/articles.py": '''
        """Fetch articles."""
        import pandas as pd
        from . import text
        from .text import clean as tidy
        import news.words as words

        LIMIT = 10
        OTHER = 11

        def fetch_ids(query, limit: int = LIMIT) -> pd.DataFrame:
            """Fetch them."""
            rows = [tidy(row) for row in run(query)][:limit]  # the first ones
            return pd.DataFrame(text.strip(rows, words.STOP))

        def run(query: str):
            return query.split()

        def unrelated(x):
            return OTHER + x
    ''',
        "news/text.py": """
        def clean(x):
            return x.strip()

        def strip(rows, stop):
            return [row for row in rows if row not in stop]

        def unrelated():
            return 1
    """,
        "news/words.py": """
        STOP = {"a"}
        STOP.add("the")
        OTHER = []
        OTHER.append(1)
    """,
    }.items()
}


def edited(name: str, old: str, new: str) -> dict[str, str]:
    assert old in PROJECT[name], old
    return {**PROJECT, name: PROJECT[name].replace(old, new)}


def test_counts_what_is_reached_and_no_more(tmp_path):
    write(tmp_path, PROJECT)

    found = facts(tmp_path, "news.articles:fetch_ids")
    assert reached(found) == [
        "news.articles:LIMIT",
        "news.articles:fetch_ids",
        "news.articles:fetch_ids annotations",
        "news.articles:run",
        "news.text:clean",
        "news.text:strip",
        "news.words:STOP",
    ]
    assert found.files == tuple(
        str(tmp_path / "news" / name) for name in ("__init__.py", "articles.py", "text.py", "words.py")
    )
    assert (found.imports, found.package, found.notes) == (("pandas",), None, ())


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("news/articles.py", "# the first ones", "# some"),
        ("news/articles.py", '"""Fetch them."""', '"""Fetch\n\n    all."""'),
        ("news/articles.py", '"""Fetch them."""', ""),
        ("news/articles.py", '"""Fetch articles."""', ""),
        ("news/articles.py", "return query.split()", "return (query\n    .split())"),
        ("news/articles.py", "LIMIT = 10", "LIMIT = 1_0"),
        ("news/articles.py", "LIMIT = 10", "LIMIT = 0xA"),
        ("news/articles.py", "LIMIT = 10", "LIMIT: int = 10"),
        ("news/articles.py", "OTHER = 11", "OTHER = 12"),
        ("news/articles.py", "return OTHER + x", "return OTHER - x"),
        ("news/articles.py", "def run(query: str):", "def run(query: str | None) -> list:"),
        ("news/articles.py", "return query.split()", "pass\n    return query.split()"),
        (
            "news/articles.py",
            "def unrelated(x)",
            "if __name__ == '__main__':\n    fetch_ids(1)\ndef unrelated(x)",
        ),
        ("news/text.py", "return 1", "return 2"),
        ("news/words.py", '{"a"}', "{'a'}"),
        ("news/words.py", '{"a"}', '{u"a"}'),
        ("news/words.py", "OTHER.append(1)", "OTHER.append(2)"),
        ("news/words.py", "OTHER = []", "import os\nOTHER = []"),
        ("news/words.py", "OTHER = []", "print('hello')\nOTHER = []"),
    ],
)
def test_an_edit_that_changes_nothing_keeps_the_digest(reads, name, old, new):
    before, after = (
        reads(PROJECT, "news.articles:fetch_ids"),
        reads(edited(name, old, new), "news.articles:fetch_ids"),
    )

    assert after.counted == before.counted
    assert after.digest == before.digest


@pytest.mark.parametrize(
    ("name", "old", "new", "changed"),
    [
        ("news/articles.py", "[:limit]", "[:limit - 1]", "news.articles:fetch_ids"),
        ("news/articles.py", "rows", "lines", "news.articles:fetch_ids"),
        ("news/articles.py", "LIMIT = 10", "LIMIT = 10.0", "news.articles:LIMIT"),
        ("news/articles.py", "LIMIT = 10", "LIMIT = '10'", "news.articles:LIMIT"),
        ("news/articles.py", "LIMIT = 10", "LIMIT = 10\nLIMIT += 1", "news.articles:LIMIT"),
        (
            "news/articles.py",
            "limit: int = LIMIT",
            "limit: float = LIMIT",
            "news.articles:fetch_ids annotations",
        ),
        ("news/articles.py", "-> pd.DataFrame", "-> dict", "news.articles:fetch_ids annotations"),
        ("news/articles.py", "import pandas as pd", "import polars as pd", "news.articles:fetch_ids"),
        ("news/articles.py", "query.split()", "query.split(' ')", "news.articles:run"),
        ("news/text.py", "x.strip()", "x.lstrip()", "news.text:clean"),
        ("news/text.py", "not in stop", "in stop", "news.text:strip"),
        ("news/words.py", 'STOP.add("the")', 'STOP.add("an")', "news.words:STOP"),
        ("news/words.py", 'STOP.add("the")', "", "news.words:STOP"),
        ("news/words.py", "OTHER = []", "OTHER = STOP.pop()", "news.words:OTHER"),
        ("news/words.py", "OTHER = []", "for x in 'ab':\n    STOP.add(x)\nOTHER = []", "news.words:x"),
        ("news/words.py", "OTHER = []", "import random\nrandom.seed(1)\nOTHER = []", "news.words:<import>"),
        ("news/__init__.py", "", "import os\nos.environ['A'] = '1'\n", "news:<import>"),
        (
            "news/text.py",
            "def unrelated",
            "from .words import STOP\nSTOP.clear()\n\ndef unrelated",
            "news.text:<import>",
        ),
    ],
)
def test_an_edit_that_matters_changes_the_digest_and_shows_where(reads, name, old, new, changed):
    before = reads(PROJECT, "news.articles:fetch_ids")
    after = reads(edited(name, old, new), "news.articles:fetch_ids")

    differing = {
        key
        for key in before.counted.keys() | after.counted.keys()
        if before.counted.get(key) != after.counted.get(key)
    }
    assert changed in differing
    assert after.digest != before.digest


REACHED = {
    "locals and arguments hide the module's names": (
        "def clean(): ...\ndef rows(): ...\ndef n(): ...\ndef f(clean):\n    rows = 1\n    return [n for n in clean], rows, lambda n: n",
        ["m:f"],
    ),
    "a comprehension's own name ends with it": (
        "def n(): ...\ndef f(x):\n    return [n for n in x] + n()",
        ["m:f", "m:n"],
    ),
    "the first iterable of a comprehension belongs outside": (
        "x = [1]\ndef f():\n    return [x for x in x]",
        ["m:f", "m:x"],
    ),
    "closures and nested functions are looked into": (
        "def deep(): ...\ndef f():\n    def inner():\n        def innermost(): return deep()\n        return innermost\n    return inner",
        ["m:deep", "m:f"],
    ),
    "a local of an outer function hides too": (
        "def deep(): ...\ndef f():\n    deep = 1\n    def inner(): return deep\n    return inner",
        ["m:f"],
    ),
    "a class body does not hide from its methods": (
        "def load(): ...\nclass C:\n    def load(self): return load()\ndef f(): return C().load()",
        ["m:C", "m:f", "m:load"],
    ),
    "a walrus in a comprehension binds outside": (
        "def y(): ...\ndef f(x):\n    return [y := 1 for _ in x], y",
        ["m:f"],
    ),
    "bases, decorators and defaults count": (
        "D = 1\nclass Base: ...\nclass C(Base): ...\ndef wrap(g): return g\n@wrap\ndef f(x=D): return C()",
        ["m:Base", "m:C", "m:D", "m:f", "m:wrap"],
    ),
    "global names that a function sets count": (
        "STATE = None\ndef f():\n    global STATE\n    STATE = 1",
        ["m:STATE", "m:f"],
    ),
    "the names of except, with, for, match and import hide": (
        "def a(): ...\ndef b(): ...\ndef c(): ...\ndef d(): ...\ndef e(): ...\ndef f(x):\n    import e\n    try:\n        with x as a: a()\n    except E as b: b()\n    for c in x: c()\n    match x:\n        case [*d]: d()\n    e()\nclass E: ...",
        ["m:E", "m:f"],
    ),
    "an annotation of the callable counts with what it names": (
        "class Mode: ...\nclass Other: ...\ndef g(x: Other): ...\ndef f(x: 'Mode | None' = None): return g(x)",
        ["m:Mode", "m:f", "m:f annotations", "m:g"],
    ),
    "annotations in class bodies and of decorated functions count": (
        "import dataclasses\nclass Field: ...\nclass Own: ...\n@dataclasses.dataclass\nclass C:\n    x: Field\n    def g(self, y: Own): ...\ndef f(): return C",
        ["m:C", "m:Field", "m:f"],
    ),
    "conditional definitions all count": (
        "import sys\ntry:\n    from fast import go\nexcept ImportError:\n    def go(): return helper()\ndef helper(): ...\nif sys.platform == 'x':\n    SIZE = 1\nelse:\n    SIZE = 2\ndef f(): return go(SIZE)",
        ["m:SIZE", "m:f", "m:go", "m:helper"],
    ),
    "names for type checkers do not count": (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    class Hint: ...\ndef g(x: Hint): ...\ndef f(): return g",
        ["m:f", "m:g"],
    ),
    "overloads do not count": (
        "from typing import overload\n@overload\ndef f(x: int) -> int: ...\ndef f(x): return x",
        ["m:f"],
    ),
    "a registry counts with all that enters it": (
        "REGISTRY = {}\ndef register(g):\n    REGISTRY[g.__name__] = g\n    return g\n@register\ndef clean(): return helper()\ndef helper(): ...\ndef other(): ...\ndef f(name): return REGISTRY[name]()",
        ["m:REGISTRY", "m:clean", "m:f", "m:helper", "m:register"],
    ),
    "a registry that is not used does not": (
        "REGISTRY = {}\ndef register(g):\n    REGISTRY[g.__name__] = g\n    return g\n@register\ndef clean(): ...\nregister(len)\ndef f(name): return 1",
        ["m:f"],
    ),
    "a shared decorator does not tie functions together": (
        "import functools, logging\nlog = logging.getLogger(__name__)\nUNIT = 's'\ndef timed(g):\n    @functools.wraps(g)\n    def inner(*a):\n        log.info(UNIT)\n        return g(*a)\n    return inner\n@timed\ndef other(): ...\n@timed\ndef f(): log.info('f')",
        ["m:UNIT", "m:f", "m:log", "m:timed"],
    ),
    "an application object of a library does not tie its commands together": (
        "import typer\napp = typer.Typer()\n@app.command()\ndef other(): ...\n@app.command()\ndef f(): ...",
        ["m:app", "m:f"],
    ),
    "single dispatch counts with its cases": (
        "from functools import singledispatch\n@singledispatch\ndef show(x): ...\n@show.register\ndef _(x: int): return deep()\ndef deep(): ...\ndef f(x): return show(x)",
        ["m:_", "m:deep", "m:f", "m:show"],
    ),
    "subclasses count where a class collects them": (
        "class Base:\n    kinds = []\n    def __init_subclass__(cls): Base.kinds.append(cls)\nclass A(Base): ...\nclass B(A): ...\nclass C: ...\ndef f(): return Base.kinds",
        ["m:A", "m:B", "m:Base", "m:f"],
    ),
    "subclasses count where they are asked for": (
        "class Base: ...\nclass A(Base): ...\ndef f(): return Base.__subclasses__()",
        ["m:A", "m:Base", "m:f"],
    ),
    "subclasses do not count otherwise": (
        "import abc\nclass Base(metaclass=abc.ABCMeta): ...\nclass A(Base): ...\ndef f(): return Base()",
        ["m:Base", "m:f"],
    ),
    "what is patched at the top counts": (
        "class C: ...\ndef better(self): ...\nC.run = better\nC.other = 1\ndef f(): return C()",
        ["m:C", "m:better", "m:f"],
    ),
    "an attribute set on a function counts": (
        "def f(): return f.rate\nf.rate = RATE = 3",
        ["m:RATE", "m:f"],
    ),
    "a constant used to make others does not drag them in": (
        "COLUMNS = ['a']\nHEADER = ','.join(COLUMNS)\nINDEX = {c: i for i, c in enumerate(COLUMNS)}\nSIZE = len(COLUMNS)\ndef f(): return COLUMNS",
        ["m:COLUMNS", "m:f"],
    ),
    "a list handed to a function of the project counts with it": (
        "ROWS = [1]\ndef spoil(x): x.append(2)\nDONE = spoil(ROWS)\ndef f(): return ROWS",
        ["m:DONE", "m:ROWS", "m:f", "m:spoil"],
    ),
    "a call at the top that changes the outside counts": (
        "import random\nSEED = 1\ndef setup(): random.seed(SEED)\nsetup()\ndef f(): return random.random()",
        ["m:<import>", "m:SEED", "m:f", "m:setup"],
    ),
    "an object whose making changes nothing outside does not count": (
        "import os\nclass C:\n    def __init__(self): self.x = 1\n    def leave(self): os.chdir('/')\nONE = C()\ndef f(): ...",
        ["m:f"],
    ),
    "an object whose making changes the outside counts": (
        "import os\nclass C:\n    def __init__(self): move()\ndef move(): os.chdir('/')\nONE = C()\ndef f(): ...",
        ["m:C", "m:ONE", "m:f", "m:move"],
    ),
    "a class method that changes the outside counts": (
        "import os\nclass C:\n    @staticmethod\n    def leave(): os.chdir('/')\nDONE = C.leave()\ndef f(): ...",
        ["m:C", "m:DONE", "m:f"],
    ),
    "subclasses count where their making changes a variable": (
        "KINDS = []\nclass Base:\n    def __init_subclass__(cls): KINDS.append(cls)\nclass A(Base): ...\nclass B: ...\ndef f(): return KINDS",
        ["m:A", "m:Base", "m:KINDS", "m:f"],
    ),
    "metaclasses count where they change a variable": (
        "KINDS = []\nclass Meta(type):\n    def __new__(cls, *a): KINDS.append(a)\nclass Base(metaclass=Meta): ...\nclass A(Base): ...\ndef f(): return KINDS",
        ["m:A", "m:Base", "m:KINDS", "m:Meta", "m:f"],
    ),
    "models count with the base that a library made for them": (
        "from sqlalchemy.orm import declarative_base\nBase = declarative_base()\nclass A(Base): ...\nclass B: ...\ndef f(): return Base.metadata",
        ["m:A", "m:Base", "m:f"],
    ),
    "setattr on a name of the project stays inside": (
        "class C: ...\nfor name in 'ab':\n    setattr(C, name, 1)\ndef f(): ...",
        ["m:f"],
    ),
    "setattr on a name that is reached counts": (
        "class C: ...\nfor name in 'ab':\n    setattr(C, name, 1)\ndef f(): return C",
        ["m:C", "m:f", "m:name"],
    ),
    "what runs as a program only does not count": (
        "import os, sys\nif sys.argv and __name__ == '__main__':\n    os.chdir('/')\nelse:\n    A = 1\ndef f(): ...",
        ["m:f"],
    ),
    "an assignment of several names": ("A, B = 1, 2\nC = 3\ndef f(): return B", ["m:B", "m:f"]),
    "recursion and circles": ("def f(): return g()\ndef g(): return f() + g()", ["m:f", "m:g"]),
    "a lambda": ("LIMIT = 1\nf = lambda x: x + LIMIT", ["m:LIMIT", "m:f"]),
    "an alias": ("def g(): ...\nf = g", ["m:f", "m:g"]),
    "a partial": ("from functools import partial\ndef g(x): ...\nf = partial(g, 1)", ["m:f", "m:g"]),
    "a built-in that the module replaces": ("def print(x): ...\ndef f(): print(1)", ["m:f", "m:print"]),
    "globals() takes the whole module": ("A = 1\ndef f(): return globals()['A']", ["m"]),
    "eval takes the whole module": ("A = 1\ndef f(): return eval('A')", ["m"]),
    "a method named eval takes nothing more": ("A = 1\ndef f(model): return model.eval()", ["m:f"]),
    "an unknown name takes the whole module": ("A = 1\ndef f(): return nowhere", ["m"]),
    "an unknown decorator takes the whole module": ("A = 1\n@nowhere\ndef f(): ...", ["m"]),
    "a method of something local that is handed a name of the project": (
        "def g(): ...\nclass C:\n    A = {1}\n    B = A.union({g}).union([g])\ndef f(): return C.B",
        ["m:C", "m:f", "m:g"],
    ),
    "names that every module has": ("A = 1\ndef f(): return __file__, __name__, __doc__", ["m:f"]),
    "names of an installed module's star": ("from numpy import *\nA = 1\ndef f(): return array(1)", ["m:f"]),
}


@pytest.mark.parametrize(("source", "counted"), REACHED.values(), ids=REACHED)
def test_reaches(reads, source, counted):
    assert reached(reads(source)) == counted


ACROSS = {
    "attributes of modules, however they are imported": (
        {
            "m.py": "import p.a\nimport p.b as bb\nfrom p import c\nfrom p.d import go as gone\ndef f():\n    p.a.x(); bb.x(); c.x(); gone()",
            "p/__init__.py": "",
            **{f"p/{name}.py": "def x(): ...\ndef y(): ...\ndef go(): ..." for name in "abcd"},
        },
        ["m:f", "p.a:x", "p.b:x", "p.c:x", "p.d:go"],
    ),
    "imports within functions": (
        {
            "m.py": "def f():\n    from a import x\n    import b\n    return x(), b.y()",
            "a.py": "def x(): ...",
            "b.py": "def y(): ...\nZ = 1",
        },
        ["a:x", "b:y", "m:f"],
    ),
    "re-exports are followed to their ends": (
        {
            "m.py": "from p import x\ndef f(): return x()",
            "p/__init__.py": "from .q import x as x",
            "p/q/__init__.py": "from ..r import real as x",
            "p/r.py": "def real(): ...",
        },
        ["m:f", "p.r:real"],
    ),
    "circles of modules": (
        {"m.py": "import a\ndef f(): return a.g()\nX = 1", "a.py": "import m\ndef g(): return m.f() + m.X"},
        ["a:g", "m:X", "m:f"],
    ),
    "a module as a value counts as a whole": (
        {"m.py": "import a\ndef f(): return getattr(a, 'x')()", "a.py": "def x(): return y\ny = 1"},
        ["a", "m:f"],
    ),
    "a star is followed to the name": (
        {
            "m.py": "from a import *\ndef f(): return x()",
            "a.py": "from b import *\ndef x(): return z()\ny = 1",
            "b.py": "def z(): ...\nw = 1",
        },
        ["a:x", "b:z", "m:f"],
    ),
    "a name that no star is seen to have takes all of them": (
        {
            "m.py": "from a import *\nfrom numpy import *\ndef f(): return dynamic()",
            "a.py": "globals()['dynamic'] = 1",
        },
        ["a", "m:f"],
    ),
    "a star whose names are not used does not": (
        {"m.py": "from a import *\ndef f(): return len('x')", "a.py": "def x(): ...\ny = 1"},
        ["m:f"],
    ),
    "import_module with a name that stands there": (
        {
            "m.py": "import importlib\nA = 1\ndef f(): return importlib.import_module('a').x()",
            "a.py": "def x(): ...",
        },
        ["a", "m:f"],
    ),
    "import_module with a name that does not": (
        {
            "m.py": "import importlib\nA = 1\ndef f(n): return importlib.import_module(n)",
            "a.py": "def x(): ...",
        },
        ["a", "m"],
    ),
    "what other modules register counts when they are imported": (
        {
            "m.py": "import plugins\nfrom registry import KNOWN\ndef f(): return KNOWN",
            "registry.py": "KNOWN = []\ndef register(g):\n    KNOWN.append(g)\n    return g",
            "plugins.py": "from registry import register\n@register\ndef one(): ...\ndef two(): ...\nregister(lambda: two)",
            "never.py": "from registry import register\n@register\ndef three(): ...",
        },
        ["m:f", "plugins:<import>", "plugins:one", "plugins:two", "registry:KNOWN", "registry:register"],
    ),
    "packages around a module run too": (
        {
            "m.py": "from p.q import x\ndef f(): return x()",
            "p/__init__.py": "import random, warnings\nrandom.seed(1)\nwarnings.simplefilter('error')",
            "p/q.py": "def x(): ...",
        },
        ["m:f", "p.q:x", "p:<import>"],
    ),
    "a module that only hands the function on runs too": (
        {"m.py": "import random\nfrom a import f\nrandom.seed(1)", "a.py": "def f(): ..."},
        ["a:f", "m:<import>"],
    ),
    "a module patched from elsewhere": (
        {
            "m.py": "import patch\nimport a\ndef f(): return a.x()",
            "a.py": "def x(): ...",
            "patch.py": "import a\ndef y(): ...\na.x = y",
        },
        ["a:x", "m:f", "patch:<import>", "patch:y"],
    ),
    "a module that cannot be parsed counts by its bytes": (
        {"m.py": "import a\ndef f(): return a.x()", "a.py": "def x(:"},
        ["a", "m:f"],
    ),
    "a module that is not there is outside": (
        {"m.py": "import gone\nfrom .beyond import z\ndef f(): return gone.x(z)"},
        ["m:f"],
    ),
    "a namespace package": (
        {"m.py": "import p.a\ndef f(): return p.a.x()", "p/a.py": "def x(): ..."},
        ["m:f", "p.a:x"],
    ),
}


@pytest.mark.parametrize(("files", "counted"), ACROSS.values(), ids=ACROSS)
def test_reaches_across_modules(reads, files, counted):
    assert reached(reads(files)) == counted


def test_says_why_a_module_counts_as_a_whole(reads):
    found = reads({"m.py": "import a\ndef f(): return vars(a), eval('1')", "a.py": "x = 1"})

    assert found.notes == (
        "module 'a' counts as a whole: m uses it as a value",
        "module 'm' counts as a whole: it uses eval",
    )


def test_a_swap_of_imports_changes_the_digest(reads):
    helper = {"a.py": "def x(): return 1", "b.py": "def x(): return 2"}
    one = reads({"m.py": "from a import x as p\nfrom b import x as q\ndef f(): return p() - q()", **helper})
    two = reads({"m.py": "from b import x as p\nfrom a import x as q\ndef f(): return p() - q()", **helper})

    assert one.counted.keys() == two.counted.keys()
    assert one.digest != two.digest


def test_a_swap_of_re_exports_changes_the_digest(reads):
    helper = {
        "m.py": "from p import x, y\ndef f(): return x() - y()",
        "p/a.py": "def x(): return 1",
        "p/b.py": "def x(): return 2",
    }
    one = reads({"p/__init__.py": "from .a import x\nfrom .b import x as y", **helper})
    two = reads({"p/__init__.py": "from .b import x\nfrom .a import x as y", **helper})

    assert one.digest != two.digest


def test_two_functions_with_one_body_differ(reads):
    source = "def f(x): return x\ndef g(x): return x"

    assert reads(source, "m:f").digest != reads(source, "m:g").digest


def test_the_order_of_definitions_does_not_count(reads):
    parts = ["A = 1", "def g(): return A", "class C: ...", "def f(): return g(), C"]

    digests = {reads("\n".join(order)).digest for order in itertools.permutations(parts)}
    assert len(digests) == 1


def test_the_order_of_statements_about_one_name_counts(reads):
    assert (
        reads("A = [1]\nA = A + [2]\nA = A * 2\ndef f(): return A").digest
        != reads("A = [1]\nA = A * 2\nA = A + [2]\ndef f(): return A").digest
    )


def test_the_folder_does_not_count(tmp_path):
    write(tmp_path / "one", PROJECT)
    write(tmp_path / "two/src", PROJECT)
    ref = CallableRef("news.articles", "fetch_ids", SPAN)
    one = code_facts(ref, [tmp_path / "one"], DiskModules(tmp_path / "one", []))
    two = code_facts(ref, [tmp_path / "two", tmp_path / "two/src"], DiskModules(tmp_path / "two", []))

    assert (one.digest, one.counted) == (two.digest, two.counted)


def test_static_methods_count_with_their_class(reads):
    source = "class Base:\n    @classmethod\n    def make(cls, x: int): ...\nclass C(Base):\n    LIMIT = 1\n    @staticmethod\n    def run(x: int): return C.LIMIT"

    assert list(reads(source, "m:C.run").counted) == ["m:Base", "m:C", "m:C.run annotations"]
    assert (
        reads(source, "m:C.run").digest != reads(source.replace("LIMIT = 1", "LIMIT = 2"), "m:C.run").digest
    )
    assert list(reads(source, "m:C.make").counted) == ["m:Base", "m:C"]


def test_a_function_that_is_not_there_takes_the_whole_module(reads):
    found = reads("A = 1", "m:f")

    assert list(found.counted) == ["m"]
    assert found.notes == ("module 'm' counts as a whole: nothing in it binds 'f'",)


def test_a_module_that_is_not_there_is_said(reads):
    found = reads("", "gone:f")

    assert (found.counted, found.files) == ({}, ())
    assert found.notes == ("the code of 'gone:f' cannot be found, so it does not count",)


def test_a_callable_of_python_itself_is_said(tmp_path):
    assert facts(tmp_path, "json:loads").notes == (
        "'json:loads' is part of Python, whose version does not count",
    )


def test_an_installed_callable_counts_by_its_version(tmp_path):
    site, root = tmp_path / "site", tmp_path / "root"
    write(
        site,
        {
            "lib/__init__.py": "from .core import train",
            "lib/core.py": "def train(): ...",
            "my_lib-1.2.dist-info/METADATA": "Metadata-Version: 2.1\nName: my-lib\nVersion: 1.2\n",
            "my_lib-1.2.dist-info/RECORD": "lib/__init__.py,,\nlib/core.py,,\n",
            "loose.py": "def g(): ...",
        },
    )
    write(root, {"m.py": "from lib import train as f"})
    found = facts(root, "lib.core:train", sites=[site])

    assert (found.package, found.counted, found.files, found.notes) == (("my-lib", "1.2"), {}, (), ())
    assert facts(root, "m:f", sites=[site]).package == ("my-lib", "1.2")
    (site / "lib/core.py").write_text("def train(): return 1")
    assert facts(root, "lib.core:train", sites=[site]) == found
    (site / "my_lib-1.2.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: my-lib\nVersion: 1.3\n")
    assert facts(root, "lib.core:train", sites=[site]).digest != found.digest
    loose = facts(root, "loose:g", sites=[site])
    assert (loose.package, list(loose.counted)) == (None, ["loose"])
    assert loose.notes == (
        "module 'loose' belongs to no installed distribution, so its files count, not a version",
    )


def test_names_what_a_worker_can_load_beforehand(reads):
    found = reads(
        {
            "m.py": "import os, numpy.linalg\nfrom sklearn.svm import SVC\nimport p.a\ntry:\n    import fast\nexcept ImportError:\n    pass\ndef f():\n    import late\n    return p.a.x",
            "p/a.py": "import torch as t\nx = 1",
        }
    )

    assert found.imports == ("fast", "numpy.linalg", "sklearn.svm", "torch")


CORPUS = r'''
from __future__ import annotations
import contextlib, dataclasses, enum, re
from typing import NamedTuple

NUMBERS = (1_000, 0xFF, 1.5, 1e400, 2j, -3, True, None, ..., 123456789012345678901234567890)
TEXTS = ["a" "b", 'c', b"\x00d", r"\n", "\ud800", "\u00e9", u"u", """doc"""]

class Kind(enum.StrEnum):
    """Doc."""
    A = enum.auto()
    B: str = "b"

@dataclasses.dataclass(frozen=True)
class Row:
    name: str
    size: int = 3

class Pair(NamedTuple):
    left: int

def texts(x, y):
    return f"a{x}" f"{y!r:>{x}}b" "c", f"{x=}", f"{{}}{x:%Y-%m}", f"plain", f"{x:}", f"{x!s:{y}{x}}", f""

def flow(x, /, y: int = 1, *rest, key=None, **more) -> int:
    global COUNT
    COUNT = 0
    while x < y <= 3 and not key or more:
        x += 1
        if x == 2: continue
        elif x == 3: break
        else: pass
    else:
        x -= 1
    for a, *b in rest: del b[0], b[1:2, ::3]
    try:
        assert x, "message"
        raise ValueError from None
    except (KeyError, ValueError) as error: print(error)
    else: x = ~x ** 2 @ y // 3 % 5 | 6 ^ 7 & 8 << 1 >> 1
    finally: x = y = 0
    try: x: int = x.y.z[0]
    except* TypeError: x: int
    return x if x is not y else x not in [y]

async def later(items):
    async with items as i, i: await i
    async for j in items: yield j
    return

def match(x):
    match x:
        case 1 | -2.5 | "a" | None | True: return 1
        case [a, *_, Kind.A as b] if a: return b
        case {"k": v, **others}: return v, others
        case Row(name="n", size=s) | Pair(s): return s
        case _: return (lambda p, *q, r=1: (p, q, r)), {**x, 1: 2}, {*x}, [*x], x[1:], x[...], (z := 3)

def comprehensions(x):
    outer = 1
    def inner():
        nonlocal outer
        outer = yield from x
    return [i for i in x if i if not i], {i: j for i in x for j in i}, {i for i in x}, (i async for i in x)

def f(table: dict[str, "Row | None"] = {}, kind: Kind = Kind.A) -> list[int]:
    """Use it all."""
    return NUMBERS, TEXTS, texts, flow, later, match, comprehensions, Kind, Row, Pair, re.compile("x"), contextlib
'''

PINNED = "c6986ed81cc721f97397d523d512752d74df8dd62d801d26a475c75c347c18a9"


def test_known_digests_hold(reads):
    assert reads(CORPUS).digest == PINNED


def _other_pythons() -> list[str]:
    """Find interpreters of other versions that we support: on the path, and beside the one that runs."""
    found = {}
    named = [shutil.which(f"python3.{minor}") for minor in (11, 12, 13)]
    beside = sorted(Path(sys.base_prefix).parent.glob("*/bin/python3"))
    for python in [*filter(None, named), *map(str, beside)]:
        answer = subprocess.run(
            [python, "-c", "import sys; print(sys.version_info[1])"], capture_output=True, text=True
        )
        if (
            answer.returncode == 0
            and 11 <= int(answer.stdout) <= 13
            and int(answer.stdout) != sys.version_info[1]
        ):
            found.setdefault(answer.stdout, python)
    return list(found.values())


def test_other_pythons_and_hash_seeds_give_the_same_digests(tmp_path):
    write(tmp_path, {**PROJECT, "m.py": CORPUS})
    calls = ["news.articles:fetch_ids", "m:f", "m:match"]
    program = (
        "import json, sys\nfrom pathlib import Path\nfrom pipespec.errors import Span\n"
        "from pipespec.python.identity.counted_code import code_facts\nfrom pipespec.project.disk_modules import DiskModules\n"
        "from pipespec.spec.pipeline_spec import CallableRef\nroot = Path(sys.argv[1])\nfiles = DiskModules(root, [])\n"
        "refs = [CallableRef(*call.split(':'), Span('p', 1, 1, 1, 1)) for call in sys.argv[2:]]\n"
        "print(json.dumps([[f.digest, dict(f.counted)] for f in (code_facts(ref, [root], files) for ref in refs)]))"
    )
    here = [[found.digest, dict(found.counted)] for found in (facts(tmp_path, call) for call in calls)]

    for seed, python in enumerate([sys.executable, sys.executable, *_other_pythons()]):
        environment = {
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[3] / "src"),
            "PYTHONHASHSEED": str(seed),
        }
        answer = subprocess.run(
            [python, "-c", program, str(tmp_path), *calls],
            capture_output=True,
            text=True,
            env=environment,
            check=True,
        )
        assert json.loads(answer.stdout) == here, python


def test_the_cost_of_shared_code_is_paid_once(tmp_path, monkeypatch):
    from pipespec.python.identity import dependencies

    written = []
    original = dependencies.canonical_tree
    monkeypatch.setattr(dependencies, "canonical_tree", lambda nodes: written.append(1) or original(nodes))
    write(
        tmp_path,
        {
            "shared.py": "".join(f"def h{i}(x): return h{i + 1}(x)\n" for i in range(20))
            + "def h20(x): return x\n",
            "m.py": "from shared import h0\n" + "".join(f"def f{i}(x): return h0(x)\n" for i in range(300)),
        },
    )
    files = DiskModules(tmp_path, [])
    found = [facts(tmp_path, f"m:f{i}", files=files) for i in range(300)]

    assert {len(one.counted) for one in found} == {22}
    assert len(written) == 300 + 21
    assert facts(tmp_path, "m:f0", files=files) is found[0]


def test_long_chains_of_calls_do_not_exhaust_the_stack(reads):
    source = "".join(f"def f{i}(): return f{i + 1}()\n" for i in range(5000)) + "def f5000(): ...\nf = f0"

    assert len(reads(source).counted) == 5002


@pytest.mark.parametrize(
    "source",
    [
        "def f(: ...",
        "def f(): return " + "-" * 5000 + "1",
        "def f(): return " + "+".join("a" for _ in range(900)),
        "def f(): return a" + ".b" * 900,
        "def f(): return " + "(lambda: " * 60 + "x" + ")" * 60,
        "def f(x):\n" + " if x: pass\n" + " elif x: pass\n" * 300,
        "f = f",
        "from m import f",
        "from m import *\ndef g(): return f",
        "import m\nf = m.f",
        "class f(f): ...",
        "class A(B): ...\nclass B(A): ...\ndef f(): return A.__subclasses__()",
        "@f\ndef f(): ...",
        "def f(x='\ud800'): ...",
        "f = globals()['f']",
        "x = [" + "f(), " * 3000 + "]\ndef f(): return x",
        "".join(f"class C{i}(C{i + 1}): ...\n" for i in range(1500)) + "def f(): return C0()",
    ],
    ids=lambda source: source[:20],
)
def test_hostile_and_twisted_sources_get_a_digest(reads, source):
    assert len(reads(source).digest) == 64


EDITS = {
    "x.strip()": "x.lstrip()",
    "not in stop": "in stop",
    "LIMIT = 10": "LIMIT = 11",
    '"the"': '"an"',
    "query.split()": "query.split(',')",
    "[:limit]": "[limit:]",
}
HARMLESS = {
    "OTHER = 11": "OTHER = 12",
    "return 1": "return 2",
    "OTHER.append(1)": "OTHER.append(3)",
    '"""Fetch them."""': '"""Fetch."""',
    "# the first ones": "",
    "return OTHER + x": "return x",
}


@given(edits=st.sets(st.sampled_from(sorted(EDITS))), harmless=st.sets(st.sampled_from(sorted(HARMLESS))))
def test_digests_are_equal_exactly_when_no_edit_matters(tmp_path_factory, edits, harmless):
    root = tmp_path_factory.mktemp("edited")
    project = dict(PROJECT)
    for old, new in [(old, EDITS[old]) for old in edits] + [(old, HARMLESS[old]) for old in harmless]:
        project = {name: content.replace(old, new) for name, content in project.items()}
    write(root / "before", PROJECT)
    write(root / "after", project)

    before = facts(root / "before", "news.articles:fetch_ids").digest
    assert (facts(root / "after", "news.articles:fetch_ids").digest == before) == (not edits)
