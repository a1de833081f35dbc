"""Edits of what changes state at import: order, registries, settings of libraries, functions that rebind."""

from edits import edits

REGISTRY = "REGISTRY = []\ndef register(g):\n    REGISTRY.append(g.__name__)\n    return g\n"
TWO = "@register\ndef a(): ...\n", "@register\ndef b(): ...\n"

STATE = [
    *edits(
        "order",
        registered_functions=(
            REGISTRY + TWO[0] + TWO[1] + "def f(): return REGISTRY",
            (TWO[0] + TWO[1], TWO[1] + TWO[0]),
        ),
        registered_classes=(
            "KINDS = []\nclass Base:\n    def __init_subclass__(cls): KINDS.append(cls.__name__)\nclass A(Base): ...\nclass B(Base): ...\ndef f(): return KINDS",
            ("class A(Base): ...\nclass B(Base): ...", "class B(Base): ...\nclass A(Base): ..."),
        ),
        imports_that_set=(
            {
                "m.py": "import pa\nimport pb\nimport c\ndef f(): return c.K",
                "c.py": "K = 0\n",
                "pa.py": "import c\nc.K = 1\n",
                "pb.py": "import c\nc.K = 2\n",
            },
            ("import pa\nimport pb", "import pb\nimport pa"),
        ),
        imports_on_one_line=(
            {
                "m.py": "import pa, pb\nfrom c import K\ndef f(): return K",
                "c.py": "K = []\n",
                "pa.py": "import c\nc.K.append(1)\n",
                "pb.py": "import c\nc.K.append(2)\n",
            },
            ("pa, pb", "pb, pa"),
        ),
        imports_of_names=(
            {
                "m.py": "from p import a\nfrom p import b\nfrom p.c import K\ndef f(): return K",
                "p/__init__.py": "",
                "p/c.py": "K = []\n",
                "p/a.py": "from .c import K\nK.append(1)\n",
                "p/b.py": "from .c import K\nK.append(2)\n",
            },
            ("from p import a\nfrom p import b", "from p import b\nfrom p import a"),
        ),
        imports_in_a_package=(
            {
                "m.py": "from p.c import K\ndef f(): return K",
                "p/__init__.py": "from . import a\nfrom . import b\n",
                "p/c.py": "K = []\n",
                "p/a.py": "from .c import K\nK.append(1)\n",
                "p/b.py": "from .c import K\nK.append(2)\n",
            },
            {"p/__init__.py": ("from . import a\nfrom . import b", "from . import b\nfrom . import a")},
        ),
        environment_below_its_reader=(
            "import os\nos.environ['REUSE_TEST'] = '1'\nX = os.environ.get('REUSE_TEST', '')\ndef f(): return X",
            (
                "os.environ['REUSE_TEST'] = '1'\nX = os.environ.get('REUSE_TEST', '')",
                "X = os.environ.get('REUSE_TEST', '')\nos.environ['REUSE_TEST'] = '1'",
            ),
        ),
        environment_below_an_import=(
            {
                "m.py": "import os\nos.environ['REUSE_TEST'] = '1'\nimport conf\ndef f(): return conf.X",
                "conf.py": "import os\nX = os.getenv('REUSE_TEST', '')\n",
            },
            ("os.environ['REUSE_TEST'] = '1'\nimport conf", "import conf\nos.environ['REUSE_TEST'] = '1'"),
        ),
        reader_is_a_function=(
            "import os\ndef read(): return os.environ.get('REUSE_TEST', '')\nos.environ['REUSE_TEST'] = '1'\nX = read()\ndef f(): return X",
            ("os.environ['REUSE_TEST'] = '1'\nX = read()", "X = read()\nos.environ['REUSE_TEST'] = '1'"),
        ),
        list_changed_after_it_was_copied=(
            "A = [1]\nB = list(A)\nA.append(2)\ndef f(): return A, B",
            ("B = list(A)\nA.append(2)", "A.append(2)\nB = list(A)"),
        ),
        length_before_append=(
            "A = [1]\nN = len(A)\nA.append(2)\ndef f(): return A, N",
            ("N = len(A)\nA.append(2)", "A.append(2)\nN = len(A)"),
        ),
        seed_and_draw=(
            "import random\nrandom.seed(1)\nX = random.random()\nY = random.random()\ndef f(): return X, Y",
            ("X = random.random()\nY = random.random()", "Y = random.random()\nX = random.random()"),
        ),
        counter=(
            "from itertools import count\nC = count()\nA = next(C)\nB = next(C)\ndef f(): return A, B",
            ("A = next(C)\nB = next(C)", "B = next(C)\nA = next(C)"),
        ),
        global_set_twice=(
            "K = 0\ndef init(x):\n    global K\n    K = x\ninit(1)\ninit(2)\ndef f(): return K",
            ("init(1)\ninit(2)", "init(2)\ninit(1)"),
        ),
        patched_before_use=(
            "class C:\n    n = 1\nX = C().n\nC.n = 2\ndef f(): return X, C.n",
            ("X = C().n\nC.n = 2", "C.n = 2\nX = C().n"),
        ),
        precision_and_quotient=(
            "import decimal\ndecimal.getcontext().prec = 6\nX = decimal.Decimal(1) / 3\ndef f(): return X",
            (
                "decimal.getcontext().prec = 6\nX = decimal.Decimal(1) / 3",
                "X = decimal.Decimal(1) / 3\ndecimal.getcontext().prec = 6",
            ),
        ),
    ),
    *edits(
        "registration with libraries",
        accessor=(
            "import pandas as pd\n@pd.api.extensions.register_dataframe_accessor('mine')\nclass Mine:\n    def __init__(self, df): self.df = df\n    def x(self): return 1\ndef f(): return pd.DataFrame({'a': [1]}).mine.x()",
            ("return 1", "return 2"),
        ),
        accessor_in_another_module=(
            {
                "m.py": "import pandas as pd\nimport acc\ndef f(): return pd.Series([1]).mine.x()",
                "acc.py": "from pandas.api.extensions import register_series_accessor\n@register_series_accessor('mine')\nclass Mine:\n    def __init__(self, s): ...\n    def x(self): return helper()\ndef helper(): return 1\n",
            },
            {"acc.py": ("return 1", "return 2")},
        ),
        accessor_by_own_decorator=(
            "import pandas as pd\ndef accessor(name):\n    def wrap(cls):\n        pd.api.extensions.register_dataframe_accessor(name)(cls)\n        return cls\n    return wrap\n@accessor('mine')\nclass Mine:\n    def __init__(self, df): ...\n    def x(self): return 1\ndef f(): return pd.DataFrame().mine.x()",
            ("return 1", "return 2"),
        ),
        yaml_object=(
            "import yaml\nclass Row(yaml.YAMLObject):\n    yaml_tag = '!row'\n    yaml_loader = yaml.SafeLoader\n    def __setstate__(self, s): self.n = 1\n    def __repr__(self): return str(self.n)\ndef f(): return yaml.safe_load('!row {n: 3}')",
            ("self.n = 1", "self.n = 2"),
        ),
        yaml_object_below_an_own_base=(
            "import yaml\nclass Base(yaml.YAMLObject):\n    yaml_loader = yaml.SafeLoader\nclass Row(Base):\n    yaml_tag = '!row'\n    def __setstate__(self, s): self.n = 1\n    def __repr__(self): return str(self.n)\ndef f(): return yaml.safe_load('!row {n: 3}')",
            ("self.n = 1", "self.n = 2"),
        ),
        yaml_constructor=(
            "import yaml\ndef make(loader, node): return 1\nyaml.SafeLoader.add_constructor('!x', make)\ndef f(): return yaml.safe_load('!x a')",
            ("return 1", "return 2"),
        ),
        yaml_constructor_by_lambda=(
            "import yaml\nyaml.add_constructor('!x', lambda loader, node: 1, yaml.SafeLoader)\ndef f(): return yaml.safe_load('!x a')",
            ("node: 1", "node: 2"),
        ),
        sqlalchemy_event=(
            "import sqlalchemy as sa\nfrom sqlalchemy import event\nfrom sqlalchemy.engine import Engine\n@event.listens_for(Engine, 'before_cursor_execute', retval=True)\ndef rewrite(conn, cur, statement, params, context, many): return statement.replace('7', '8'), params\ndef f():\n    with sa.create_engine('sqlite://').connect() as c: return c.execute(sa.text('select 7')).scalar()",
            ("'8'", "'9'"),
        ),
        sqlalchemy_listen=(
            "import sqlalchemy as sa\nfrom sqlalchemy import event\ndef rewrite(conn, cur, statement, params, context, many): return statement.replace('7', '8'), params\nevent.listen(sa.engine.Engine, 'before_cursor_execute', rewrite, retval=True)\ndef f():\n    with sa.create_engine('sqlite://').connect() as c: return c.execute(sa.text('select 7')).scalar()",
            ("'8'", "'9'"),
        ),
        codec=(
            "import codecs\ndef search(name): return codecs.CodecInfo(lambda t, e='': (t.encode(), len(t)), lambda b, e='': ('one', len(b)), name='mine') if name == 'mine' else None\ncodecs.register(search)\ndef f(): return b'x'.decode('mine')",
            ("'one'", "'two'"),
        ),
        codec_taken=(
            "import codecs\ndef handle(e): return ('1', e.end)\nDONE = codecs.register_error('mine', handle)\ndef f(): return 'é'.encode('ascii', 'mine')",
            ("'1'", "'2'"),
        ),
        copyreg=(
            "import copy, copyreg\nclass C: ...\ndef reduce(c): return str, ('1',)\ncopyreg.pickle(C, reduce)\ndef f(): return copy.copy(C())",
            ("'1'", "'2'"),
        ),
        single_dispatch=(
            {
                "m.py": "from base import show\nimport more\ndef f(): return show(1)",
                "base.py": "from functools import singledispatch\n@singledispatch\ndef show(x): return 0\n",
                "more.py": "from base import show\n@show.register(int)\ndef _(x): return 1\n",
            },
            {"more.py": ("return 1", "return 2")},
        ),
        abc_registry=(
            {
                "m.py": "from base import Base\nimport more\ndef f(): return isinstance(3, Base)",
                "base.py": "import abc\nclass Base(abc.ABC): ...\n",
                "more.py": "from base import Base\nBase.register(str)\n",
            },
            {"more.py": ("str", "int")},
        ),
        sqlite_adapter=(
            "import sqlite3\nclass P: ...\nsqlite3.register_adapter(P, lambda p: 1)\ndef f(): return sqlite3.connect(':memory:').execute('select ?', (P(),)).fetchone()",
            ("p: 1", "p: 2"),
        ),
        json_default_patched=(
            "import json\ndef encode(self, o): return 1\njson.JSONEncoder.default = encode\ndef f(): return json.dumps({'a': object()})",
            ("return 1", "return 2"),
        ),
        setattr_on_a_library=(
            "import json\nsetattr(json, 'answer', lambda: 1)\ndef f(): return json.answer()",
            ("lambda: 1", "lambda: 2"),
        ),
        path_hook=(
            "import sys\nclass Finder:\n    @staticmethod\n    def find_spec(name, path=None, target=None):\n        if name == 'ghost': raise ImportError('one')\nsys.meta_path.insert(0, Finder)\ndef f():\n    try:\n        import ghost\n    except ImportError as error:\n        return str(error)",
            ("'one'", "'two'"),
        ),
    ),
    *edits(
        "effects outside",
        decimal_precision=(
            "import decimal\ndecimal.getcontext().prec = 6\ndef f(): return decimal.Decimal(1) / 3",
            ("6", "7"),
        ),
        decimal_context_by_name=(
            "import decimal\nctx = decimal.getcontext()\nctx.prec = 6\ndef f(): return decimal.Decimal(1) / 3",
            ("6", "7"),
        ),
        decimal_in_a_function=(
            "import decimal\ndef setup():\n    ctx = decimal.getcontext()\n    ctx.prec = 6\nsetup()\ndef f(): return decimal.Decimal(1) / 3",
            ("6", "7"),
        ),
        decimal_setcontext=(
            "from decimal import Context, Decimal, setcontext\nsetcontext(Context(prec=6))\ndef f(): return Decimal(1) / 3",
            ("6", "7"),
        ),
        numpy_errors=(
            "import numpy as np\nold = np.seterr(divide='raise')\ndef f():\n    try:\n        return np.array([1.0]) / 0\n    except FloatingPointError as error:\n        return str(error)",
            ("'raise'", "'ignore'"),
        ),
        environment_default=(
            "import os\nX = os.environ.setdefault('REUSE_TEST', '1')\ndef f(): return os.environ['REUSE_TEST']",
            ("'1'", "'2'"),
        ),
        environment_update=(
            "import os\nos.environ.update(REUSE_TEST='1')\ndef f(): return os.environ['REUSE_TEST']",
            ("'1'", "'2'"),
        ),
        environment_in_a_comprehension=(
            "import os\n[os.environ.setdefault(k, v) for k, v in {'REUSE_TEST': '1'}.items()]\ndef f(): return os.environ['REUSE_TEST']",
            ("'1'", "'2'"),
        ),
        environment_in_a_kept_comprehension=(
            "import os\nDONE = [os.environ.setdefault(k, '1') for k in ('REUSE_TEST',)]\ndef f(): return os.environ['REUSE_TEST']",
            ("'1'", "'2'"),
        ),
        environment_alias=(
            "from os import environ as env\nenv['REUSE_TEST'] = '1'\ndef f():\n    import os\n    return os.environ['REUSE_TEST']",
            ("'1'", "'2'"),
        ),
        environment_variable=(
            "import os\nE = os.environ\nE['REUSE_TEST'] = '1'\ndef f(): return os.environ['REUSE_TEST']",
            ("'1'", "'2'"),
        ),
        environment_in_a_loop=(
            "import os\nfor k, v in [('REUSE_TEST', '1')]:\n    os.environ[k] = v\ndef f(): return os.environ['REUSE_TEST']",
            ("'1'", "'2'"),
        ),
        method_called=(
            "import os\nclass Setup:\n    def apply(self): os.environ['REUSE_TEST'] = '1'\nSetup().apply()\ndef f(): return os.environ['REUSE_TEST']",
            ("'1'", "'2'"),
        ),
        method_of_a_variable=(
            "import os\nclass Setup:\n    def apply(self): os.environ['REUSE_TEST'] = '1'\nS = Setup()\nS.apply()\ndef f(): return os.environ['REUSE_TEST']",
            ("'1'", "'2'"),
        ),
        initialiser_calls_a_method=(
            "import os\nclass Setup:\n    def __init__(self): self.apply()\n    def apply(self): os.environ['REUSE_TEST'] = '1'\nS = Setup()\ndef f(): return os.environ['REUSE_TEST']",
            ("'1'", "'2'"),
        ),
        initialiser_of_a_base=(
            "import os\nclass Base:\n    def __init__(self): os.environ['REUSE_TEST'] = '1'\nclass Setup(Base): ...\nS = Setup()\ndef f(): return os.environ['REUSE_TEST']",
            ("'1'", "'2'"),
        ),
        context_manager=(
            "import os\nclass Setup:\n    def __enter__(self): os.environ['REUSE_TEST'] = '1'\n    def __exit__(self, *a): ...\nwith Setup(): pass\ndef f(): return os.environ['REUSE_TEST']",
            ("'1'", "'2'"),
        ),
        callback=(
            "import os\ndef run(g): g()\ndef setup(): os.environ['REUSE_TEST'] = '1'\nrun(setup)\ndef f(): return os.environ['REUSE_TEST']",
            ("'1'", "'2'"),
        ),
        table_of_functions=(
            "import os\ndef setup(): os.environ['REUSE_TEST'] = '1'\nALL = {'s': setup}\nfor one in ALL.values(): one()\ndef f(): return os.environ['REUSE_TEST']",
            ("'1'", "'2'"),
        ),
        own_decorator=(
            "import os\ndef deco(g):\n    os.environ['REUSE_TEST'] = g()\n    return g\n@deco\ndef name(): return '1'\ndef f(): return os.environ['REUSE_TEST']",
            ("'1'", "'2'"),
        ),
        in_another_module=(
            {
                "m.py": "import setup\nimport os\ndef f(): return os.environ['REUSE_TEST']",
                "setup.py": "import os\nX = os.environ.setdefault('REUSE_TEST', '1')\n",
            },
            {"setup.py": ("'1'", "'2'")},
        ),
        pandas_option=(
            "import pandas as pd\npd.set_option('display.max_rows', 5)\ndef f(): return pd.get_option('display.max_rows')",
            ("5", "6"),
        ),
        pandas_options_attribute=(
            "import pandas as pd\npd.options.display.max_rows = 5\ndef f(): return pd.get_option('display.max_rows')",
            ("5", "6"),
        ),
        pandas_options_alias=(
            "import pandas as pd\nopts = pd.options\nopts.display.max_rows = 5\ndef f(): return pd.get_option('display.max_rows')",
            ("5", "6"),
        ),
        pandas_options_in_a_function=(
            "import pandas as pd\ndef setup():\n    o = pd.options\n    o.display.max_rows = 5\nsetup()\ndef f(): return pd.get_option('display.max_rows')",
            ("5", "6"),
        ),
        warnings_filter=(
            "import warnings\nwarnings.simplefilter('error')\ndef f():\n    try:\n        warnings.warn('x')\n    except UserWarning:\n        return 1\n    return 2",
            ("'error'", "'ignore'"),
        ),
        random_seed=("import random\nrandom.seed(1)\ndef f(): return random.random()", ("1", "2")),
        numpy_seed=("import numpy as np\nnp.random.seed(1)\ndef f(): return np.random.rand()", ("1", "2")),
        numpy_draw=(
            "import numpy as np\nnp.random.seed(1)\nNOISE = np.random.rand(3)\ndef f(): return np.random.rand()",
            ("3", "4"),
        ),
        recursion_limit=(
            "import sys\nsys.setrecursionlimit(5000)\ndef f(): return sys.getrecursionlimit()",
            ("5000", "5001"),
        ),
        module_path=("import sys\nsys.path.append('/nowhere/1')\ndef f(): return sys.path[-1]", ("/1", "/2")),
        time_zone=(
            "import os, time\nos.environ['TZ'] = 'UTC'\ntime.tzset()\ndef f(): return time.localtime(0).tm_hour",
            ("'UTC'", "'XXX-3'"),
        ),
        thread_start=(
            "import os, threading\ndef setup(): os.environ['REUSE_TEST'] = '1'\nT = threading.Thread(target=setup)\nT.start()\nT.join()\ndef f(): return os.environ['REUSE_TEST']",
            ("'1'", "'2'"),
        ),
    ),
    *edits(
        "functions that rebind at import",
        keywords=(
            "_cfg = None\ndef init(**kw):\n    global _cfg\n    _cfg = kw\ninit(a=1)\ndef f(): return _cfg",
            ("a=1", "a=2"),
        ),
        from_another_module=(
            {
                "m.py": "import conf\nimport boot\ndef f(): return conf.K",
                "conf.py": "K = 0\ndef init(x):\n    global K\n    K = x\n",
                "boot.py": "from conf import init\ninit(1)\n",
            },
            {"boot.py": ("1", "2")},
        ),
        through_a_function=(
            "K = 0\ndef init(x):\n    global K\n    K = x\ndef main(): init(1)\nmain()\ndef f(): return K",
            ("init(1)", "init(2)"),
        ),
        taken=(
            "K = 0\ndef init(x):\n    global K\n    K = x\n    return x\nDONE = init(1)\ndef f(): return K",
            ("init(1)", "init(2)"),
        ),
        class_attribute=(
            "class Model:\n    depth = 1\ndef setup(): Model.depth = 5\nsetup()\ndef f(): return Model.depth",
            ("5", "6"),
        ),
        class_attribute_elsewhere=(
            {
                "m.py": "import model, boot\ndef f(): return model.Model.depth",
                "model.py": "class Model:\n    depth = 1\n",
                "boot.py": "import model\ndef setup(): model.Model.depth = 5\nsetup()\n",
            },
            {"boot.py": ("5", "6")},
        ),
        class_handed=(
            "class Model:\n    depth = 1\ndef patch(cls, n): cls.depth = n\npatch(Model, 5)\ndef f(): return Model.depth",
            ("5", "6"),
        ),
        class_method=(
            "class Model:\n    depth = 1\n    @classmethod\n    def use(cls, n): cls.depth = n\nModel.use(5)\ndef f(): return Model.depth",
            ("5", "6"),
        ),
        class_method_in_a_function=(
            "class Model:\n    depth = 1\n    @classmethod\n    def use(cls, n): cls.depth = n\ndef setup(): Model.use(5)\nsetup()\ndef f(): return Model.depth",
            ("5", "6"),
        ),
        class_by_setattr=(
            "class Model: ...\ndef setup(): setattr(Model, 'depth', 5)\nsetup()\ndef f(): return Model.depth",
            ("5", "6"),
        ),
        class_by_a_library=(
            "from unittest import mock\nclass Model:\n    depth = 1\nP = mock.patch.object(Model, 'depth', 5)\nP.start()\ndef f(): return Model.depth",
            ("5", "6"),
        ),
        function_attribute=(
            "def g(): return g.rate\ndef setup(): g.rate = 5\nsetup()\ndef f(): return g()",
            ("5", "6"),
        ),
        module_attribute=(
            {
                "m.py": "import conf\ndef setup(): conf.K = 5\nsetup()\ndef f(): return conf.K",
                "conf.py": "K = 0\n",
            },
            ("5", "6"),
        ),
        module_by_setattr=(
            {
                "m.py": "import conf\nfor k, v in {'K': 5}.items(): setattr(conf, k, v)\ndef f(): return conf.K",
                "conf.py": "K = 0\n",
            },
            ("5", "6"),
        ),
        module_handed=(
            {
                "m.py": "import conf\ndef patch(mod): mod.K = 5\npatch(conf)\ndef f(): return conf.K",
                "conf.py": "K = 0\n",
            },
            ("5", "6"),
        ),
        globals_at_the_top=("K = 1\nglobals()['K'] = 5\ndef f(): return K", ("5", "6")),
        globals_in_a_function=(
            "K = 1\ndef setup(): globals().update(K=5)\nsetup()\ndef f(): return K",
            ("5", "6"),
        ),
        globals_elsewhere=(
            {
                "m.py": "from conf import g\ndef f(): return g()",
                "conf.py": "K = 1\nvars()['K'] = 5\ndef g(): return K\n",
            },
            {"conf.py": ("5", "6")},
        ),
        alias=("A = []\nB = A\nB.append(5)\ndef f(): return A", ("5", "6")),
        result_of_a_function=(
            "A = {}\ndef table(): return A\ntable()['k'] = 5\ndef f(): return A",
            ("5", "6"),
        ),
        singleton=(
            "class Conf:\n    def __init__(self): self.n = 0\n    def set(self, n): self.n = n\nCONF = Conf()\ndef setup(): CONF.set(5)\nsetup()\ndef f(): return CONF.n",
            ("5", "6"),
        ),
        comprehension=("A = []\n[A.append(n) for n in (5,)]\ndef f(): return A", ("5", "6")),
        exec_at_the_top=("K = 1\nexec('K = 5')\ndef f(): return K", ("5", "6")),
    ),
]
