"""Edits of classes and their objects as libraries of models write them, and of order."""

from edits import edits

OBJECTS = [
    *edits(
        "objects",
        partialmethod=(
            {
                "m.py": "from model import A\ndef f(): return A().twice()",
                "model.py": "from functools import partialmethod\nclass A:\n    def times(self, n): return n * 3\n    twice = partialmethod(times, 1)\n",
            },
            {"model.py": ("times, 1", "times, 2")},
        ),
        class_getitem=(
            "class A:\n    def __class_getitem__(cls, k): return 1\ndef f(): return A['x']",
            ("return 1", "return 2"),
        ),
        prepare=(
            "class Meta(type):\n    @classmethod\n    def __prepare__(mcs, name, bases): return {'added': 1}\nclass A(metaclass=Meta): ...\ndef f(): return A.added",
            ("'added': 1", "'added': 2"),
        ),
        meta_method=(
            "class Meta(type):\n    def go(cls): return 1\nclass A(metaclass=Meta): ...\ndef f(): return A.go()",
            ("return 1", "return 2"),
        ),
        meta_elsewhere_registry=(
            {
                "m.py": "from meta import Meta\nimport kinds\ndef f(): return [c().go() for c in Meta.all]",
                "meta.py": "class Meta(type):\n    all = []\n    def __init__(cls, *a):\n        super().__init__(*a)\n        Meta.all.append(cls)\n",
                "base.py": "from meta import Meta\nclass Base(metaclass=Meta):\n    def go(self): return 0\n",
                "kinds.py": "from base import Base\nclass A(Base):\n    def go(self): return 1\n",
            },
            {"kinds.py": ("return 1", "return 2")},
        ),
        init_subclass_kw=(
            {
                "m.py": "from base import REG\nimport kinds\ndef f(): return {k: v().go() for k, v in REG.items()}",
                "base.py": "REG = {}\nclass Base:\n    def __init_subclass__(cls, /, name, **kw):\n        super().__init_subclass__(**kw)\n        REG[name] = cls\n",
                "kinds.py": "from base import Base\nclass A(Base, name='a'):\n    def go(self): return 1\n",
            },
            {"kinds.py": ("'a'", "'b'")},
        ),
        init_subclass_own_attr=(
            {
                "m.py": "from base import Base\nimport kinds\ndef f(): return [k().go() for k in Base.reg]",
                "base.py": "class Base:\n    reg = []\n    def __init_subclass__(cls, **kw): cls.reg.append(cls)\n",
                "kinds.py": "from base import Base\nclass A(Base):\n    def go(self): return 1\n",
            },
            {"kinds.py": ("return 1", "return 2")},
        ),
        init_subclass_mixin=(
            {
                "m.py": "from base import Mixin\nimport kinds\ndef f(): return [k.n for k in Mixin.reg]",
                "base.py": "class Mixin:\n    reg = []\n    def __init_subclass__(cls, **kw): Mixin.reg.append(cls)\n",
                "mid.py": "from base import Mixin\nclass Model(Mixin):\n    n = 0\n",
                "kinds.py": "from mid import Model\nclass A(Model):\n    n = 1\n",
            },
            {"kinds.py": ("n = 1", "n = 2")},
        ),
        subclass_by_type=(
            {
                "m.py": "from base import Base\nimport kinds\ndef f(): return [k.n for k in Base.reg]",
                "base.py": "class Base:\n    reg = []\n    def __init_subclass__(cls, **kw): Base.reg.append(cls)\n",
                "kinds.py": "from base import Base\nA = type('A', (Base,), {'n': 1})\n",
            },
            {"kinds.py": ("'n': 1", "'n': 2")},
        ),
        subclass_in_function=(
            {
                "m.py": "from base import Base\nimport kinds\ndef f(): return [k.n for k in Base.reg]",
                "base.py": "class Base:\n    reg = []\n    def __init_subclass__(cls, **kw): Base.reg.append(cls)\n",
                "kinds.py": "from base import Base\ndef make(v):\n    class A(Base):\n        n = v\n    return A\nX = make(1)\n",
            },
            {"kinds.py": ("make(1)", "make(2)")},
        ),
        subclass_in_if=(
            {
                "m.py": "from base import Base\nimport kinds\ndef f(): return [k.n for k in Base.reg]",
                "base.py": "class Base:\n    reg = []\n    def __init_subclass__(cls, **kw): Base.reg.append(cls)\n",
                "kinds.py": "from base import Base\nif True:\n    class A(Base):\n        n = 1\n",
            },
            {"kinds.py": ("n = 1", "n = 2")},
        ),
        nested_subclass=(
            {
                "m.py": "from base import Base\nimport kinds\ndef f(): return [k.n for k in Base.reg]",
                "base.py": "class Base:\n    reg = []\n    def __init_subclass__(cls, **kw): Base.reg.append(cls)\n",
                "kinds.py": "from base import Base\nclass Outer:\n    class A(Base):\n        n = 1\n",
            },
            {"kinds.py": ("n = 1", "n = 2")},
        ),
        dataclass_subclass_registry=(
            {
                "m.py": "from base import REG\nimport kinds\ndef f(): return [k().n for k in REG.values()]",
                "base.py": "REG = {}\ndef model(cls=None, *, name=None):\n    def wrap(c):\n        REG[name or c.__name__] = c\n        return c\n    return wrap if cls is None else wrap(cls)\n",
                "kinds.py": "from base import model\nfrom dataclasses import dataclass\n@model\n@dataclass\nclass A:\n    n: int = 1\n",
            },
            {"kinds.py": ("int = 1", "int = 2")},
        ),
        namedtuple_call=(
            {
                "m.py": "from rows import Row\ndef f(): return Row(1)",
                "rows.py": "from collections import namedtuple\nRow = namedtuple('Row', 'a b', defaults=[5])\n",
            },
            {"rows.py": ("[5]", "[6]")},
        ),
        enum_functional=(
            {
                "m.py": "from rows import Kind\ndef f(): return [k.value for k in Kind]",
                "rows.py": "from enum import Enum\nKind = Enum('Kind', 'A B')\n",
            },
            {"rows.py": ("'A B'", "'A B C'")},
        ),
        enum_missing=(
            "import enum\nclass K(enum.Enum):\n    A = 1\n    B = 2\n    @classmethod\n    def _missing_(cls, v): return cls.A\ndef f(): return K(9).name",
            ("cls.A", "cls.B"),
        ),
        enum_generate=(
            "import enum\nclass Base(str, enum.Enum):\n    def _generate_next_value_(name, *a): return name.lower()\nclass K(Base):\n    A = enum.auto()\ndef f(): return K.A.value",
            ("name.lower()", "name.upper() + '1'"),
        ),
        flag_order=(
            "import enum\nclass P(enum.Flag):\n    R = enum.auto()\n    W = enum.auto()\ndef f(): return P.W.value",
            ("    R = enum.auto()\n    W = enum.auto()", "    W = enum.auto()\n    R = enum.auto()"),
        ),
        abc_abstract=(
            "import abc\nclass B(abc.ABC):\n    @abc.abstractmethod\n    def go(self): return 1\nclass A(B):\n    def go(self): return super().go()\ndef f(): return A().go()",
            ("return 1", "return 2"),
        ),
        slots_default=(
            "class A:\n    __slots__ = ('a', 'b')\ndef f(): return A.__slots__",
            ("('a', 'b')", "('b', 'a')"),
        ),
        total_ordering=(
            "import functools\n@functools.total_ordering\nclass A:\n    def __init__(self, n): self.n = n\n    def __eq__(self, o): return self.n == o.n\n    def __lt__(self, o): return self.n < o.n\ndef f(): return A(1) >= A(2)",
            ("self.n < o.n", "self.n > o.n"),
        ),
        super_two_modules=(
            {
                "m.py": "from a import A\ndef f(): return A().go()",
                "a.py": "from b import B\nfrom c import C\nclass A(B, C): ...\n",
                "b.py": "class B:\n    def go(self): return super().go()\n",
                "c.py": "class C:\n    def go(self): return 1\n",
            },
            {"c.py": ("return 1", "return 2")},
        ),
        reduce_dunder=(
            "import copy\ndef make(): return 1\nclass A:\n    def __reduce__(self): return make, ()\ndef f(): return copy.copy(A())",
            ("return 1", "return 2"),
        ),
        getattr_static=(
            "class A:\n    n = 1\nclass P:\n    def __init__(self, o): self._o = o\n    def __getattr__(self, k): return getattr(self._o, k)\ndef f(): return P(A()).n",
            ("n = 1", "n = 2"),
        ),
        mixin_added_at_runtime=(
            {
                "m.py": "import model, patches\ndef f(): return model.A().go()",
                "model.py": "class A:\n    def go(self): return 0\n",
                "patches.py": "import model\nclass Mix:\n    def go(self): return 1\nmodel.A = type('A', (Mix, model.A), {})\n",
            },
            {"patches.py": ("return 1", "return 2")},
        ),
        bases_changed=(
            {
                "m.py": "import model, patches\ndef f(): return model.A().go()",
                "model.py": "class Base:\n    def go(self): return 0\nclass A(Base): ...\n",
                "patches.py": "import model\nclass Mix:\n    def go(self): return 1\nmodel.A.__bases__ = (Mix,)\n",
            },
            {"patches.py": ("return 1", "return 2")},
        ),
        class_swapped=(
            {
                "m.py": "import model, patches\ndef f(): return model.a.go()",
                "model.py": "class A:\n    def go(self): return 0\na = A()\n",
                "patches.py": "import model\nclass B(model.A):\n    def go(self): return 1\nmodel.a.__class__ = B\n",
            },
            {"patches.py": ("return 1", "return 2")},
        ),
        function_code_swapped=(
            {
                "m.py": "import deep, patches\ndef f(): return deep.g()",
                "deep.py": "def g(): return 0\n",
                "patches.py": "import deep\ndef h(): return 1\ndeep.g.__code__ = h.__code__\n",
            },
            {"patches.py": ("return 1", "return 2")},
        ),
        defaults_swapped=(
            {
                "m.py": "import deep, patches\ndef f(): return deep.g()",
                "deep.py": "def g(x=0): return x\n",
                "patches.py": "import deep\ndeep.g.__defaults__ = (1,)\n",
            },
            {"patches.py": ("(1,)", "(2,)")},
        ),
        kwdefaults=(
            {
                "m.py": "import deep, patches\ndef f(): return deep.g()",
                "deep.py": "def g(*, x=0): return x\n",
                "patches.py": "from deep import g\ng.__kwdefaults__['x'] = 1\n",
            },
            {"patches.py": ("= 1", "= 2")},
        ),
        wrapped_original=(
            "import functools\ndef deco(g):\n    @functools.wraps(g)\n    def inner(): return 0\n    return inner\n@deco\ndef g(): return 1\ndef f(): return g.__wrapped__()",
            ("return 1", "return 2"),
        ),
        closure_cell=(
            "def outer(k):\n    def inner(): return k\n    return inner\nG = outer(1)\ndef f(): return G.__closure__[0].cell_contents",
            ("outer(1)", "outer(2)"),
        ),
        code_constants=("def g(): return 17\ndef f(): return g.__code__.co_consts", ("17", "18")),
        generator_close=(
            "class A:\n    def gen(self):\n        try: yield 0\n        finally: self.n = 1\ndef f():\n    a = A()\n    g = a.gen()\n    next(g)\n    g.close()\n    return a.n",
            ("self.n = 1", "self.n = 2"),
        ),
        async_iter=(
            "import asyncio\nclass A:\n    def __aiter__(self): return self\n    async def __anext__(self): return 1\nasync def go():\n    async for x in A(): return x\ndef f(): return asyncio.run(go())",
            ("return 1", "return 2"),
        ),
        context_token=(
            "from contextvars import ContextVar\nV = ContextVar('v')\nV.set(1)\ndef f(): return V.get()",
            ("set(1)", "set(2)"),
        ),
        string_formatter=(
            "import string\nclass F(string.Formatter):\n    def get_value(self, k, a, kw): return 1\ndef f(): return F().format('{x}')",
            ("return 1", "return 2"),
        ),
        json_encoder=(
            {
                "m.py": "import json\nfrom enc import Enc\ndef f(): return json.dumps(object(), cls=Enc)",
                "enc.py": "import json\nclass Enc(json.JSONEncoder):\n    def default(self, o): return 1\n",
            },
            {"enc.py": ("return 1", "return 2")},
        ),
        ast_visitor=(
            {
                "m.py": "import ast\nfrom vis import V\ndef f():\n    v = V()\n    v.visit(ast.parse('x'))\n    return v.seen",
                "vis.py": "import ast\nclass V(ast.NodeVisitor):\n    seen = 0\n    def visit_Name(self, n): self.seen = 1\n",
            },
            {"vis.py": ("self.seen = 1", "self.seen = 2")},
        ),
        cmd_dispatch=(
            "class App:\n    def run(self, n): return getattr(self, 'do_' + n)()\n    def do_x(self): return 1\ndef f(): return App().run('x')",
            ("return 1", "return 2"),
        ),
        mixin_from_param_text=(
            {
                "m.py": "import models\ndef f(kind): return models.REG[kind].go()",
                "models.py": "REG = {}\nclass A:\n    def go(self): return 1\nREG.update({c.__name__.lower(): c() for c in (A,)})\n",
            },
            {"models.py": ("return 1", "return 2")},
            {"params": {"kind": "a"}},
        ),
        eval_table_text=(
            "OPS = {'inc': 'x + 1'}\ndef f(op, x): return eval(OPS[op], {'x': x})",
            ("x + 1", "x + 2"),
            {"params": {"op": "inc", "x": 1}},
        ),
        exec_generated_class=(
            "SRC = '''\nclass A:\n    n = 1\n'''\nns = {}\nexec(SRC, ns)\nA = ns['A']\ndef f(): return A.n",
            ("n = 1", "n = 2"),
        ),
        make_dataclass=(
            "from dataclasses import make_dataclass, field\nRow = make_dataclass('Row', [('a', int, field(default=1))])\ndef f(): return Row().a",
            ("default=1", "default=2"),
        ),
        string_annotations_eval=(
            "import typing\nclass Row:\n    n = 1\ndef g(x: 'Row'): ...\ndef f(): return eval(g.__annotations__['x'], globals()).n",
            ("n = 1", "n = 2"),
        ),
    ),
    *edits(
        "order of definitions",
        order_in_a_late_import=(
            {
                "m.py": "def f():\n    import z_late\n    import c\n    return c.K",
                "c.py": "K = []\n",
                "z_late.py": "import pa\nimport pb\n",
                "pa.py": "import c\nc.K.append(1)\n",
                "pb.py": "import c\nc.K.append(2)\n",
            },
            {"z_late.py": ("import pa\nimport pb", "import pb\nimport pa")},
        ),
        order_of_late_imports=(
            {
                "m.py": "def f():\n    import pa, pb\n    import c\n    return c.K",
                "c.py": "K = []\n",
                "pa.py": "import c\nc.K.append(1)\n",
                "pb.py": "import c\nc.K.append(2)\n",
            },
            ("pa, pb", "pb, pa"),
        ),
        order_of_plugins_listed=(
            {
                "m.py": "import importlib\nfor n in ['pa', 'pb']:\n    importlib.import_module(n)\nfrom c import K\ndef f(): return K",
                "c.py": "K = []\n",
                "pa.py": "import c\nc.K.append(1)\n",
                "pb.py": "import c\nc.K.append(2)\n",
            },
            ("['pa', 'pb']", "['pb', 'pa']"),
        ),
        enum_members_in_helper_order=(
            {
                "m.py": "from kinds import Kind\nORDER = [k.name for k in Kind]\ndef f(): return ORDER",
                "kinds.py": "import enum\nclass Kind(enum.Enum):\n    A = 1\n    B = 2\n",
            },
            {"kinds.py": ("    A = 1\n    B = 2", "    B = 2\n    A = 1")},
        ),
        class_attr_order=(
            "class A:\n    a = 1\n    b = 2\ndef f(): return [k for k in vars(A) if len(k) == 1]",
            ("    a = 1\n    b = 2", "    b = 2\n    a = 1"),
        ),
        method_order=(
            "class A:\n    def a(self): ...\n    def b(self): ...\ndef f(): return [k for k in vars(A) if len(k) == 1]",
            ("    def a(self): ...\n    def b(self): ...", "    def b(self): ...\n    def a(self): ..."),
        ),
        module_names_order=(
            {
                "m.py": "import models\ndef f(): return [k for k in vars(models) if len(k) == 1]",
                "models.py": "def a(): ...\ndef b(): ...\n",
            },
            {"models.py": "def b(): ...\ndef a(): ...\n"},
        ),
        members_in_source_order=(
            {
                "m.py": "import models, inspect\ndef f(): return [n for n, g in vars(models).items() if inspect.isfunction(g)]",
                "models.py": "def b(): ...\ndef a(): ...\n",
            },
            {"models.py": "def a(): ...\ndef b(): ...\n"},
        ),
        own_globals_order=(
            "def step_b(): ...\ndef step_a(): ...\ndef f(): return [k for k in globals() if k.startswith('step')]",
            ("def step_b(): ...\ndef step_a(): ...", "def step_a(): ...\ndef step_b(): ..."),
        ),
        subclasses_order=(
            "class Base: ...\nclass A(Base): ...\nclass B(Base): ...\ndef f(): return [c.__name__ for c in Base.__subclasses__()]",
            ("class A(Base): ...\nclass B(Base): ...", "class B(Base): ...\nclass A(Base): ..."),
        ),
        dispatch_last_wins=(
            "from functools import singledispatch\n@singledispatch\ndef show(x): return 0\n@show.register\ndef _(x: int): return 1\n@show.register\ndef _(x: int): return 2\ndef f(): return show(1)",
            (
                "def _(x: int): return 1\n@show.register\ndef _(x: int): return 2",
                "def _(x: int): return 2\n@show.register\ndef _(x: int): return 1",
            ),
        ),
        same_function_twice=(
            "def g(): return 1\ndef g(): return 2\ndef f(): return g()",
            ("def g(): return 1\ndef g(): return 2", "def g(): return 2\ndef g(): return 1"),
        ),
        conditional_twice=(
            "K = 1\nif K: K = 2\nif K == 2: L = 3\nelse: L = 4\ndef f(): return L",
            ("K = 1", "K = 0"),
        ),
    ),
]
