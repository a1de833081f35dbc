"""Edits of what is reached by unusual ways: names in texts, what decides loading, subclasses, docstrings."""

from edits import edits

DF = "import pandas as pd\nD = pd.DataFrame({'a': [1, 2, 3]})\n"
ROW = "import dataclasses\n@dataclasses.dataclass\nclass Row:\n    n: list\n"
ROW_EDIT = ("n: list", "n: tuple")
ROWS = {"params": {"x": [{"n": "1"}]}}
FIELDS = "def show(g):\n    return g.__doc__\n"

DEFINITIONS = [
    *edits(
        "names in texts",
        query=(DF + "LIMIT = 1\ndef f(): return len(D.query('a > @LIMIT'))", ("LIMIT = 1", "LIMIT = 2")),
        query_by_constant=(
            DF + "LIMIT = 1\nQ = 'a > @LIMIT'\ndef f(): return len(D.query(Q))",
            ("LIMIT = 1", "LIMIT = 2"),
        ),
        query_by_f_string=(
            DF + "LIMIT = 1\ndef f(col): return len(D.query(f'{col} > @LIMIT'))",
            ("LIMIT = 1", "LIMIT = 2"),
            {"params": {"col": "a"}},
        ),
        query_with_a_function=(
            DF + "def double(x): return x * 2\ndef f(): return len(D.query('@double(a) > 3'))",
            ("x * 2", "x * 1"),
        ),
        query_with_an_attribute=(
            {
                "m.py": DF + "import conf\ndef f(): return len(D.query('a > @conf.LIMIT'))",
                "conf.py": "LIMIT = 1\n",
            },
            {"conf.py": ("1", "2")},
        ),
        query_of_an_argument=(
            DF + "LIMIT = 1\ndef f(q): return len(D.query(q))",
            ("LIMIT = 1", "LIMIT = 2"),
            {"params": {"q": "a > @LIMIT"}},
        ),
        query_of_a_star=(
            {
                "m.py": DF + "from conf import *\ndef f(): return len(D.query('a > @LIMIT'))",
                "conf.py": "LIMIT = 1\n",
            },
            {"conf.py": ("1", "2")},
        ),
        query_keyword=(
            DF + "LIMIT = 1\ndef f(): return len(D.query(expr='a > @LIMIT'))",
            ("LIMIT = 1", "LIMIT = 2"),
        ),
        frame_eval=(DF + "K = 1\ndef f(): return list(D.eval('a + @K'))", ("K = 1", "K = 2")),
        pandas_eval=(DF + "K = 1\ndef f(): return pd.eval('K + 1')", ("K = 1", "K = 2")),
        eval_builtin=("K = 1\ndef f(): return eval('K')", ("K = 1", "K = 2")),
        builtins_eval=("import builtins\nK = 1\ndef f(): return builtins.eval('K')", ("K = 1", "K = 2")),
        eval_by_another_name=(
            "from builtins import eval as e\nK = 1\ndef f(): return e('K')",
            ("K = 1", "K = 2"),
        ),
        eval_kept=("run = eval\nK = 1\ndef f(): return run('K')", ("K = 1", "K = 2")),
        function_globals=("def g(): ...\nK = 1\ndef f(): return g.__globals__['K']", ("K = 1", "K = 2")),
        globals_of_an_argument=(
            "def look(h): return h.__globals__['K']\nK = 1\ndef f(): return look(f)",
            ("K = 1", "K = 2"),
        ),
        globals_by_getattr=(
            "def g(): ...\nK = 1\ndef f(): return getattr(g, '__globals__')['K']",
            ("K = 1", "K = 2"),
        ),
        globals_call=("K = 1\ndef f(): return globals()['K']", ("K = 1", "K = 2")),
        frame=("import sys\nK = 1\ndef f(): return sys._getframe().f_globals['K']", ("K = 1", "K = 2")),
        current_frame=(
            "import inspect\nK = 1\ndef f(): return inspect.currentframe().f_globals['K']",
            ("K = 1", "K = 2"),
        ),
        own_module=("import sys\nK = 1\ndef f(): return sys.modules[__name__].K", ("K = 1", "K = 2")),
        own_module_getattr=(
            "import sys\nK = 1\ndef f(n): return getattr(sys.modules[__name__], n)",
            ("K = 1", "K = 2"),
            {"params": {"n": "K"}},
        ),
        module_dict=(
            {"m.py": "import conf\ndef f(): return conf.__dict__['K']", "conf.py": "K = 1\n"},
            {"conf.py": ("1", "2")},
        ),
        module_vars=(
            {"m.py": "import conf\ndef f(): return vars(conf)['K']", "conf.py": "K = 1\n"},
            {"conf.py": ("1", "2")},
        ),
        module_getattr=(
            {"m.py": "import conf\ndef f(n): return getattr(conf, n)", "conf.py": "K = 1\n"},
            {"conf.py": ("1", "2")},
            {"params": {"n": "K"}},
        ),
        attrgetter=(
            {
                "m.py": "import conf, operator\ndef f(): return operator.attrgetter('K')(conf)",
                "conf.py": "K = 1\n",
            },
            {"conf.py": ("1", "2")},
        ),
        exec_text=(
            "K = 1\ndef f():\n    found = {}\n    exec('x = K', globals(), found)\n    return found",
            ("K = 1", "K = 2"),
        ),
        main_of_sys=(
            "import sys as system\nK = 1\ndef f():\n    s = system\n    return s.modules[__name__].K",
            ("K = 1", "K = 2"),
        ),
    ),
    *edits(
        "what decides loading",
        partial=(
            "from functools import partial\ndef g(y, x: list): return x\nf = partial(g, 1)",
            ("x: list", "x: tuple"),
            {"params": {"x": [1]}},
        ),
        partial_class=(
            "from functools import partial\n"
            + ROW
            + "def g(y, x: list[Row]): return x[0].n\nf = partial(g, 1)",
            ROW_EDIT,
            {"params": {"x": [{"n": [1]}]}},
        ),
        decorated_by_call=(
            "import functools\ndef deco(g):\n    @functools.wraps(g)\n    def inner(*a, **k): return g(*a, **k)\n    return inner\ndef g(x: list): return x\nf = deco(g)",
            ("x: list", "x: tuple"),
            {"params": {"x": [1]}},
        ),
        decorator_with_annotations=(
            "def deco(g):\n    def inner(x: list): return g(x)\n    return inner\n@deco\ndef f(x): return x",
            ("x: list", "x: tuple"),
            {"params": {"x": [1]}},
        ),
        callable_instance=(
            "class Model:\n    def __call__(self, x: list): return x\nf = Model()",
            ("x: list", "x: tuple"),
            {"params": {"x": [1]}},
        ),
        callable_instance_of_a_base=(
            "class Base:\n    def __call__(self, x: list): return x\nclass Model(Base): ...\nf = Model()",
            ("x: list", "x: tuple"),
            {"params": {"x": [1]}},
        ),
        conditional=(
            "import sys\nif sys.version_info > (3, 0):\n    def f(x: list): return x\nelse:\n    def f(x): return x",
            ("x: list", "x: tuple"),
            {"params": {"x": [1]}},
        ),
        in_try=(
            "try:\n    import nowhere\nexcept ImportError:\n    def f(x: list): return x",
            ("x: list", "x: tuple"),
            {"params": {"x": [1]}},
        ),
        alias=("def g(x: list): return x\nf = g", ("x: list", "x: tuple"), {"params": {"x": [1]}}),
        made_by_a_function=(
            "def make():\n    def inner(x: list): return x\n    return inner\nf = make()",
            ("x: list", "x: tuple"),
            {"params": {"x": [1]}},
        ),
        nested_quotes=(
            ROW + "def f(x: list['Row']): return x[0].n",
            ROW_EDIT,
            {"params": {"x": [{"n": [1]}]}},
        ),
        quoted=(ROW + "def f(x: 'list[Row]'): return x[0].n", ROW_EDIT, {"params": {"x": [{"n": [1]}]}}),
        optional_quotes=(
            "from typing import Optional\n" + ROW + "def f(x: Optional['Row'] = None): return x.n",
            ROW_EDIT,
            {"params": {"x": {"n": [1]}}},
        ),
        quoted_field=(
            ROW
            + "@dataclasses.dataclass\nclass Table:\n    rows: 'list[Row]'\ndef f(x: Table): return x.rows[0].n",
            ROW_EDIT,
            {"params": {"x": {"rows": [{"n": [1]}]}}},
        ),
        quoted_in_brackets_of_a_field=(
            ROW
            + "@dataclasses.dataclass\nclass Table:\n    rows: list['Row']\ndef f(x: Table): return x.rows[0].n",
            ROW_EDIT,
            {"params": {"x": {"rows": [{"n": [1]}]}}},
        ),
        from_another_module=(
            {"m.py": "import rows\ndef f(x: 'rows.Row'): return x.n", "rows.py": ROW},
            {"rows.py": ROW_EDIT},
            {"params": {"x": {"n": [1]}}},
        ),
        alias_of_a_type=(
            "Kind = list\ndef f(x: Kind): return x",
            ("Kind = list", "Kind = tuple"),
            {"params": {"x": [1]}},
        ),
    ),
    *edits(
        "all subclasses",
        of_an_argument=(
            "def names(cls): return [c.n for c in cls.__subclasses__()]\nclass Base: ...\nclass A(Base):\n    n = 1\ndef f(): return names(Base)",
            ("n = 1", "n = 2"),
        ),
        a_new_one=(
            "def names(cls): return [c.__name__ for c in cls.__subclasses__()]\nclass Base: ...\nclass A(Base): ...\ndef f(): return names(Base)",
            ("class A(Base): ...", "class A(Base): ...\nclass B(Base): ..."),
        ),
        of_subclasses=(
            "def walk(cls): return [cls.__name__, *[x for c in cls.__subclasses__() for x in walk(c)]]\nclass Base: ...\nclass A(Base): ...\nclass B(A): ...\ndef f(): return walk(Base)",
            ("class B(A)", "class C(A)"),
        ),
        in_another_module=(
            {
                "m.py": "from base import Base\nimport more\nfrom helper import names\ndef f(): return names(Base)",
                "base.py": "class Base: ...\n",
                "more.py": "from base import Base\nclass A(Base):\n    n = 1\n",
                "helper.py": "def names(cls): return [c.n for c in cls.__subclasses__()]\n",
            },
            {"more.py": ("1", "2")},
        ),
        by_getattr=(
            "def names(cls): return [c.n for c in getattr(cls, '__subclasses__')()]\nclass Base: ...\nclass A(Base):\n    n = 1\ndef f(): return names(Base)",
            ("n = 1", "n = 2"),
        ),
        of_a_variable=(
            "class Base: ...\nclass A(Base):\n    n = 1\nB = Base\ndef f(): return [c.n for c in B.__subclasses__()]",
            ("n = 1", "n = 2"),
        ),
        by_type=(
            "class Base: ...\nclass A(Base):\n    n = 1\ndef f(): return [c.n for c in type.__subclasses__(Base)]",
            ("n = 1", "n = 2"),
        ),
        of_self=(
            "class Base:\n    def all(self): return [c.n for c in type(self).__subclasses__()]\nclass A(Base):\n    n = 1\ndef f(): return Base().all()",
            ("n = 1", "n = 2"),
        ),
        init_subclass=(
            {
                "m.py": "from base import KINDS\nimport more\ndef f(): return [k.n for k in KINDS]",
                "base.py": "KINDS = []\nclass Base:\n    def __init_subclass__(cls): KINDS.append(cls)\n",
                "more.py": "from base import Base\nclass A(Base):\n    n = 1\n",
            },
            {"more.py": ("1", "2")},
        ),
    ),
    *edits(
        "docstrings that code reads",
        of_a_function=("def g():\n    'one'\ndef f(): return g.__doc__", ("'one'", "'two'")),
        of_an_argument=(FIELDS + "def g():\n    'one'\ndef f(): return show(g)", ("'one'", "'two'")),
        getdoc=("import inspect\ndef g():\n    'one'\ndef f(): return inspect.getdoc(g)", ("'one'", "'two'")),
        getdoc_by_name=(
            "from inspect import getdoc as doc\ndef g():\n    'one'\ndef f(): return doc(g)",
            ("'one'", "'two'"),
        ),
        of_a_class=("class C:\n    'one'\ndef f(): return C.__doc__", ("'one'", "'two'")),
        of_a_method=(
            "class C:\n    def g(self):\n        'one'\ndef f(): return C.g.__doc__",
            ("'one'", "'two'"),
        ),
        of_the_module=("'one'\ndef f(): return __doc__", ("'one'", "'two'")),
        of_another_module=(
            {"m.py": "import conf\ndef f(): return conf.__doc__", "conf.py": "'one'\n"},
            {"conf.py": ("'one'", "'two'")},
        ),
        of_the_parser=(
            "'one'\nimport argparse\nP = argparse.ArgumentParser(description=__doc__)\ndef f(): return P.description",
            ("'one'", "'two'"),
        ),
        by_getattr=("def g():\n    'one'\ndef f(): return getattr(g, '__doc__')", ("'one'", "'two'")),
        registered=(
            "TOOLS = {}\ndef tool(g):\n    TOOLS[g.__name__] = g.__doc__\n    return g\n@tool\ndef a():\n    'one'\ndef f(): return TOOLS",
            ("'one'", "'two'"),
        ),
        of_a_model=(
            "import pydantic\nclass M(pydantic.BaseModel):\n    'one'\n    n: int = 1\ndef f(): return M.model_json_schema()",
            ("'one'", "'two'"),
        ),
        of_a_model_below_an_own_base=(
            "import pydantic\nclass Base(pydantic.BaseModel): ...\nclass M(Base):\n    'one'\n    n: int = 1\ndef f(): return M.model_json_schema()",
            ("'one'", "'two'"),
        ),
        of_a_command=(
            "import click\n@click.command()\ndef g():\n    'one'\ndef f(): return g.help",
            ("'one'", "'two'"),
        ),
        of_a_group=(
            "import click\n@click.group()\ndef app(): ...\n@app.command()\ndef g():\n    'one'\ndef f(): return g.help",
            ("'one'", "'two'"),
        ),
        handed_on=(
            "import click\ndef g():\n    'one'\nC = click.command(g)\ndef f(): return C.help",
            ("'one'", "'two'"),
        ),
        source=(
            "import inspect\ndef g():\n    return 1  # one\ndef f(): return inspect.getsource(g)",
            ("# one", "# two"),
        ),
        annotations=("def g(x: int): ...\ndef f(): return g.__annotations__", ("x: int", "x: str")),
        signature=(
            "import inspect\ndef g(x: int): ...\ndef f(): return str(inspect.signature(g))",
            ("x: int", "x: str"),
        ),
        type_hints=(
            "import typing\ndef show(h): return typing.get_type_hints(h)\ndef g(x: int): ...\ndef f(): return show(g)",
            ("x: int", "x: str"),
        ),
        hinted_class=(
            "import typing\nclass Row:\n    n = 1\ndef g(x: Row): ...\ndef f(): return [t.n for t in typing.get_type_hints(g).values()]",
            ("n = 1", "n = 2"),
        ),
    ),
]
