"""Edits of classes over several modules, of decorators and registries."""

from edits import edits

ONE_TO_TWO = ("return 1", "return 2")

CLASSES = [
    *edits(
        "classes",
        dataclass_default=(
            {
                "m.py": "from conf import Conf\ndef f(): return Conf().depth",
                "conf.py": "from dataclasses import dataclass\n@dataclass\nclass Conf:\n    depth: int = 1\n",
            },
            {"conf.py": ("= 1", "= 2")},
        ),
        default_factory=(
            {
                "m.py": "from conf import Conf\ndef f(): return Conf().names",
                "conf.py": "from dataclasses import dataclass, field\ndef names(): return [1]\n@dataclass\nclass Conf:\n    names: list = field(default_factory=names)\n",
            },
            {"conf.py": ("[1]", "[2]")},
        ),
        post_init=(
            "from dataclasses import dataclass\n@dataclass\nclass Conf:\n    n: int = 1\n    def __post_init__(self): self.n += 1\ndef f(): return Conf().n",
            ("+= 1", "+= 2"),
        ),
        param_of_a_class_with_a_default=(
            {
                "m.py": "from conf import Conf\ndef f(c: Conf): return c.width",
                "conf.py": "from dataclasses import dataclass\n@dataclass\nclass Conf:\n    depth: int\n    width: int = 1\n",
            },
            {"conf.py": ("= 1", "= 2")},
            {"params": {"c": {"depth": 1}}},
        ),
        base_in_a_third_module=(
            {
                "m.py": "from middle import Model\ndef f(): return Model().fit()",
                "middle.py": "import lower\nclass Model(lower.Base): ...\n",
                "lower.py": "class Base:\n    def fit(self): return self.score()\n    def score(self): return 1\n",
            },
            {"lower.py": ONE_TO_TWO},
        ),
        mixin=(
            "class A:\n    def go(self): return 1\nclass B:\n    def go(self): return 2\nclass C(A, B): ...\ndef f(): return C().go()",
            ("C(A, B)", "C(B, A)"),
        ),
        super_of_a_sibling=(
            "class Base:\n    def go(self): return 0\nclass A(Base):\n    def go(self): return super().go()\nclass B(Base):\n    def go(self): return 1\nclass C(A, B): ...\ndef f(): return C().go()",
            ONE_TO_TWO,
        ),
        enum_member=(
            {
                "m.py": "from kinds import Kind\ndef f(): return Kind.A.value",
                "kinds.py": "import enum\nclass Kind(enum.Enum):\n    A = 1\n",
            },
            {"kinds.py": ("A = 1", "A = 2")},
        ),
        enum_order=(
            "import enum\nclass Kind(enum.Enum):\n    A = enum.auto()\n    B = enum.auto()\ndef f(): return Kind.A.value",
            ("    A = enum.auto()\n    B = enum.auto()", "    B = enum.auto()\n    A = enum.auto()"),
        ),
        enum_param=(
            "import enum\nclass Kind(enum.Enum):\n    A = 'a'\n    def n(self): return 1\ndef f(kind: Kind): return kind.n()",
            ONE_TO_TWO,
            {"params": {"kind": "a"}},
        ),
        named_tuple_default=(
            "from typing import NamedTuple\nclass Row(NamedTuple):\n    n: int = 1\ndef f(): return Row().n",
            ("int = 1", "int = 2"),
        ),
        order_of_fields=(
            "from dataclasses import dataclass, fields\n@dataclass\nclass Row:\n    a: int\n    b: int\ndef f(): return [x.name for x in fields(Row)]",
            ("    a: int\n    b: int", "    b: int\n    a: int"),
        ),
        property=(
            "class A:\n    @property\n    def n(self): return 1\ndef f(): return A().n",
            ONE_TO_TWO,
        ),
        cached_property_in_a_base=(
            {
                "m.py": "from lower import Base\nclass A(Base): ...\ndef f(): return A().n",
                "lower.py": "from functools import cached_property\nclass Base:\n    @cached_property\n    def n(self): return 1\n",
            },
            {"lower.py": ONE_TO_TWO},
        ),
        attribute_fallback=(
            "class A:\n    def __getattr__(self, name): return 1\ndef f(): return A().anything",
            ONE_TO_TWO,
        ),
        descriptor=(
            {
                "m.py": "from fields import Field\nclass A:\n    n = Field()\ndef f(): return A().n",
                "fields.py": "class Field:\n    def __get__(self, obj, owner): return 1\n",
            },
            {"fields.py": ONE_TO_TWO},
        ),
        set_name=(
            "class Field:\n    def __set_name__(self, owner, name): owner.made = [name, 1]\nclass A:\n    n = Field()\ndef f(): return A.made",
            ("[name, 1]", "[name, 2]"),
        ),
        metaclass=(
            {
                "m.py": "from meta import Meta\nclass A(metaclass=Meta): ...\ndef f(): return A.added",
                "meta.py": "class Meta(type):\n    def __new__(mcs, name, bases, space): return super().__new__(mcs, name, bases, {**space, 'added': 1})\n",
            },
            {"meta.py": ("'added': 1", "'added': 2")},
        ),
        class_keyword=(
            "class Base:\n    def __init_subclass__(cls, n=0): cls.n = n\nclass A(Base, n=1): ...\ndef f(): return A.n",
            ("n=1)", "n=2)"),
        ),
        context_manager=(
            {
                "m.py": "from scale import scaled\ndef f():\n    with scaled() as n: return n",
                "scale.py": "from contextlib import contextmanager\n@contextmanager\ndef scaled(): yield 1\n",
            },
            {"scale.py": ("yield 1", "yield 2")},
        ),
        operator=(
            "class A:\n    def __add__(self, other): return 1\ndef f(): return A() + A()",
            ONE_TO_TWO,
        ),
        sort_key=(
            "class A:\n    def __init__(self, n): self.n = n\n    def __lt__(self, other): return self.n < other.n\ndef f(): return [a.n for a in sorted([A(1), A(2)])]",
            ("self.n < other.n", "self.n > other.n"),
        ),
        slots_and_class_attribute=(
            "class A:\n    rate = 1\n    def go(self): return self.rate\nclass B(A):\n    rate = A.rate * 1\ndef f(): return B().go()",
            ("rate * 1", "rate * 2"),
        ),
        generic_class=(
            "from typing import Generic, TypeVar\nT = TypeVar('T')\nclass Box(Generic[T]):\n    def get(self): return 1\ndef f(): return Box[int]().get()",
            ONE_TO_TWO,
        ),
        protocol_with_a_body=(
            "from typing import Protocol\nclass Scored(Protocol):\n    def score(self): return 1\nclass A(Scored): ...\ndef f(): return A().score()",
            ONE_TO_TWO,
        ),
        made_by_type=(
            "def go(self): return 1\nA = type('A', (), {'go': go})\ndef f(): return A().go()",
            ONE_TO_TWO,
        ),
        class_decorator=(
            {
                "m.py": "from deco import tagged\n@tagged\nclass A: ...\ndef f(): return A.tag",
                "deco.py": "def tagged(cls):\n    cls.tag = 1\n    return cls\n",
            },
            {"deco.py": ("= 1", "= 2")},
        ),
        pydantic_validator=(
            "import pydantic\nclass Conf(pydantic.BaseModel):\n    n: int = 0\n    @pydantic.field_validator('n')\n    @classmethod\n    def more(cls, v): return v + 1\ndef f(conf: Conf): return conf.n",
            ("v + 1", "v + 2"),
            {"params": {"conf": {"n": 1}}},
        ),
        sklearn_transformer=(
            {
                "m.py": "from sklearn.pipeline import make_pipeline\nfrom steps import Scale\ndef f(): return make_pipeline(Scale()).fit_transform([[1]])",
                "steps.py": "from sklearn.base import BaseEstimator, TransformerMixin\nclass Scale(BaseEstimator, TransformerMixin):\n    def __init__(self, by=1): self.by = by\n    def fit(self, X, y=None): return self\n    def transform(self, X): return [[x * self.by for x in row] for row in X]\n",
            },
            {"steps.py": ("by=1", "by=2")},
        ),
        torch_like_modules=(
            "class Module:\n    def __setattr__(self, k, v):\n        self.__dict__.setdefault('parts', []).append(k)\n        self.__dict__[k] = v\n    def __call__(self, x): return self.forward(x)\nclass Net(Module):\n    def __init__(self): self.scale = Scale()\n    def forward(self, x): return self.scale(x)\nclass Scale(Module):\n    def forward(self, x): return x * 1\ndef f(): return Net()(3)",
            ("x * 1", "x * 2"),
        ),
    ),
    *edits(
        "decorators",
        with_arguments=(
            {
                "m.py": "from deco import times\n@times(1)\ndef g(): return 3\ndef f(): return g()",
                "deco.py": "import functools\ndef times(n):\n    def wrap(g):\n        @functools.wraps(g)\n        def inner(*a): return g(*a) * n\n        return inner\n    return wrap\n",
            },
            ("times(1)", "times(2)"),
        ),
        body_of_one=(
            {
                "m.py": "from deco import times\n@times(1)\ndef f(): return 3",
                "deco.py": "import functools\ndef times(n):\n    def wrap(g):\n        @functools.wraps(g)\n        def inner(*a): return g(*a) * n * 1\n        return inner\n    return wrap\n",
            },
            {"deco.py": ("n * 1", "n * 2")},
        ),
        cache=("import functools\n@functools.lru_cache\ndef g(): return 1\ndef f(): return g()", ONE_TO_TWO),
        order_of_two=(
            "def plus(g): return lambda: g() + 1\ndef twice(g): return lambda: g() * 2\n@plus\n@twice\ndef g(): return 3\ndef f(): return g()",
            ("@plus\n@twice", "@twice\n@plus"),
        ),
        default_of_the_decorator=(
            "def times(g=None, *, n=1):\n    if g is None: return lambda h: times(h, n=n)\n    return lambda: g() * n\n@times\ndef g(): return 3\ndef f(): return g()",
            ("n=1", "n=3"),
        ),
        class_as_decorator=(
            "class Counted:\n    def __init__(self, g): self.g = g\n    def __call__(self): return self.g() + 1\n@Counted\ndef g(): return 3\ndef f(): return g()",
            ("+ 1", "+ 2"),
        ),
        registry_in_another_module=(
            {
                "m.py": "import kinds\nfrom registry import MODELS\ndef f(kind): return MODELS[kind]()",
                "registry.py": "MODELS = {}\ndef register(name):\n    def wrap(g):\n        MODELS[name] = g\n        return g\n    return wrap\n",
                "kinds/__init__.py": "from . import red\n",
                "kinds/red.py": "from registry import register\n@register('red')\ndef red(): return 1\n",
            },
            {"kinds/red.py": ONE_TO_TWO},
            {"params": {"kind": "red"}},
        ),
        registry_by_imports_of_a_package=(
            {
                "m.py": "from kinds.base import MODELS\ndef f(): return [g() for g in MODELS]",
                "kinds/__init__.py": "import pkgutil, importlib\nfor found in pkgutil.iter_modules(__path__):\n    importlib.import_module(f'{__name__}.{found.name}')\n",
                "kinds/base.py": "MODELS = []\n",
                "kinds/red.py": "from .base import MODELS\ndef red(): return 1\nMODELS.append(red)\n",
            },
            {"kinds/red.py": ONE_TO_TWO},
        ),
        registry_as_a_class=(
            {
                "m.py": "from registry import R\nimport red\ndef f(): return R.get('red')()",
                "registry.py": "class Registry:\n    def __init__(self): self.all = {}\n    def add(self, name): return lambda g: self.all.setdefault(name, g)\n    def get(self, name): return self.all[name]\nR = Registry()\n",
                "red.py": "from registry import R\n@R.add('red')\ndef red(): return 1\n",
            },
            {"red.py": ONE_TO_TWO},
        ),
        dispatch_by_type=(
            "from functools import singledispatchmethod\nclass A:\n    @singledispatchmethod\n    def go(self, x): return 0\n    @go.register\n    def _(self, x: int): return 1\ndef f(): return A().go(3)",
            ONE_TO_TWO,
        ),
    ),
    *edits(
        "classes, as projects have them",
        field_metadata=(
            {
                "m.py": "from conf import C\nfrom dataclasses import fields\ndef f(): return {x.name: x.metadata.get('scale') for x in fields(C)}",
                "conf.py": "from dataclasses import dataclass, field\n@dataclass\nclass C:\n    a: int = field(default=0, metadata={'scale': 10})\n",
            },
            {"conf.py": ("10", "20")},
        ),
        initvar=(
            {
                "m.py": "from conf import C\ndef f(): return C().a",
                "conf.py": "from dataclasses import dataclass, InitVar\n@dataclass\nclass C:\n    a: int = 0\n    seed: InitVar[int] = 10\n    def __post_init__(self, seed): self.a = seed\n",
            },
            {"conf.py": ("10", "20")},
        ),
        match_args=(
            {
                "m.py": "from conf import P\ndef f():\n    match P(1, 2):\n        case P(x): return x",
                "conf.py": "class P:\n    __match_args__ = ('a', 'b')\n    def __init__(self, a, b): self.a, self.b = a, b\n",
            },
            {"conf.py": ("('a', 'b')", "('b', 'a')")},
        ),
        strenum_alias=(
            {
                "m.py": "from kinds import Kind\ndef f(): return [k.name for k in Kind], Kind('x').name",
                "kinds.py": "from enum import StrEnum\nclass Kind(StrEnum):\n    A = 'x'\n    B = 'y'\n",
            },
            {"kinds.py": ("'y'", "'x'")},
        ),
        meta_iter=(
            {
                "m.py": "from models import Model\ndef f(): return [m.__name__ for m in Model]",
                "models/__init__.py": "from .base import Model\nfrom . import zoo\n",
                "models/base.py": "class Meta(type):\n    made = []\n    def __new__(m, n, b, d):\n        c = super().__new__(m, n, b, d)\n        if b: m.made.append(c)\n        return c\n    def __iter__(cls): return iter(Meta.made)\nclass Model(metaclass=Meta): ...\n",
                "models/zoo.py": "from .base import Model\nclass One(Model): ...\n",
            },
            {"models/zoo.py": "from .base import Model\nclass One(Model): ...\nclass Two(Model): ...\n"},
        ),
        meta_getattr=(
            {
                "m.py": "from conf import Settings\ndef f(): return Settings.depth",
                "conf.py": "VALUES = {'depth': 10}\nclass M(type):\n    def __getattr__(cls, name): return VALUES[name]\nclass Settings(metaclass=M): ...\n",
            },
            {"conf.py": ("10", "20")},
        ),
        mixin_attr_third=(
            {
                "m.py": "from a import Trainer\ndef f(): return Trainer().epochs",
                "a.py": "from b import Base\nfrom c import Fast\nclass Trainer(Fast, Base): ...\n",
                "b.py": "class Base:\n    epochs = 5\n",
                "c.py": "class Fast:\n    lr = 1\n",
            },
            {"c.py": ("lr = 1", "lr = 1\n    epochs = 2")},
        ),
        class_getitem_cache=(
            {
                "m.py": "from t import Tensor\ndef f(): return Tensor[3].size",
                "t.py": "class Tensor:\n    def __class_getitem__(cls, n): return type('T', (cls,), {'size': n * 10})\n",
            },
            {"t.py": ("10", "20")},
        ),
        descriptor_set=(
            {
                "m.py": "from d import C\ndef f():\n    c = C(); c.x = 3\n    return c.x",
                "d.py": "class Clip:\n    def __init__(self, hi): self.hi = hi\n    def __set_name__(self, o, n): self.n = '_' + n\n    def __get__(self, i, o=None): return getattr(i, self.n)\n    def __set__(self, i, v): setattr(i, self.n, min(v, self.hi))\nclass C:\n    x = Clip(1)\n",
            },
            {"d.py": ("Clip(1)", "Clip(2)")},
        ),
        dict_missing=(
            {
                "m.py": "from conf import D\ndef f(): return D()['x']",
                "conf.py": "class D(dict):\n    def __missing__(self, k): return 10\n",
            },
            {"conf.py": ("10", "20")},
        ),
        init_subclass_key=(
            {
                "m.py": "from zoo import build\ndef f(): return build('tree').fit()",
                "zoo/__init__.py": "from .registry import build\nfrom . import tree, forest\n",
                "zoo/registry.py": "class Model:\n    known = {}\n    def __init_subclass__(cls, /, key, **k):\n        super().__init_subclass__(**k)\n        Model.known[key] = cls\ndef build(key): return Model.known[key]()\n",
                "zoo/tree.py": "from .registry import Model\nclass Tree(Model, key='tree'):\n    def fit(self): return 10\n",
                "zoo/forest.py": "from .registry import Model\nclass Forest(Model, key='forest'):\n    def fit(self): return 0\n",
            },
            {"zoo/forest.py": ("key='forest'", "key='tree'")},
        ),
    ),
]
