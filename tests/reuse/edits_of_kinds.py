"""Edits of dispatch, protocols, descriptors, models of data, packages that load their parts."""

from edits import edits

KINDS = [
    *edits(
        "kinds of code",
        sd_register_call=(
            {
                "m.py": "import conf, ctx\ndef f(): return ctx.g(1)",
                "ctx.py": "import functools\n@functools.singledispatch\ndef g(x): return 0\n",
                "conf.py": "import ctx\ndef h(x): return 10\nctx.g.register(int, h)\n",
            },
            {"conf.py": ("10", "20")},
        ),
        sd_register_deco_ann=(
            {
                "m.py": "import conf, ctx\ndef f(): return ctx.g(1)",
                "ctx.py": "import functools\n@functools.singledispatch\ndef g(x): return 0\n",
                "conf.py": "from ctx import g\n@g.register\ndef _(x: int): return 10\n@g.register\ndef _(x: str): return 3\n",
            },
            {"conf.py": ("x: int", "x: float")},
        ),
        sd_type_alias_of_registration=(
            {
                "m.py": "import conf, ctx\ndef f(): return ctx.g(1)",
                "ctx.py": "import functools\n@functools.singledispatch\ndef g(x): return 0\n",
                "conf.py": "from ctx import g\nfrom types_ import T\n@g.register(T)\ndef _(x): return 10\n",
                "types_.py": "T = int\n",
            },
            {"types_.py": ("int", "str")},
        ),
        sd_method=(
            {
                "m.py": "import ctx, conf\ndef f(): return ctx.C().g(1)",
                "ctx.py": "import functools\nclass C:\n    @functools.singledispatchmethod\n    def g(self, x): return 0\n",
                "conf.py": "import ctx\n@ctx.C.g.register\ndef _(self, x: int): return 10\n",
            },
            {"conf.py": ("10", "20")},
        ),
        visitor_names=(
            "class V:\n    def visit(self, n): return getattr(self, 'visit_' + type(n).__name__, self.other)(n)\n    def other(self, n): return 1\nclass W(V):\n    def visit_int(self, n): return 10\ndef f(): return W().visit(3)",
            ("10", "20"),
        ),
        match_class_args=(
            {
                "m.py": "from shapes import P\ndef f():\n    match P(1, 2):\n        case P(a): return a",
                "shapes.py": "class P:\n    __match_args__ = ('x', 'y')\n    def __init__(s, x, y): s.x, s.y = x, y\n",
            },
            {"shapes.py": ("('x', 'y')", "('y', 'x')")},
        ),
        match_value=(
            {
                "m.py": "import conf\ndef f(x: int = 1):\n    match x:\n        case conf.K.A: return 10\n        case _: return 20",
                "conf.py": "import enum\nclass K(enum.IntEnum):\n    A = 1\n",
            },
            {"conf.py": ("A = 1", "A = 2")},
        ),
        runtime_protocol=(
            {
                "m.py": "from protos import P\nclass A:\n    def go(self): pass\ndef f(): return isinstance(A(), P)",
                "protos.py": "from typing import Protocol, runtime_checkable\n@runtime_checkable\nclass P(Protocol):\n    def go(self): ...\n",
            },
            {"protos.py": ("go", "run")},
        ),
        subclasshook=(
            {
                "m.py": "from protos import P\ndef f(): return issubclass(int, P)",
                "protos.py": "import abc\nclass P(abc.ABC):\n    @classmethod\n    def __subclasshook__(cls, c): return True\n",
            },
            {"protos.py": ("True", "False")},
        ),
        instancecheck=(
            {
                "m.py": "from protos import P\ndef f(): return isinstance(1, P)",
                "protos.py": "class M(type):\n    def __instancecheck__(cls, x): return True\nclass P(metaclass=M): pass\n",
            },
            {"protos.py": ("True", "False")},
        ),
        conditional_expr_table=(
            {
                "m.py": "from conf import T\ndef f(k: str = 'a'): return T[k](2)",
                "conf.py": "T = {'a': lambda x: x*10, 'b': (lambda x: x)}\n",
            },
            {"conf.py": ("*10", "*20")},
        ),
        lambdas_in_loop=(
            {
                "m.py": "from conf import T\ndef f(): return [t() for t in T]",
                "conf.py": "T = [lambda i=i: i*10 for i in range(3)]\n",
            },
            {"conf.py": ("*10", "*20")},
        ),
        nested_partial=(
            {
                "m.py": "from conf import T\ndef f(): return T()",
                "conf.py": "from functools import partial\nfrom impl import go\nT = partial(partial(go, a=1), b=2)\n",
                "impl.py": "def go(a, b): return a+b*10\n",
            },
            {"impl.py": ("*10", "*20")},
        ),
        reduce_compose=(
            {
                "m.py": "from conf import T\ndef f(): return T(3)",
                "conf.py": "from functools import reduce\nfrom impl import a, b\ndef compose(*fs): return reduce(lambda g, h: lambda x: h(g(x)), fs)\nT = compose(a, b)\n",
                "impl.py": "def a(x): return x+1\ndef b(x): return x*10\n",
            },
            {"impl.py": ("*10", "*20")},
        ),
        cached_property_class=(
            {
                "m.py": "from conf import S\ndef f(): return S().v",
                "conf.py": "from functools import cached_property\nfrom impl import load\nclass S:\n    v = cached_property(load)\n    v.__set_name__(None, 'v')\n",
                "impl.py": "def load(self): return 10\n",
            },
            {"impl.py": ("10", "20")},
        ),
        lazy_descriptor=(
            {
                "m.py": "from conf import S\ndef f(): return S().v",
                "conf.py": "from impl import Lazy\nclass S:\n    v = Lazy('impl2:load')\n",
                "impl.py": "import importlib\nclass Lazy:\n    def __init__(self, t): self.t = t\n    def __get__(self, o, c):\n        m, n = self.t.split(':')\n        return getattr(importlib.import_module(m), n)()\n",
                "impl2.py": "def load(): return 10\n",
            },
            {"impl2.py": ("10", "20")},
        ),
        set_name_registry=(
            {
                "m.py": "from conf import REG, S\ndef f(): return sorted(REG)",
                "conf.py": "REG = {}\nclass F:\n    def __set_name__(self, o, n): REG[n] = self\nclass S:\n    aa = F()\n",
            },
            {"conf.py": ("aa", "bb")},
        ),
        set_name_registry_elsewhere=(
            {
                "m.py": "import models\nfrom conf import REG\ndef f(): return sorted(REG)",
                "conf.py": "REG = {}\nclass F:\n    def __set_name__(self, o, n): REG[n] = self\n",
                "models.py": "import conf\nclass S:\n    aa = conf.F()\n",
            },
            {"models.py": ("aa", "bb")},
        ),
        set_name_owner=(
            {
                "m.py": "import models, conf\ndef f(): return conf.seen",
                "conf.py": "seen = []\nclass F:\n    def __set_name__(self, o, n): seen.append((o.__name__, n))\n",
                "models.py": "from conf import F\ndef make():\n    class T:\n        x = F()\n    return T\nmake()\n",
            },
            {"models.py": ("x = F", "y = F")},
        ),
        attrs_default=(
            {
                "m.py": "from conf import C\ndef f(): return C()",
                "conf.py": "import attrs\nfrom impl import K, make\n@attrs.define\nclass C:\n    a: int = K\n    b: list = attrs.field(factory=make)\n",
                "impl.py": "K = 1\ndef make(): return [10]\n",
            },
            {"impl.py": ("10", "20")},
        ),
        attrs_converter=(
            {
                "m.py": "from conf import C\ndef f(): return C('3')",
                "conf.py": "import attrs, impl\n@attrs.frozen\nclass C:\n    a: int = attrs.field(converter=impl.conv)\n    @a.validator\n    def check(self, at, v): pass\n",
                "impl.py": "def conv(x): return int(x)*10\n",
            },
            {"impl.py": ("*10", "*20")},
        ),
        msgspec_struct=(
            {
                "m.py": "from conf import C\nimport msgspec\ndef f(): return msgspec.json.encode(C())",
                "conf.py": "import msgspec\nclass C(msgspec.Struct, rename='camel'):\n    a_b: int = 10\n",
            },
            {"conf.py": ("'camel'", "'pascal'")},
        ),
        pydantic_computed=(
            {
                "m.py": "from conf import C\ndef f(): return C(a=1).model_dump()",
                "conf.py": "from pydantic import BaseModel, computed_field\nfrom impl import K\nclass C(BaseModel):\n    a: int\n    @computed_field\n    @property\n    def b(self) -> int: return self.a * K\n",
                "impl.py": "K = 10\n",
            },
            {"impl.py": ("10", "20")},
        ),
        pydantic_annotated_validator=(
            {
                "m.py": "from conf import C\ndef f(): return C(a=1).a",
                "conf.py": "from typing import Annotated\nfrom pydantic import BaseModel, AfterValidator\nfrom impl import chk\nPos = Annotated[int, AfterValidator(chk)]\nclass C(BaseModel):\n    a: Pos\n",
                "impl.py": "def chk(x): return x*10\n",
            },
            {"impl.py": ("*10", "*20")},
        ),
        pydantic_discriminated=(
            {
                "m.py": "from conf import A\ndef f(k: str = 'x'): return A.validate_python({'k': k}).model_dump()",
                "conf.py": "from typing import Literal, Union, Annotated\nfrom pydantic import BaseModel, Field, TypeAdapter\nclass X(BaseModel):\n    k: Literal['x']\n    v: int = 10\nclass Y(BaseModel): k: Literal['y', 'z']\nA = TypeAdapter(Annotated[Union[X, Y], Field(discriminator='k')])\n",
            },
            {"conf.py": ("10", "20")},
        ),
        pydantic_forward=(
            {
                "m.py": "from conf import C\ndef f(): return C(a={}).model_dump()",
                "conf.py": "from __future__ import annotations\nfrom pydantic import BaseModel\nclass C(BaseModel):\n    a: D\nclass D(BaseModel):\n    b: int = 10\nC.model_rebuild()\n",
            },
            {"conf.py": ("10", "20")},
        ),
        pydantic_root_elsewhere_forward=(
            {
                "m.py": "from conf import C\nimport conf2\ndef f():\n    C.model_rebuild(_types_namespace={'D': conf2.D})\n    return C(a={}).model_dump()",
                "conf.py": "from __future__ import annotations\nimport typing as t\nfrom pydantic import BaseModel\nif t.TYPE_CHECKING:\n    from conf2 import D\nclass C(BaseModel):\n    a: D\n",
                "conf2.py": "from pydantic import BaseModel\nclass D(BaseModel):\n    b: int = 10\n",
            },
            {"conf2.py": ("10", "20")},
        ),
        generic_alias_dataclass=(
            {
                "m.py": "import dataclasses, conf\ndef f(): return [x.metadata['w'] for x in dataclasses.fields(conf.C)]",
                "conf.py": "import dataclasses as dc\nfrom impl import W\n@dc.dataclass\nclass C:\n    a: int = dc.field(default=1, metadata={'w': W})\n",
                "impl.py": "W = 10\n",
            },
            {"impl.py": ("10", "20")},
        ),
        enum_auto_order=(
            {
                "m.py": "from conf import E\ndef f(): return [e.value for e in E]",
                "conf.py": "import enum\nclass E(str, enum.Enum):\n    @staticmethod\n    def _generate_next_value_(name, start, count, last): return name.lower()\n    A = enum.auto()\n    B = enum.auto()\n",
            },
            {"conf.py": (".lower()", ".title()")},
        ),
        enum_extend_meta=(
            {
                "m.py": "from conf import E\ndef f(): return E.A.go(2)",
                "conf.py": "import enum, functools\nfrom impl import a\nclass E(enum.Enum):\n    A = functools.partial(a)\n    def go(self, x): return self.value(x) if callable(self.value) else a(x)\n",
                "impl.py": "def a(x): return x*10\n",
            },
            {"impl.py": ("*10", "*20")},
        ),
        abstract_factory=(
            {
                "m.py": "from base import Base\nimport impl\ndef f(): return Base.create('x').go()",
                "base.py": "class Base:\n    _r = {}\n    def __init_subclass__(cls, /, name=None, **k):\n        super().__init_subclass__(**k)\n        Base._r[name] = cls\n    @classmethod\n    def create(cls, n): return cls._r[n]()\n",
                "impl.py": "from base import Base\nclass X(Base, name='x'):\n    def go(self): return 10\n",
            },
            {"impl.py": ("10", "20")},
        ),
        abstract_factory_pkg=(
            {
                "m.py": "from pkg import create\ndef f(): return create('x').go()",
                "pkg/__init__.py": "from .base import create\nfrom . import impls\n",
                "pkg/base.py": "R = {}\nclass Meta(type):\n    def __new__(m, n, b, d):\n        c = super().__new__(m, n, b, d)\n        R[n.lower()] = c\n        return c\nclass Base(metaclass=Meta): pass\ndef create(n): return R[n]()\n",
                "pkg/impls/__init__.py": "import pkgutil, importlib\nfor _, n, _ in pkgutil.iter_modules(__path__): importlib.import_module(f'{__name__}.{n}')\n",
                "pkg/impls/x.py": "from ..base import Base\nclass X(Base):\n    def go(self): return 10\n",
            },
            {"pkg/impls/x.py": ("10", "20")},
        ),
        pkg_glob_imports=(
            {
                "m.py": "from pkg import create\ndef f(): return create('x')()",
                "pkg/__init__.py": "from pathlib import Path\nfrom importlib import import_module\nR = {}\nfor p in sorted(Path(__file__).parent.glob('impl_*.py')):\n    mod = import_module('.' + p.stem, __package__)\n    R[mod.NAME] = mod.go\ndef create(n): return R[n]\n",
                "pkg/impl_x.py": "NAME = 'x'\ndef go(): return 10\n",
            },
            {"pkg/impl_x.py": ("10", "20")},
        ),
        pkg_all_from_dict=(
            {
                "m.py": "import pkg\ndef f(): return pkg.X().go()",
                "pkg/__init__.py": "_L = {'X': 'impl_x'}\n__all__ = list(_L)\ndef __getattr__(n):\n    from importlib import import_module\n    return getattr(import_module(f'{__name__}.{_L[n]}'), n)\n",
                "pkg/impl_x.py": "class X:\n    def go(self): return 10\n",
            },
            {"pkg/impl_x.py": ("10", "20")},
        ),
    ),
]
