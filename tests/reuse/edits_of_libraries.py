"""Edits of imports that are tried, annotations that run, line numbers, and functions that libraries call."""

from edits import edits

LIBRARIES = [
    *edits(
        "imports and libraries",
        try_fast_impl=(
            {
                "m.py": "try:\n    from fast import go\nexcept ImportError:\n    from slow import go\ndef f(): return go()",
                "slow.py": "def go(): return 1\n",
            },
            {"fast.py": "def go(): return 2\n"},
        ),
        try_attr_impl=(
            {
                "m.py": "import impl\ntry:\n    go = impl.fast\nexcept AttributeError:\n    go = impl.slow\ndef f(): return go()",
                "impl.py": "def slow(): return 1\n",
            },
            {"impl.py": "def slow(): return 1\ndef fast(): return 2\n"},
        ),
        hasattr_impl=(
            {
                "m.py": "import impl\ndef f():\n    return impl.fast() if hasattr(impl, 'fast') else impl.slow()",
                "impl.py": "def slow(): return 1\n",
            },
            {"impl.py": "def slow(): return 1\ndef fast(): return 2\n"},
        ),
        getattr_default=(
            {
                "m.py": "import impl\ndef f(): return getattr(impl, 'K', 5)",
                "impl.py": "def slow(): return 1\n",
            },
            {"impl.py": "def slow(): return 1\nK = 6\n"},
        ),
        find_spec=(
            {
                "m.py": "import importlib.util\ndef f(): return importlib.util.find_spec('plug') is not None",
                "impl.py": "",
            },
            {"plug.py": ""},
        ),
        find_spec_gone=(
            {
                "m.py": "import importlib.util\ndef f(): return importlib.util.find_spec('plug') is not None",
                "plug.py": "",
            },
            {"plug.py": None},
        ),
        find_spec_const=(
            {
                "m.py": "import importlib.util\nHAS = importlib.util.find_spec('plug') is not None\ndef f(): return HAS",
                "impl.py": "",
            },
            {"plug.py": ""},
        ),
        own_type_checking=(
            {
                "m.py": "from conf import K\ndef f(): return K",
                "conf.py": "TYPE_CHECKING = True\nK = 1\nif TYPE_CHECKING:\n    K = 10\n",
            },
            {"conf.py": ("10", "20")},
        ),
        annotation_effect=(
            {
                "m.py": "import conf\nfrom ctx import L\ndef f(): return L",
                "ctx.py": "L = []\ndef reg(x):\n    L.append(x)\n    return int\n",
                "conf.py": "from ctx import reg\nx: reg(10) = 3\n",
            },
            {"conf.py": ("10", "20")},
        ),
        annotation_effect_bare=(
            {
                "m.py": "import conf\nfrom ctx import L\ndef f(): return L",
                "ctx.py": "L = []\ndef reg(x):\n    L.append(x)\n    return int\n",
                "conf.py": "from ctx import reg\nx: reg(10)\n",
            },
            {"conf.py": ("10", "20")},
        ),
        annotation_effect_def=(
            {
                "m.py": "import conf\nfrom ctx import L\ndef f(): return L",
                "ctx.py": "L = []\ndef reg(x):\n    L.append(x)\n    return int\n",
                "conf.py": "from ctx import reg\ndef h(a: reg(10)): pass\n",
            },
            {"conf.py": ("10", "20")},
        ),
        annotation_effect_return=(
            {
                "m.py": "import conf\nfrom ctx import L\ndef f(): return L",
                "ctx.py": "L = []\ndef reg(x):\n    L.append(x)\n    return int\n",
                "conf.py": "from ctx import reg\nclass T:\n    def h(self) -> reg(10): pass\n",
            },
            {"conf.py": ("10", "20")},
        ),
        lineno_frame=(
            "import sys\ndef f(): return sys._getframe().f_lineno",
            ("import sys\n", "import sys\n\n"),
        ),
        firstlineno=("def g(): pass\ndef f(): return g.__code__.co_firstlineno", ("def g", "\ndef g")),
        currentframe=(
            "import inspect\ndef f(): return inspect.currentframe().f_lineno",
            ("import inspect\n", "import inspect\n\n"),
        ),
        sourcelines=(
            "import inspect\ndef g(): pass\ndef f(): return inspect.getsourcelines(g)",
            ("def g", "\ndef g"),
        ),
        order_by_line=(
            "import inspect\nclass C:\n    def a(self): pass\n    def b(self): pass\ndef f(): return sorted((v.__code__.co_firstlineno, n) for n, v in vars(C).items() if callable(v))",
            ("import inspect\n", "import inspect\n# c\n"),
        ),
        generator_pipeline=(
            {
                "m.py": "import impl\ndef f(): return list(impl.run(range(3)))",
                "impl.py": "from steps_ import STAGES\ndef run(x):\n    for s in STAGES: x = s(x)\n    yield from x\n",
                "steps_.py": "def a(x): yield from (i*10 for i in x)\ndef b(x): yield from x\nSTAGES = [a, b]\n",
            },
            {"steps_.py": ("*10", "*20")},
        ),
        contextmanager_cfg=(
            {
                "m.py": "from impl import using\ndef f():\n    with using(a=1) as c: return c",
                "impl.py": "import contextlib\nfrom conf import BASE\n@contextlib.contextmanager\ndef using(**k): yield {**BASE, **k}\n",
                "conf.py": "BASE = {'z': 10}\n",
            },
            {"conf.py": ("10", "20")},
        ),
        chainmap=(
            {
                "m.py": "from impl import C\ndef f(): return C['z']",
                "impl.py": "import collections\nfrom conf import BASE, OVER\nC = collections.ChainMap(OVER, BASE)\n",
                "conf.py": "BASE = {'z': 10}\nOVER = {}\nOVER.setdefault('y', 1)\n",
            },
            {"conf.py": ("'y'", "'z'")},
        ),
        mappingproxy=(
            {
                "m.py": "from impl import C\ndef f(): return dict(C)",
                "impl.py": "import types\n_C = {'a': 1}\nC = types.MappingProxyType(_C)\n",
                "conf.py": "import impl\nimpl._C['b'] = 1\n",
                "m2.py": "",
            },
            {"impl.py": "import types\n_C = {'a': 1}\nC = types.MappingProxyType(_C)\n_C['b'] = 1\n"},
        ),
        proxy_elsewhere=(
            {
                "m.py": "import conf\nfrom impl import C\ndef f(): return dict(C)",
                "impl.py": "import types\n_C = {'a': 1}\nC = types.MappingProxyType(_C)\n",
                "conf.py": "import impl\nimpl._C['b'] = 10\n",
            },
            {"conf.py": ("10", "20")},
        ),
        string_template_sub=(
            {
                "m.py": "from impl import T\ndef f(): return T('%a').substitute(a=1)",
                "impl.py": "import string\nclass T(string.Template):\n    delimiter = '%'\n    idpattern = '[a-z]'\n",
            },
            {
                "impl.py": "import string\nclass T(string.Template):\n    delimiter = '%'\n    idpattern = '[a-z]'\n    def substitute(self, **k): return 'x'\n"
            },
        ),
        textwrap_sql=(
            {
                "m.py": "from sqls import Q\ndef f(): return Q.format(**{'t': 'x'})",
                "sqls.py": "import textwrap\nQ = textwrap.dedent('''\n    select 1\n    from {t}''')\n",
            },
            {"sqls.py": ("    select 1", "    select  1")},
        ),
        sklearn_function_transformer=(
            {
                "m.py": "from pipe import make\nimport numpy as np\ndef f(): return make().fit_transform(np.ones((2, 1)))",
                "pipe.py": "from sklearn.pipeline import make_pipeline\nfrom sklearn.preprocessing import FunctionTransformer\nimport feats\ndef make(): return make_pipeline(FunctionTransformer(feats.go, kw_args={'k': feats.K}))\n",
                "feats.py": "K = 2\ndef go(x, k): return x*10*k\n",
            },
            {"feats.py": ("*10", "*20")},
        ),
        sklearn_scorer=(
            {
                "m.py": "from pipe import S\nfrom sklearn.dummy import DummyClassifier\ndef f(): return S(DummyClassifier().fit([[1],[2]],[0,1]), [[1],[2]], [0,1])",
                "pipe.py": "from sklearn.metrics import make_scorer\nimport feats\nS = make_scorer(feats.go, greater_is_better=False)\n",
                "feats.py": "def go(y, p): return 10\n",
            },
            {"feats.py": ("10", "20")},
        ),
        sklearn_estimator_tags=(
            {
                "m.py": "from pipe import T\ndef f(): return T().get_params()",
                "pipe.py": "from sklearn.base import BaseEstimator\nfrom feats import K\nclass T(BaseEstimator):\n    def __init__(self, a=K): self.a = a\n",
                "feats.py": "K = 10\n",
            },
            {"feats.py": ("10", "20")},
        ),
        pandas_pipe_str_agg=(
            {
                "m.py": "import pandas as pd, feats\ndef f(): return pd.DataFrame({'a': [1, 2]}).agg({'a': [feats.go, 'sum']}).to_dict()",
                "feats.py": "def go(s): return 10\n",
            },
            {"feats.py": ("10", "20")},
        ),
        polars_expr_const=(
            {
                "m.py": "import polars as pl\nfrom feats import E\ndef f(): return pl.DataFrame({'a': [1]}).select(E).rows()",
                "feats.py": "import polars as pl\nE = (pl.col('a') * 10).alias('b')\n",
            },
            {"feats.py": ("10", "20")},
        ),
        pandera_schema=(
            {
                "m.py": "import pandas as pd\nfrom feats import S\ndef f():\n    try: S.validate(pd.DataFrame({'a': [15]})); return 1\n    except Exception: return 2",
                "feats.py": "import pandera.pandas as pa\nS = pa.DataFrameSchema({'a': pa.Column(int, pa.Check(lambda s: s > 10))})\n",
            },
            {"feats.py": ("> 10", "> 20")},
        ),
        toolz_curry=(
            {
                "m.py": "from feats import go\ndef f(): return go(1)(2)",
                "feats.py": "import toolz\n@toolz.curry\ndef go(a, b): return a*10+b\n",
            },
            {"feats.py": ("*10", "*20")},
        ),
        tenacity_retry=(
            {
                "m.py": "from feats import go\ndef f(): return go(), go.retry.stop.max_attempt_number",
                "feats.py": "import tenacity\n@tenacity.retry(stop=tenacity.stop_after_attempt(3))\ndef go(): return 1\n",
            },
            {"feats.py": ("attempt(3)", "attempt(4)")},
        ),
    ),
    *edits(
        "what libraries are given",
        click_default=(
            {
                "m.py": "import click\nfrom cli import main\ndef f(): return main.main(['x'], standalone_mode=False)",
                "cli.py": "import click\nfrom defaults import DEPTH\n@click.command()\n@click.argument('name')\n@click.option('--depth', default=DEPTH)\ndef main(name, depth): return depth\n",
                "defaults.py": "DEPTH = 10\n",
            },
            {"defaults.py": ("10", "20")},
        ),
        click_group_elsewhere=(
            {
                "m.py": "from cli import main\nimport extra\ndef f(): return main.main(['go'], standalone_mode=False)",
                "cli.py": "import click\n@click.group()\ndef main(): ...\n",
                "extra.py": "from cli import main\n@main.command()\ndef go(): return 10\n",
            },
            {"extra.py": ("10", "20")},
        ),
        argparse_parents=(
            {
                "m.py": "import argparse, common\nP = argparse.ArgumentParser(parents=[common.P])\ndef f(): return vars(P.parse_args([]))",
                "common.py": "import argparse\nP = argparse.ArgumentParser(add_help=False)\nP.add_argument('--depth', type=int, default=10)\n",
            },
            {"common.py": ("10", "20")},
        ),
        argparse_set_defaults=(
            {
                "m.py": "import argparse, common\ndef f():\n    a = common.make().parse_args(['fit'])\n    return a.run(a)",
                "common.py": "import argparse\nfrom jobs import fit\ndef make():\n    p = argparse.ArgumentParser()\n    s = p.add_subparsers()\n    s.add_parser('fit').set_defaults(run=fit)\n    return p\n",
                "jobs.py": "def fit(a): return 10\n",
            },
            {"jobs.py": ("10", "20")},
        ),
        pydantic_before_validator=(
            {
                "m.py": "from conf import C\ndef f(): return C(a='3').a",
                "conf.py": "from pydantic import BaseModel, field_validator\nfrom norm import norm\nclass C(BaseModel):\n    a: int\n    _n = field_validator('a', mode='before')(norm)\n",
                "norm.py": "def norm(v): return int(v) * 10\n",
            },
            {"norm.py": ("10", "20")},
        ),
        attrs_field_transformer=(
            {
                "m.py": "from conf import C\ndef f(): return C('3').n",
                "conf.py": "import attrs\nfrom hooks import auto\n@attrs.define(field_transformer=auto)\nclass C:\n    n: int\n",
                "hooks.py": "def auto(cls, fields):\n    return [x.evolve(converter=lambda v: int(v) * 10) for x in fields]\n",
            },
            {"hooks.py": ("10", "20")},
        ),
        msgspec_hook=(
            {
                "m.py": 'import msgspec\nfrom conf import C, hook\ndef f(): return msgspec.json.decode(b\'{"n": "3"}\', type=C, dec_hook=hook).n.v',
                "conf.py": "import msgspec\nclass N:\n    def __init__(self, v): self.v = v\nclass C(msgspec.Struct):\n    n: N\ndef hook(t, o): return t(int(o) * 10)\n",
            },
            {"conf.py": ("10", "20")},
        ),
        sk_factory=(
            {
                "m.py": "from factory import make\ndef f(): return make('lin').fit([[1], [2]], [1, 3]).predict([[3]]).round(6).tolist()",
                "factory.py": "from sklearn.pipeline import make_pipeline\nfrom sklearn.preprocessing import StandardScaler, FunctionTransformer\nfrom sklearn.linear_model import Ridge\nimport funcs\nMODELS = {'lin': lambda: Ridge(alpha=funcs.ALPHA)}\ndef make(kind): return make_pipeline(FunctionTransformer(funcs.log), MODELS[kind]())\n",
                "funcs.py": "import numpy as np\nALPHA = 1.0\ndef log(x): return np.log1p(x)\n",
            },
            {"funcs.py": ("ALPHA = 1.0", "ALPHA = 2.0")},
        ),
        sk_column_selector=(
            {
                "m.py": "import pandas as pd\nfrom cols import ct\ndef f(): return ct().fit_transform(pd.DataFrame({'n_a': [1.], 'm_b': [2.]})).tolist()",
                "cols.py": "from sklearn.compose import ColumnTransformer, make_column_selector as sel\nPREFIX = 'n_'\ndef ct(): return ColumnTransformer([('n', 'passthrough', sel(pattern='^' + PREFIX))])\n",
            },
            {"cols.py": ("'n_'", "'m_'")},
        ),
        np_array_function=(
            {
                "m.py": "from arr import A\nimport numpy as np\ndef f(): return np.mean(A())",
                "arr.py": "import numpy as np\nH = {}\ndef implements(fn):\n    def d(g): H[fn] = g; return g\n    return d\nclass A:\n    def __array_function__(self, func, types, args, kw): return H[func](*args, **kw)\n@implements(np.mean)\ndef mean(a): return 10\n",
            },
            {"arr.py": ("10", "20")},
        ),
        plugin_pluggy=(
            {
                "m.py": "import host\ndef f(): return host.PM.hook.score(x=1)",
                "host.py": "import pluggy, specs, impl\nPM = pluggy.PluginManager('p')\nPM.add_hookspecs(specs)\nPM.register(impl)\n",
                "specs.py": "import pluggy\nspec = pluggy.HookspecMarker('p')\n@spec\ndef score(x): ...\n",
                "impl.py": "import pluggy\nhookimpl = pluggy.HookimplMarker('p')\n@hookimpl\ndef score(x): return x * 10\n",
            },
            {"impl.py": ("10", "20")},
        ),
        wrapt_dec=(
            {
                "m.py": "from deco import scaled\n@scaled\ndef g(): return 1\ndef f(): return g()",
                "deco.py": "import wrapt\nFACTOR = 10\n@wrapt.decorator\ndef scaled(wrapped, instance, args, kwargs): return wrapped(*args, **kwargs) * FACTOR\n",
            },
            {"deco.py": ("10", "20")},
        ),
    ),
]
