"""Edits of where code comes from: guards, overloads, imports in unusual places, annotations that libraries read."""

from edits import edits

ORIGINS = [
    *edits(
        "guards and imports",
        name_main_else=(
            "if __name__ == '__main__':\n    K = 0\nelse:\n    K = 1\ndef f(): return K",
            ("K = 1", "K = 2"),
        ),
        name_not_main=("K = 0\nif __name__ != '__main__':\n    K = 1\ndef f(): return K", ("K = 1", "K = 2")),
        name_not_eq=(
            "K = 0\nif not __name__ == '__main__':\n    K = 1\ndef f(): return K",
            ("K = 1", "K = 2"),
        ),
        name_main_reversed=(
            "K = 0\nif '__main__' != __name__:\n    K = 1\ndef f(): return K",
            ("K = 1", "K = 2"),
        ),
        name_main_or=(
            "K = 0\nif __name__ == '__main__' or True:\n    K = 1\ndef f(): return K",
            ("K = 1", "K = 2"),
        ),
        type_checking_else=(
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    K: int\nelse:\n    K = 1\ndef f(): return K",
            ("K = 1", "K = 2"),
        ),
        type_checking_not=(
            "import typing as t\nif not t.TYPE_CHECKING:\n    K = 1\ndef f(): return K",
            ("K = 1", "K = 2"),
        ),
        type_checking_or=(
            "from typing import TYPE_CHECKING\nK = 0\nif TYPE_CHECKING or True:\n    K = 1\ndef f(): return K",
            ("K = 1", "K = 2"),
        ),
        own_overload=(
            {
                "m.py": "from deco import overload, REG\n@overload\ndef g(x: int): return 1\n@overload\ndef g(x: str): return 3\ndef f(): return [h(0) for h in REG]",
                "deco.py": "REG = []\ndef overload(g):\n    REG.append(g)\n    return g\n",
            },
            ("return 1", "return 2"),
        ),
        own_overload_attr=(
            {
                "m.py": "import deco\n@deco.overload\ndef g(x: int): return 1\ndef f(): return [h(0) for h in deco.REG]",
                "deco.py": "REG = []\ndef overload(g):\n    REG.append(g)\n    return g\n",
            },
            ("return 1", "return 2"),
        ),
        conditional_by_constant=(
            {
                "m.py": "import conf\nif conf.FAST:\n    from fast import g\nelse:\n    from slow import g\ndef f(): return g()",
                "conf.py": "FAST = False\n",
                "fast.py": "def g(): return 1\n",
                "slow.py": "def g(): return 2\n",
            },
            {"conf.py": ("False", "True")},
        ),
        chosen_by_constant_in_function=(
            {
                "m.py": "import conf\ndef f():\n    if conf.FAST:\n        from fast import g\n    else:\n        from slow import g\n    return g()",
                "conf.py": "FAST = False\n",
                "fast.py": "def g(): return 1\n",
                "slow.py": "def g(): return 2\n",
            },
            {"slow.py": ("2", "3")},
        ),
        relative_dots=(
            {
                "top/__init__.py": "",
                "top/x.py": "K = 1\n",
                "top/a/__init__.py": "",
                "top/a/x.py": "K = 2\n",
                "top/a/m.py": "from . import x\ndef f(): return x.K",
            },
            {"top/a/m.py": ("from . import x", "from .. import x")},
            {"call": "top.a.m:f"},
        ),
        import_in_class_body=(
            {
                "m.py": "class A:\n    from deep import g\ndef f(): return A.g(None)",
                "deep.py": "def g(self): return 1\n",
            },
            {"deep.py": ("return 1", "return 2")},
        ),
        import_in_lambda_default=(
            {"m.py": "def f(g=__import__('deep').g): return g()", "deep.py": "def g(): return 1\n"},
            {"deep.py": ("return 1", "return 2")},
        ),
        import_in_with=(
            {
                "m.py": "import contextlib\nwith contextlib.suppress(ImportError):\n    from deep import g\ndef f(): return g()",
                "deep.py": "def g(): return 1\n",
            },
            {"deep.py": ("return 1", "return 2")},
        ),
        import_in_loop=(
            {
                "m.py": "for _ in range(1):\n    from deep import g\ndef f(): return g()",
                "deep.py": "def g(): return 1\n",
            },
            {"deep.py": ("return 1", "return 2")},
        ),
        import_in_match=(
            {
                "m.py": "match 1:\n    case 1:\n        from deep import g\ndef f(): return g()",
                "deep.py": "def g(): return 1\n",
            },
            {"deep.py": ("return 1", "return 2")},
        ),
        import_in_finally=(
            {
                "m.py": "try:\n    pass\nfinally:\n    import deep\ndef f(): return deep.g()",
                "deep.py": "def g(): return 1\n",
            },
            {"deep.py": ("return 1", "return 2")},
        ),
        import_via_function_global=(
            {
                "m.py": "def load():\n    global deep\n    import deep\nload()\ndef f(): return deep.g()",
                "deep.py": "def g(): return 1\n",
            },
            {"deep.py": ("return 1", "return 2")},
        ),
        import_via_function_global_from=(
            {
                "m.py": "g = None\ndef load():\n    global g\n    from deep import g\nload()\ndef f(): return g()",
                "deep.py": "def g(): return 1\n",
            },
            {"deep.py": ("return 1", "return 2")},
        ),
        lazy_global_in_call=(
            {
                "m.py": "_g = None\ndef get():\n    global _g\n    if _g is None:\n        from deep import g\n        _g = g\n    return _g\ndef f(): return get()()",
                "deep.py": "def g(): return 1\n",
            },
            {"deep.py": ("return 1", "return 2")},
        ),
        module_as_default=(
            {
                "m.py": "import deep\ndef use(lib=deep): return lib.g()\ndef f(): return use()",
                "deep.py": "def g(): return 1\n",
            },
            {"deep.py": ("return 1", "return 2")},
        ),
        sub_of_alias=(
            {
                "m.py": "import pkg as p\nimport pkg.sub\ndef f(): return p.sub.g()",
                "pkg/__init__.py": "",
                "pkg/sub.py": "def g(): return 1\n",
            },
            {"pkg/sub.py": ("return 1", "return 2")},
        ),
        package_getattr_submodule=(
            {
                "m.py": "import pkg\ndef f(): return pkg.sub.g()",
                "pkg/__init__.py": "import importlib\ndef __getattr__(name):\n    return importlib.import_module('.' + name, __name__)\n",
                "pkg/sub.py": "def g(): return 1\n",
            },
            {"pkg/sub.py": ("return 1", "return 2")},
        ),
        lazy_loader_attach=(
            {
                "m.py": "import pkg\ndef f(): return pkg.g()",
                "pkg/__init__.py": "from pkg._lazy import attach\n__getattr__, __dir__, __all__ = attach(__name__, {'sub': ['g']})\n",
                "pkg/_lazy.py": "import importlib\ndef attach(package, attrs):\n    where = {a: m for m, names in attrs.items() for a in names}\n    def __getattr__(name):\n        return getattr(importlib.import_module(f'{package}.{where[name]}'), name)\n    return __getattr__, lambda: list(where), list(where)\n",
                "pkg/sub.py": "def g(): return 1\n",
            },
            {"pkg/sub.py": ("return 1", "return 2")},
        ),
        lazy_class_module=(
            {
                "m.py": "import pkg\ndef f(): return pkg.g()",
                "pkg/__init__.py": "import sys, types, importlib\nclass Lazy(types.ModuleType):\n    def __getattr__(self, name):\n        return getattr(importlib.import_module('.sub', self.__name__), name)\nmod = Lazy(__name__)\nmod.__path__ = __path__\nsys.modules[__name__] = mod\n",
                "pkg/sub.py": "def g(): return 1\n",
            },
            {"pkg/sub.py": ("return 1", "return 2")},
        ),
        star_of_dunder_all_function=(
            {"m.py": "from one import *\nK = 5\ndef f(): return K", "one.py": "K = 1\n"},
            {"m.py": "K = 5\nfrom one import *\ndef f(): return K"},
        ),
        private_star=(
            {"m.py": "_K = 5\nfrom one import *\ndef f(): return _K", "one.py": "_K = 1\n"},
            {"one.py": "_K = 1\n__all__ = ['_K']\n"},
        ),
        star_in_init_chain=(
            {
                "m.py": "from pkg import g\ndef f(): return g()",
                "pkg/__init__.py": "from .core import *\n",
                "pkg/core/__init__.py": "from .impl import *\nfrom .impl import __all__\n",
                "pkg/core/impl.py": "__all__ = ['g']\ndef g(): return 1\n",
            },
            {"pkg/core/impl.py": ("return 1", "return 2")},
        ),
        all_without_name=(
            {
                "m.py": "g = lambda: 9\nfrom pkg import *\ndef f(): return g()",
                "pkg/__init__.py": "from .impl import *\n",
                "pkg/impl.py": "__all__ = ['g']\ndef g(): return 1\n",
            },
            {"pkg/impl.py": ("['g']", "[]")},
        ),
        del_name=(
            "from math import floor as g\ndef g2(x): return 1\ng = g2\ndef f(): return g(2.5)",
            ("g = g2\n", "g = g2\ndel g\nfrom math import ceil as g\n"),
        ),
        builtins_added=(
            {
                "m.py": "import patch\ndef f(): return answer",
                "patch.py": "import builtins\nbuiltins.answer = 1\n",
            },
            {"patch.py": ("= 1", "= 2")},
        ),
        import_hook_order=(
            {
                "m.py": "import patch\nimport statistics\ndef f(): return statistics.mean([1])",
                "patch.py": "import statistics\n_old = statistics.mean\ndef mean(x): return _old(x) + 1\nstatistics.mean = mean\n",
            },
            {"patch.py": ("+ 1", "+ 2")},
        ),
    ),
    *edits(
        "annotations and defaults",
        registered_by_call=(
            "from functools import singledispatch\n@singledispatch\ndef show(x): return 0\ndef g(x: int): return 1\nshow.register(g)\ndef f(): return show(1), show('a')",
            ("x: int", "x: str"),
        ),
        registered_by_call_elsewhere=(
            {
                "m.py": "from base import show\nimport more\ndef f(): return show(1), show('a')",
                "base.py": "from functools import singledispatch\n@singledispatch\ndef show(x): return 0\n",
                "more.py": "from base import show\ndef g(x: int): return 1\nshow.register(g)\n",
            },
            {"more.py": ("x: int", "x: str")},
        ),
        validate_call=(
            "import pydantic\ndef g(x: int): return x\nH = pydantic.validate_call(g)\ndef f(): return H('3')",
            ("x: int", "x: float"),
        ),
        validate_call_in_function=(
            "import pydantic\ndef g(x: int): return x\ndef f(): return pydantic.validate_call(g)('3')",
            ("x: int", "x: float"),
        ),
        validate_decorator=(
            "import pydantic\n@pydantic.validate_call\ndef g(x: int): return x\ndef f(): return g('3')",
            ("x: int", "x: float"),
        ),
        own_decorator_validates=(
            "import pydantic\ndef deco(g): return pydantic.validate_call(g)\ndef g(x: int): return x\nH = deco(g)\ndef f(): return H('3')",
            ("x: int", "x: float"),
        ),
        type_adapter_of_function=(
            "import pydantic\ndef g(x: int): return x\nA = pydantic.TypeAdapter(g)\ndef f(): return A.json_schema()['properties']",
            ("x: int", "x: float"),
        ),
        type_adapter_of_alias=(
            "import pydantic\nKind = int\nA = pydantic.TypeAdapter(Kind)\ndef f(): return A.validate_python('3')",
            ("Kind = int", "Kind = float"),
        ),
        method_annotations_class_decorator=(
            "import inspect\ndef deco(cls):\n    cls.kinds = str(inspect.signature(cls.go))\n    return cls\n@deco\nclass A:\n    def go(self, x: int): ...\ndef f(): return A.kinds",
            ("x: int", "x: str"),
        ),
        init_subclass_annotations=(
            "class Base:\n    def __init_subclass__(cls): cls.kinds = list(cls.__annotations__)\nclass A(Base):\n    a: int\ndef f(): return A.kinds",
            ("a: int", "b: int"),
        ),
        typed_dict=(
            "from typing import TypedDict\nclass Row(TypedDict, total=False):\n    a: int\ndef f(): return sorted(Row.__optional_keys__)",
            ("total=False", "total=True"),
        ),
        typed_dict_base=(
            {
                "m.py": "from rows import Row\ndef f(): return sorted(Row.__required_keys__)",
                "rows.py": "from typing import TypedDict\nclass Base(TypedDict):\n    a: int\nclass Row(Base):\n    b: int\n",
            },
            {"rows.py": ("a: int", "z: int")},
        ),
        annotated_metadata=(
            "from typing import Annotated, get_type_hints\nclass C:\n    x: Annotated[int, 'one']\ndef f(): return str(get_type_hints(C, include_extras=True))",
            ("'one'", "'two'"),
        ),
        param_enum_elsewhere=(
            {
                "m.py": "from kinds import Kind\ndef f(x: Kind): return x.name",
                "kinds.py": "import enum\nclass Kind(enum.Enum):\n    A = 1\n    B = 2\n",
            },
            {"kinds.py": ("    A = 1\n    B = 2", "    B = 1\n    A = 2")},
            {"params": {"x": 1}},
        ),
        param_literal_default=(
            "from typing import Literal\nKinds = Literal['a', 'b']\ndef f(x: Kinds = 'a'): return x",
            ("= 'a'): ", "= 'b'): "),
        ),
        param_default_const_elsewhere=(
            {"m.py": "import conf\ndef f(x: int = conf.DEPTH): return x", "conf.py": "DEPTH = 1\n"},
            {"conf.py": ("1", "2")},
        ),
        param_default_enum=(
            {
                "m.py": "from kinds import Kind\ndef f(x: Kind = Kind.A): return x.value",
                "kinds.py": "import enum\nclass Kind(enum.Enum):\n    A = 1\n",
            },
            {"kinds.py": ("A = 1", "A = 3")},
        ),
        param_default_dataclass=(
            {
                "m.py": "from conf import Conf\ndef f(c: Conf = Conf()): return c.n",
                "conf.py": "from dataclasses import dataclass\n@dataclass(frozen=True)\nclass Conf:\n    n: int = 1\n",
            },
            {"conf.py": ("= 1", "= 2")},
        ),
        nested_dataclass_default=(
            {
                "m.py": "from conf import Conf\ndef f(c: Conf): return c.inner.n",
                "conf.py": "from dataclasses import dataclass, field\nfrom inner import Inner\n@dataclass\nclass Conf:\n    a: int\n    inner: Inner = field(default_factory=Inner)\n",
                "inner.py": "from dataclasses import dataclass\n@dataclass\nclass Inner:\n    n: int = 1\n",
            },
            {"inner.py": ("= 1", "= 2")},
            {"params": {"c": {"a": 1}}},
        ),
        pydantic_nested_default=(
            {
                "m.py": "from conf import Conf\ndef f(c: Conf): return c.inner.n",
                "conf.py": "import pydantic\nfrom inner import Inner\nclass Conf(pydantic.BaseModel):\n    a: int\n    inner: Inner = Inner()\n",
                "inner.py": "import pydantic\nclass Inner(pydantic.BaseModel):\n    n: int = 1\n",
            },
            {"inner.py": ("= 1", "= 2")},
            {"params": {"c": {"a": 1}}},
        ),
        pydantic_nested_type=(
            {
                "m.py": "from __future__ import annotations\nfrom conf import Conf\ndef f(c: Conf): return c.rows[0].n",
                "conf.py": "from __future__ import annotations\nimport pydantic\nclass Conf(pydantic.BaseModel):\n    rows: list[Row]\nclass Row(pydantic.BaseModel):\n    n: int\n",
            },
            {"conf.py": ("n: int", "n: float")},
            {"params": {"c": {"rows": [{"n": 1}]}}},
        ),
        pydantic_alias_generator=(
            {
                "m.py": "from conf import Conf\ndef f(c: Conf): return c.n",
                "conf.py": "import pydantic\ndef up(name): return name.upper()\nclass Conf(pydantic.BaseModel):\n    model_config = pydantic.ConfigDict(alias_generator=up, populate_by_name=True)\n    n: int = 1\n",
            },
            {"conf.py": ("name.upper()", "name.title() + 'x'")},
            {"params": {"c": {"N": 5}}},
        ),
    ),
    *edits(
        "modules that `__all__` names",
        star_all_submodule=(
            {
                "m.py": "from pkg import *\ndef f(): return sub.g()",
                "pkg/__init__.py": "__all__ = ['sub']\n",
                "pkg/sub.py": "def g(): return 1\n",
            },
            {"pkg/sub.py": ("return 1", "return 2")},
        ),
        star_all_submodule_over=(
            {
                "m.py": "class sub:\n    def g(): return 5\nfrom pkg import *\ndef f(): return sub.g()",
                "pkg/__init__.py": "__all__ = ['sub']\n",
                "pkg/sub.py": "def g(): return 1\n",
            },
            {"pkg/sub.py": ("return 1", "return 2")},
        ),
        order_of_modules_in_all=(
            {
                "m.py": "from pkg import *\nfrom pkg.c import K\ndef f(): return K",
                "pkg/__init__.py": "__all__ = ['pa', 'pb']\n",
                "pkg/c.py": "K = []\n",
                "pkg/pa.py": "from pkg.c import K\nK.append(1)\n",
                "pkg/pb.py": "from pkg.c import K\nK.append(2)\n",
            },
            {"pkg/__init__.py": ("['pa', 'pb']", "['pb', 'pa']")},
        ),
    ),
]
