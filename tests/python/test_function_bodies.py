from __future__ import annotations

import ast
import importlib.util
import sysconfig
from pathlib import Path

import pytest

from pipespec.errors import Span
from pipespec.project.disk_modules import DiskModules
from pipespec.python.callable_ref import parse_call
from pipespec.python.function_bodies import read_body, symbols_of, undefined_names

STDLIB = Path(sysconfig.get_path("stdlib"))


def sources(name):
    if name == "the standard library":
        skipped = {"site-packages", "test", "tests", "idlelib", "lib2to3"}
        return [file for file in STDLIB.rglob("*.py") if not skipped & set(file.parts)]
    (folder,) = importlib.util.find_spec(name).submodule_search_locations
    return list(Path(folder).rglob("*.py"))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["the standard library", "luigi", "sqlalchemy", "click", "jsonschema"])
def test_no_function_of_code_that_works_has_undefined_names(name):
    functions, alarms = 0, []
    for file in sources(name):
        text = file.read_text(encoding="utf-8", errors="replace")
        table = symbols_of(text)
        for node in ast.parse(text).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                functions += 1
                alarms += [(str(file), one) for one in undefined_names(node, table)]

    assert functions > 30
    assert alarms == []


@pytest.fixture
def body(tmp_path):
    def read(text):
        (tmp_path / "steps.py").write_text(text)
        ref = parse_call("steps:f", Span("p", 1, 1, 1, 1))
        return read_body(ref, [tmp_path], DiskModules(tmp_path))

    return read


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("def f(): return x", ["x"]),
        ("def f(): return x, y, x", ["x", "y"]),
        ("def f():\n    def g(): return x\n    return g", ["x"]),
        ("def f(): return [x for y in z]", ["x", "z"]),
        ("def f(): return lambda a: a + x", ["x"]),
        ("def f():\n    class C:\n        a = x\n    return C", ["x"]),
        ("def f(x): return x", []),
        ("def f(*a, **k): return a, k", []),
        ("x = 1\ndef f(): return x", []),
        ("def f(): return x\nx = 1", []),
        ("def f(): return x\nfor x in (): ...", []),
        ("def f(): return x\nwith open('a') as x: ...", []),
        ("def f(): return x\ntry: ...\nexcept ValueError as x: ...", []),
        ("def f(): return x\nif (x := 1): ...", []),
        ("import x\ndef f(): return x", []),
        ("import x.y\ndef f(): return x.y", []),
        ("if False:\n    import x\ndef f(): return x", []),
        ("def g():\n    global x\n    x = 1\ndef f(): return x", []),
        ("x = 1\ndel x\ndef f(): return x", []),
        ("from os import *\ndef f(): return x", []),
        ("exec('x = 1')\ndef f(): return x", []),
        ("globals()['x'] = 1\ndef f(): return x", []),
        ("def f():\n    try:\n        return x\n    except NameError:\n        return 1", []),
        ("def f(): return [x for x in range(3)]", []),
        ("def f():\n    if (x := 1):\n        return x", []),
        ("def f():\n    x = 1\n    del x\n    return x", []),
        ("def f():\n    y: Unknown = 1\n    return y", []),
        ("def f(a: 'Unknown') -> 'Other': return a", []),
        ("def f():\n    class C:\n        a = 1\n        b = a\n    return C", []),
        ("def f(): return __name__, __file__, print, WindowsError", []),
        ("def f():\n    match 1:\n        case x: return x", []),
        ("def f():\n    import x\n    return x", []),
    ],
)
def test_a_name_is_undefined_where_nothing_can_have_bound_it(body, text, names):
    assert [one.text for one in body(text).undefined] == names


@pytest.mark.parametrize(
    ("line", "files"),
    [
        ("pd.read_csv('a.csv')", ["a.csv"]),
        ("pd.read_parquet('a.parquet')", ["a.parquet"]),
        ("np.load('a.npy')", ["a.npy"]),
        ("open('a.txt')", ["a.txt"]),
        ("open('a.txt', 'rb')", ["a.txt"]),
        ("open('a.txt', mode='r')", ["a.txt"]),
        ("Path('a.txt').read_text()", ["a.txt"]),
        ("Path('a.txt').open()", ["a.txt"]),
        ("[pd.read_csv('a.csv'), pd.read_csv('b.csv')]", ["a.csv", "b.csv"]),
        ("open('a.txt', 'w')", []),
        ("open('a.txt', 'r+')", []),
        ("open('a.txt', mode)", []),
        ("open(name)", []),
        ("pd.read_csv(name)", []),
        ("pd.read_csv(f'{name}.csv')", []),
        ("pd.read_sql('select 1', name)", []),
        ("Path('a.txt').write_text('x')", []),
        ("Path('a.txt', name).read_text()", []),
        ("[open('a.txt', 'w'), open('a.txt')]", []),
        ("open('/dev/null')", []),
        ("reader.read_csv('a.csv')", []),
        ("opened('a.csv')", []),
    ],
)
def test_a_file_is_read_where_a_literal_path_is_given_to_a_reader(body, line, files):
    imports = "import numpy as np\nimport pandas as pd\nfrom pathlib import Path\n"

    assert [
        one.text for one in body(f"{imports}def f(name, mode, reader, opened): return {line}").files
    ] == files


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("os.environ['A']", ["A"]),
        ("os.environ.get('A')", ["A"]),
        ("os.getenv('A', 'x')", ["A"]),
        ("environ['A']", ["A"]),
        ("os.environ[name]", []),
        ("os.environ", []),
        ("name['A']", []),
        ("os.environ.update(A='b')", []),
    ],
)
def test_a_variable_is_read_where_a_literal_name_is_given(body, line, names):
    text = f"import os\nfrom os import environ\ndef f(name): return {line}"

    assert [one.text for one in body(text).variables] == names


def test_what_a_function_sets_itself_is_no_input(body):
    assert body("import os\ndef f():\n    os.environ['A'] = 'b'\n    return os.environ['A']").variables == ()


def test_of_what_is_no_function_of_the_project_nothing_is_said(body):
    assert body("from json import dumps as f") is None
    assert body("class f: ...") is None
    assert body("f = 3") is None
    assert body("def g(): ...") is None
    assert body("def f(: ...") is None
