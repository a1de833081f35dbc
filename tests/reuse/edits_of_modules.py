"""Edits behind imports as projects write them, and in helpers of many kinds."""

from edits import edits

G = "def g(): return 1\n"
GG = "def g(): return 2\n"
ONE_TO_TWO = ("return 1", "return 2")
KEY = ("K = 1", "K = 2")

MODULES = [
    *edits(
        "imports",
        optional=(
            {
                "m.py": "try:\n    import ujson_fast as js\nexcept ImportError:\n    import slow_js as js\ndef f(): return js.g()",
                "slow_js.py": G,
            },
            {"slow_js.py": ("1", "2")},
        ),
        by_environment=(
            {
                "m.py": "import os\nif os.environ.get('REUSE_TEST'):\n    from fast import g\nelse:\n    from slow import g\ndef f(): return g()",
                "slow.py": G,
                "fast.py": GG,
            },
            {"slow.py": ("1", "3")},
        ),
        by_platform=(
            {
                "m.py": "import sys\nif sys.platform == 'win32':\n    import fast as lib\nelse:\n    import slow as lib\ndef f(): return lib.g()",
                "slow.py": G,
                "fast.py": GG,
            },
            {"slow.py": ("1", "3")},
        ),
        type_checking=(
            {
                "m.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from rows import Row\nimport rows\ndef f() -> 'Row': return rows.K",
                "rows.py": "K = 1\nclass Row: ...\n",
            },
            {"rows.py": KEY},
        ),
        nested_relative=(
            {
                "top/__init__.py": "",
                "top/a/__init__.py": "",
                "top/a/m.py": "from ..b.c import g\ndef f(): return g()",
                "top/b/__init__.py": "",
                "top/b/c.py": "from . import d\ndef g(): return d.K\n",
                "top/b/d.py": "K = 1\n",
            },
            {"top/b/d.py": KEY},
            {"call": "top.a.m:f"},
        ),
        namespace_packages=(
            {
                "m.py": "import space.inner.deep\ndef f(): return space.inner.deep.g()",
                "space/inner/deep.py": G,
            },
            {"space/inner/deep.py": ("1", "2")},
        ),
        chain_of_stars=(
            {
                "m.py": "from one import *\ndef f(): return g()",
                "one.py": "from two import *\n",
                "two.py": "from three import *\n__all__ = ['g']\n",
                "three.py": G,
            },
            {"three.py": ("1", "2")},
        ),
        computed_all=(
            {
                "m.py": "K = 5\nfrom one import *\ndef f(): return K",
                "one.py": "K = 1\nL = 2\n__all__ = [n for n in ('K', 'L') if n != 'K']\n",
            },
            {"one.py": ("!= 'K'", "!= 'L'")},
        ),
        all_extended=(
            {
                "m.py": "from pkg import *\ndef f(): return g()",
                "pkg/__init__.py": "from .a import *\nfrom . import a\n__all__ = []\n__all__ += a.__all__\n",
                "pkg/a.py": "__all__ = ['g']\n" + G,
            },
            {"pkg/a.py": ("return 1", "return 2")},
        ),
        submodule_by_attribute=(
            {
                "m.py": "import pkg.a\nimport pkg.b\ndef f(): return pkg.b.g()",
                "pkg/__init__.py": "",
                "pkg/a.py": "",
                "pkg/b.py": G,
            },
            {"pkg/b.py": ("1", "2")},
        ),
        submodule_imported_elsewhere=(
            {
                "m.py": "import pkg, other\ndef f(): return pkg.b.g()",
                "other.py": "import pkg.b\n",
                "pkg/__init__.py": "",
                "pkg/b.py": G,
            },
            {"pkg/b.py": ("1", "2")},
        ),
        name_that_shadows_a_submodule=(
            {
                "m.py": "from pkg import run\ndef f(): return run()",
                "pkg/__init__.py": "from .run import run\n",
                "pkg/run.py": "def run(): return 1\n",
            },
            {"pkg/run.py": ("1", "2")},
        ),
        in_a_method=(
            {
                "m.py": "class A:\n    def go(self):\n        from deep import g\n        return g()\ndef f(): return A().go()",
                "deep.py": G,
            },
            {"deep.py": ("1", "2")},
        ),
        circular=(
            {
                "m.py": "import one\ndef f(): return one.g()",
                "one.py": "import two\ndef g(): return two.h()\nK = 1\n",
                "two.py": "import one\ndef h(): return one.K\n",
            },
            {"one.py": KEY},
        ),
        attribute_of_an_alias=(
            {"m.py": "import deep\nlib = deep\ndef f(): return lib.g()", "deep.py": G},
            {"deep.py": ("1", "2")},
        ),
        module_in_a_table=(
            {
                "m.py": "import red, blue\nT = {'red': red, 'blue': blue}\ndef f(kind): return T[kind].g()",
                "red.py": G,
                "blue.py": GG,
            },
            {"red.py": ("1", "3")},
            {"params": {"kind": "red"}},
        ),
        module_handed=(
            {"m.py": "import deep\ndef use(lib): return lib.g()\ndef f(): return use(deep)", "deep.py": G},
            {"deep.py": ("1", "2")},
        ),
        lazy_loader=(
            {
                "m.py": "import importlib.util, sys\ndef lazy(name):\n    spec = importlib.util.find_spec(name)\n    spec.loader = importlib.util.LazyLoader(spec.loader)\n    made = importlib.util.module_from_spec(spec)\n    sys.modules[name] = made\n    spec.loader.exec_module(made)\n    return made\nlib = lazy('deep')\ndef f(): return lib.g()",
                "deep.py": G,
            },
            {"deep.py": ("1", "2")},
        ),
        module_class_changed=(
            {
                "m.py": "import deep\ndef f(): return deep.K",
                "deep.py": "import sys, types\nclass Mine(types.ModuleType):\n    @property\n    def K(self): return 1\nsys.modules[__name__].__class__ = Mine\n",
            },
            {"deep.py": ONE_TO_TWO},
        ),
        module_replaced=(
            {
                "m.py": "import deep\ndef f(): return deep.K",
                "deep.py": "import sys\nclass Mine:\n    K = 1\nsys.modules[__name__] = Mine()\n",
            },
            {"deep.py": KEY},
        ),
        main_of_a_package=(
            {
                "m.py": "from pkg.__main__ import main\ndef f(): return main()",
                "pkg/__init__.py": "",
                "pkg/__main__.py": "def main(): return 1\n",
            },
            {"pkg/__main__.py": ("1", "2")},
        ),
        init_of_a_parent=(
            {
                "m.py": "from pkg.sub.leaf import get\ndef f(): return get()",
                "pkg/__init__.py": "import os\nos.environ['REUSE_TEST'] = '1'\n",
                "pkg/sub/__init__.py": "",
                "pkg/sub/leaf.py": "import os\ndef get(): return os.environ['REUSE_TEST']\n",
            },
            {"pkg/__init__.py": ("'1'", "'2'")},
        ),
    ),
    *edits(
        "helpers of many kinds",
        generator=("def rows():\n    yield 1\ndef f(): return list(rows())", ("yield 1", "yield 2")),
        asynchronous=(
            {
                "m.py": "import asyncio\nfrom deep import get\ndef f(): return asyncio.run(get())",
                "deep.py": "async def get(): return 1\n",
            },
            {"deep.py": ("1", "2")},
        ),
        pool_worker=(
            {
                "m.py": "from multiprocessing import get_context\nimport work\ndef f():\n    with get_context('fork').Pool(1) as pool: return pool.map(work.go, [1])",
                "work.py": "def go(n): return n * 1\n",
            },
            {"work.py": ("* 1", "* 2")},
        ),
        sent_to_apply=(
            "import pandas as pd\ndef g(x): return x * 1\ndef f(): return pd.Series([1]).apply(g).tolist()",
            ("* 1", "* 2"),
        ),
        piped=(
            "import pandas as pd\ndef g(d): return d * 1\ndef f(): return pd.Series([1]).pipe(g).tolist()",
            ("* 1", "* 2"),
        ),
        partial_of_a_helper=(
            "from functools import partial\ndef g(x, y): return x + y\nH = partial(g, y=1)\ndef f(): return H(1)",
            ("y=1", "y=2"),
        ),
        reduced=(
            "from functools import reduce\ndef g(a, b): return a + b + 1\ndef f(): return reduce(g, [1, 2])",
            ("+ 1", "+ 2"),
        ),
        exception_text=(
            "class Bad(Exception):\n    def __str__(self): return '1'\ndef f():\n    try: raise Bad\n    except Exception as error: return str(error)",
            ("'1'", "'2'"),
        ),
        nested_function=(
            "def outer():\n    k = 1\n    def inner(): return k\n    return inner\nG = outer()\ndef f(): return G()",
            ("k = 1", "k = 2"),
        ),
        recursion=("def g(n): return 1 if n < 1 else g(n - 1) + 1\ndef f(): return g(3)", ("n < 1", "n < 2")),
        static_method=(
            "class A:\n    @staticmethod\n    def go(): return 1\n    @staticmethod\n    def f(): return A.go()",
            ONE_TO_TWO,
            {"call": "m:A.f"},
        ),
        class_method_of_a_base=(
            "class Base:\n    @classmethod\n    def f(cls): return cls.n\nclass A(Base):\n    n = 1",
            ("n = 1", "n = 2"),
            {"call": "m:A.f"},
        ),
        hook_at_exit_of_a_block=(
            "from contextlib import ExitStack\nD = []\ndef done(): D.append(1)\ndef f():\n    with ExitStack() as stack: stack.callback(done)\n    return D",
            ("(1)", "(2)"),
        ),
        context_variable=(
            "from contextvars import ContextVar\nV = ContextVar('v', default=1)\ndef f(): return V.get()",
            ("default=1", "default=2"),
        ),
        weak_callback=(
            "import weakref\nR = weakref.WeakValueDictionary()\nclass A:\n    n = 1\na = A()\nR['a'] = a\ndef f(): return R['a'].n",
            ("n = 1", "n = 2"),
        ),
        protocol_methods=(
            "class A:\n    def __len__(self): return 1\n    def __bool__(self): return False\ndef f(): return 1 if A() else 2",
            ("False", "True"),
        ),
        iteration=(
            "class A:\n    def __iter__(self): return iter([1])\ndef f(): return [*A()]",
            ("[1]", "[2]"),
        ),
        hashing=(
            "class A:\n    def __hash__(self): return 1\n    def __eq__(self, o): return True\ndef f(): return len({A(), A()})",
            ("True", "False"),
        ),
        format_method=(
            "class A:\n    def __format__(self, s): return '1'\ndef f(): return f'{A()}'",
            ("'1'", "'2'"),
        ),
        copy_method=(
            "import copy\nclass A:\n    n = 0\n    def __deepcopy__(self, m): return 1\ndef f(): return copy.deepcopy([A()])",
            ONE_TO_TWO,
        ),
        frozen_set_order=("K = ('a', 'b')\ndef f(): return list(K)", ("('a', 'b')", "('b', 'a')")),
        mapping_order=(
            "K = {'a': 1, 'b': 2}\ndef f(): return list(K)",
            ("{'a': 1, 'b': 2}", "{'b': 2, 'a': 1}"),
        ),
        keyword_order=("def g(**k): return list(k)\ndef f(): return g(a=1, b=2)", ("a=1, b=2", "b=2, a=1")),
        number_type=(
            "K = 1\ndef f(): return K / 2 if isinstance(K, float) else K // 2",
            ("K = 1", "K = 1.0"),
        ),
        true_and_one=("K = 1\ndef f(): return K", ("K = 1", "K = True")),
        negative_zero=("K = 0.0\ndef f(): return str(K)", ("0.0", "-0.0")),
        bytes_and_text=("K = 'a'\ndef f(): return K", ("'a'", "b'a'")),
        assertion=(
            "def g(x):\n    assert x > 1, 'small'\ndef f():\n    try: g(1)\n    except AssertionError as e: return str(e)\n    return 'fine'",
            ("x > 1", "x > 0"),
        ),
    ),
]
