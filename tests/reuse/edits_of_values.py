"""Edits of values made at import, and of names that are looked up."""

from edits import edits

ONE_TO_TWO = ("return 1", "return 2")
KEY = ("K = 1", "K = 2")

VALUES = [
    *edits(
        "values made at import",
        dispatch_table_in_a_loop=(
            "TABLE = {}\nfor n in (1, 2):\n    TABLE[n] = lambda x, n=n: x * n * 1\ndef f(): return TABLE[2](3)",
            ("n * 1", "n * 2"),
        ),
        loop_variable_in_a_closure=(
            "FNS = [lambda: n for n in (1, 2)]\ndef f(): return [g() for g in FNS]",
            ("(1, 2)", "(1, 3)"),
        ),
        lambda_in_a_table=("T = {'a': lambda x: x + 1}\ndef f(): return T['a'](1)", ("x + 1", "x + 2")),
        default_argument=("K = 1\ndef g(x=K): return x\ndef f(): return g()", KEY),
        default_by_a_call=("def make(): return [1]\ndef f(x=make()): return x", ("[1]", "[2]")),
        constant_of_constants=(
            {
                "m.py": "from totals import TOTAL\ndef f(): return TOTAL",
                "totals.py": "from parts import K, L\nTOTAL = K + L\n",
                "parts.py": "K = 1\nL = 5\n",
            },
            {"parts.py": KEY},
        ),
        singleton=(
            {
                "m.py": "from store import get\ndef f(): return get().n",
                "store.py": "_one = None\nclass Store:\n    n = 1\ndef get():\n    global _one\n    if _one is None: _one = Store()\n    return _one\n",
            },
            {"store.py": ("n = 1", "n = 2")},
        ),
        monkeypatch_of_a_class_elsewhere=(
            {
                "m.py": "import patches\nfrom model import Model\ndef f(): return Model().go()",
                "model.py": "class Model:\n    def go(self): return 0\n",
                "patches.py": "import model\ndef go(self): return 1\nmodel.Model.go = go\n",
            },
            {"patches.py": ONE_TO_TWO},
        ),
        monkeypatch_of_a_library=(
            {
                "m.py": "import patches\nimport statistics\ndef f(): return statistics.mean([1])",
                "patches.py": "import statistics\nstatistics.mean = lambda x: 1\n",
            },
            {"patches.py": ("x: 1", "x: 2")},
        ),
        attribute_added_to_a_class=(
            "class A: ...\nfor n in ('x', 'y'): setattr(A, n, 1)\ndef f(): return A.x",
            ("n, 1)", "n, 2)"),
        ),
        mutable_default_shared=(
            "def g(x, seen=[]):\n    seen.append(x)\n    return list(seen)\ng(1)\ndef f(): return g(5)",
            ("g(1)", "g(2)"),
        ),
        dictionary_default_shared=(
            "def g(x, *, seen={}):\n    seen[x] = 1\n    return dict(seen)\ndef start(): g(1)\nstart()\ndef f(): return g(5)",
            ("start(): g(1)", "start(): g(2)"),
        ),
        default_of_a_method_shared=(
            "class A:\n    def go(self, x, seen=list()):\n        seen.append(x)\n        return list(seen)\nA().go(1)\ndef f(): return A().go(5)",
            ("go(1)", "go(2)"),
        ),
        state_of_a_closure=(
            "def outer():\n    seen = []\n    def inner(x):\n        seen.append(x)\n        return list(seen)\n    return inner\nG = outer()\nG(1)\ndef f(): return G(5)",
            ("G(1)", "G(2)"),
        ),
        comprehension_over_a_module=(
            {
                "m.py": "import conf\nFOUND = {k: v for k, v in vars(conf).items() if k.isupper()}\ndef f(): return FOUND",
                "conf.py": "K = 1\n",
            },
            {"conf.py": KEY},
        ),
        walrus=("if (K := 1): pass\ndef f(): return K", ("K := 1", "K := 2")),
        unpacked=("A, *B = [1, 2, 3]\ndef f(): return B", ("2, 3", "2, 4")),
        augmented=("K = [1]\nK += [2]\ndef f(): return K", ("[2]", "[3]")),
        deleted=(
            "K = 1\ndef g(): return K\ntry:\n    del K\nexcept NameError: pass\ntry: g()\nexcept NameError: V = 1\ndef f(): return V",
            ("V = 1", "V = 2"),
        ),
        match_at_the_top=(
            "import sys\nmatch sys.byteorder:\n    case 'little': K = 1\n    case _: K = 3\ndef f(): return K",
            KEY,
        ),
        while_loop=("K = 0\nwhile K < 5: K += 1\ndef f(): return K", ("K < 5", "K < 6")),
        regular_expression=(
            "import re\nWORD = re.compile('a+')\ndef f(): return WORD.findall('aab')",
            ("'a+'", "'b+'"),
        ),
        flags_of_a_call=(
            "import re\nFLAGS = re.I\nWORD = re.compile('A', FLAGS)\ndef f(): return WORD.findall('a')",
            ("re.I", "re.M"),
        ),
        string_template=(
            "from string import Template\nT = Template('$x 1')\ndef f(): return T.substitute(x=3)",
            ("$x 1", "$x 2"),
        ),
        format_spec=("W = 5\ndef f(): return f'{3:>{W}}'", ("W = 5", "W = 6")),
        module_version=(
            {"m.py": "import pkg\ndef f(): return pkg.__version__", "pkg/__init__.py": "__version__ = '1'\n"},
            {"pkg/__init__.py": ("'1'", "'2'")},
        ),
        annotated_default=("from typing import Final\nK: Final = 1\ndef f(): return K", ("= 1", "= 2")),
    ),
    *edits(
        "names looked up",
        function_by_param=(
            {
                "m.py": "import models\ndef f(kind): return getattr(models, kind)()",
                "models.py": "def red(): return 1\n",
            },
            {"models.py": ONE_TO_TWO},
            {"params": {"kind": "red"}},
        ),
        name_by_f_string=(
            {
                "m.py": "import models\ndef f(kind): return getattr(models, f'make_{kind}')()",
                "models.py": "def make_red(): return 1\n",
            },
            {"models.py": ONE_TO_TWO},
            {"params": {"kind": "red"}},
        ),
        own_globals=(
            "def make_red(): return 1\ndef f(kind): return globals()[f'make_{kind}']()",
            ONE_TO_TWO,
            {"params": {"kind": "red"}},
        ),
        method_by_name=(
            "class A:\n    def red(self): return 1\ndef f(kind): return getattr(A(), kind)()",
            ONE_TO_TWO,
            {"params": {"kind": "red"}},
        ),
        method_caller=(
            "from operator import methodcaller\nclass A:\n    def red(self): return 1\ndef f(): return methodcaller('red')(A())",
            ONE_TO_TWO,
        ),
        match_on_a_class=(
            "class A:\n    __match_args__ = ('x',)\n    x, y = 1, 2\ndef f():\n    match A():\n        case A(n): return n",
            ("('x',)", "('y',)"),
        ),
        all_members=(
            "import inspect, sys\nclass A:\n    n = 1\ndef f(): return [c.n for _, c in inspect.getmembers(sys.modules[__name__], inspect.isclass)]",
            ("n = 1", "n = 2"),
        ),
        members_of_a_module=(
            {
                "m.py": "import inspect, models\ndef f(): return [g() for _, g in inspect.getmembers(models, inspect.isfunction)]",
                "models.py": "def red(): return 1\n",
            },
            {"models.py": "def red(): return 1\ndef rose(): return 3\n"},
        ),
        dir_of_a_module=(
            {
                "m.py": "import models\ndef f(): return [n for n in dir(models) if n[0] != '_']",
                "models.py": "def red(): return 1\n",
            },
            {"models.py": "def red(): return 1\ndef rose(): return 3\n"},
        ),
        hints_of_a_class=(
            "import typing\nclass Row:\n    a: int\ndef f(): return str(typing.get_type_hints(Row))",
            ("a: int", "a: str"),
        ),
        fields_of_a_class=(
            "import dataclasses\n@dataclasses.dataclass\nclass Row:\n    a: int\ndef f(): return str([x.type for x in dataclasses.fields(Row)])",
            ("a: int", "a: str"),
        ),
        injected_by_annotation=(
            "import inspect\nclass Red:\n    def go(self): return 1\nclass Blue:\n    def go(self): return 2\ndef inject(g): return g(*(p.annotation() for p in inspect.signature(g).parameters.values()))\ndef use(x: Red): return x.go()\ndef f(): return inject(use)",
            ("x: Red", "x: Blue"),
        ),
        source_of_a_class=(
            "import inspect\nclass A:\n    n = 1  # one\ndef f(): return inspect.getsource(A)",
            ("# one", "# two"),
        ),
        source_of_an_argument=(
            "import inspect\ndef src(g): return inspect.getsource(g)\ndef g(): return 1  # one\ndef f(): return src(g)",
            ("# one", "# two"),
        ),
        name_of_a_function=(
            "def red(): ...\nG = red\ndef f(): return G.__name__",
            {"m.py": "def rose(): ...\nG = rose\ndef f(): return G.__name__"},
        ),
        defaults_of_a_function=("def g(x=1): ...\ndef f(): return g.__defaults__", ("x=1", "x=2")),
        module_of_a_class=(
            {
                "m.py": "from a_lib import A\ndef f(): return A.__module__[-1]",
                "a_lib.py": "from b_libx import A\n",
                "b_libx.py": "class A: ...\n",
                "b_liby.py": "class A: ...\n",
            },
            {"a_lib.py": ("b_libx", "b_liby")},
        ),
    ),
]
