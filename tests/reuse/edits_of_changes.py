"""Edits of how modules change what others hold: registrations, unbound methods, stubs, objects of the project."""

from edits import edits

CHANGES = [
    *edits(
        "changes",
        contextvar_set=(
            {
                "m.py": "import conf, ctx\ndef f(): return ctx.V.get()",
                "ctx.py": "import contextvars\nV = contextvars.ContextVar('V', default=0)\n",
                "conf.py": "import ctx\ntoken = ctx.V.set(10)\n",
            },
            {"conf.py": ("10", "20")},
        ),
        warnings_show=(
            {
                "m.py": "import conf, warnings\ndef f(): return warnings.formatwarning('a', UserWarning, 'b', 1)",
                "conf.py": "import warnings\nwarnings.formatwarning = lambda *a, **k: 'x'\n",
            },
            {"conf.py": ("'x'", "'y'")},
        ),
        zone_path=(
            {
                "m.py": "import conf, zoneinfo\ndef f(): return zoneinfo.TZPATH",
                "conf.py": "import zoneinfo\nzoneinfo.reset_tzpath(['/usr'])\n",
            },
            {"conf.py": ("'/usr'", "'/usr/lib'")},
        ),
        shutil_format=(
            {
                "m.py": "import conf, shutil\ndef f(): return shutil.get_archive_formats()",
                "conf.py": "import shutil\nshutil.register_archive_format('xx', print, description='a')\n",
            },
            {"conf.py": ("'a'", "'b'")},
        ),
        cloudpickle_by_value=(
            {
                "m.py": "import conf, deep, cloudpickle\ndef f(): return b'return' in cloudpickle.dumps(deep.g), len(cloudpickle.dumps(deep.g)) > 200",
                "deep.py": "def g(): return 1\n",
                "conf.py": "import cloudpickle, deep\ncloudpickle.register_pickle_by_value(deep)\n",
            },
            {"conf.py": ("cloudpickle.register_pickle_by_value(deep)", "pass")},
        ),
        sum_patch=(
            {
                "m.py": "import conf, statistics\ndef f(): return statistics.mean([1])",
                "conf.py": "import statistics as st\nold, st.mean = st.mean, lambda x: 10\n",
            },
            {"conf.py": ("10", "20")},
        ),
        with_patch=(
            {
                "m.py": "import conf, statistics\ndef f(): return conf.X",
                "conf.py": "import statistics\nfrom unittest.mock import patch\nwith patch('statistics.mean', return_value=10):\n    X = statistics.mean([1])\n",
            },
            {"conf.py": ("10", "20")},
        ),
        sys_modules_stub=(
            {
                "m.py": "import conf\ndef f():\n    import fake_lib\n    return fake_lib.x",
                "conf.py": "import sys, types\nmod = types.ModuleType('fake_lib')\nmod.x = 10\nsys.modules['fake_lib'] = mod\n",
            },
            {"conf.py": ("10", "20")},
        ),
        sys_modules_simple=(
            {
                "m.py": "import conf\ndef f():\n    import fake_lib\n    return fake_lib.x",
                "conf.py": "import sys, types\nsys.modules['fake_lib'] = types.SimpleNamespace(x=10)\n",
            },
            {"conf.py": ("10", "20")},
        ),
        pydantic_config=(
            {
                "m.py": "import conf\nfrom pydantic import BaseModel\nclass A(conf.Base):\n    a: int\ndef f():\n    try: A(a=1, b=2); return 1\n    except Exception: return 2",
                "conf.py": "import pydantic\nclass Base(pydantic.BaseModel):\n    model_config = pydantic.ConfigDict(extra='forbid')\n",
            },
            {"conf.py": ("forbid", "allow")},
        ),
        thread_local=(
            {
                "m.py": "import conf, ctx\ndef f(): return getattr(ctx.L, 'x', 0)",
                "ctx.py": "import threading\nL = threading.local()\n",
                "conf.py": "import ctx\nctx.L.x = 10\n",
            },
            {"conf.py": ("10", "20")},
        ),
        simplenamespace=(
            {
                "m.py": "import conf, ctx\ndef f(): return vars(ctx.L)",
                "ctx.py": "import types\nL = types.SimpleNamespace()\n",
                "conf.py": "from ctx import L\nL.__dict__.update(x=10)\n",
            },
            {"conf.py": ("10", "20")},
        ),
        vars_update=(
            {
                "m.py": "import conf, ctx\ndef f(): return ctx.K",
                "ctx.py": "K = 1\n",
                "conf.py": "import ctx\nvars(ctx).update(K=10)\n",
            },
            {"conf.py": ("10", "20")},
        ),
        module_dict_set=(
            {
                "m.py": "import conf, ctx\ndef f(): return ctx.K",
                "ctx.py": "K = 1\n",
                "conf.py": "import ctx\nctx.__dict__['K'] = 10\n",
            },
            {"conf.py": ("10", "20")},
        ),
        object_setattr=(
            {
                "m.py": "import conf, ctx\ndef f(): return ctx.C.k",
                "ctx.py": "import dataclasses\n@dataclasses.dataclass(frozen=True)\nclass D: k: int = 1\nC = D()\n",
                "conf.py": "import ctx\nobject.__setattr__(ctx.C, 'k', 10)\n",
            },
            {"conf.py": ("10", "20")},
        ),
        type_setattr=(
            {
                "m.py": "import conf, ctx\ndef f(): return ctx.D.k",
                "ctx.py": "class D: k: int = 1\n",
                "conf.py": "import ctx\ntype.__setattr__(ctx.D, 'k', 10)\n",
            },
            {"conf.py": ("10", "20")},
        ),
        operator_setitem=(
            {
                "m.py": "import conf, ctx\ndef f(): return ctx.D",
                "ctx.py": "D = {}\n",
                "conf.py": "import operator, ctx\noperator.setitem(ctx.D, 'k', 10)\n",
            },
            {"conf.py": ("10", "20")},
        ),
        list_append_unbound=(
            {
                "m.py": "import conf, ctx\ndef f(): return ctx.D",
                "ctx.py": "D = []\n",
                "conf.py": "import ctx\nlist.append(ctx.D, 10)\n",
            },
            {"conf.py": ("10", "20")},
        ),
        bisect=(
            {
                "m.py": "import conf, ctx\ndef f(): return ctx.D",
                "ctx.py": "D = [1]\n",
                "conf.py": "import bisect, ctx\nbisect.insort(ctx.D, 10)\n",
            },
            {"conf.py": ("10", "20")},
        ),
        heap=(
            {
                "m.py": "import conf, ctx\ndef f(): return ctx.D",
                "ctx.py": "D = [1]\n",
                "conf.py": "from heapq import heappush as hp\nimport ctx\nhp(ctx.D, 10)\n",
            },
            {"conf.py": ("10", "20")},
        ),
        random_shuffle=(
            {
                "m.py": "import conf, ctx\ndef f(): return ctx.D",
                "ctx.py": "D = list(range(9))\n",
                "conf.py": "import random, ctx\nrandom.Random(1).shuffle(ctx.D)\n",
            },
            {"conf.py": ("Random(1)", "Random(2)")},
        ),
        append_alias=(
            {
                "m.py": "import conf, ctx\ndef f(): return ctx.D",
                "ctx.py": "D = []\nadd = D.append\n",
                "conf.py": "from ctx import add\nadd(10)\n",
            },
            {"conf.py": ("10", "20")},
        ),
        lambda_register=(
            {
                "m.py": "import conf, ctx\ndef f(): return ctx.D['a']()",
                "ctx.py": "D = {}\nreg = lambda n: lambda fn: D.setdefault(n, fn)\n",
                "conf.py": "from ctx import reg\n@reg('a')\ndef g(): return 10\n",
            },
            {"conf.py": ("10", "20")},
        ),
        partial_register=(
            {
                "m.py": "import conf, ctx\ndef f(): return ctx.D['a']()",
                "ctx.py": "import functools\nD = {}\ndef _reg(name, fn):\n    D[name] = fn\n    return fn\ndef reg(name): return functools.partial(_reg, name)\n",
                "conf.py": "import ctx\n@ctx.reg('a')\ndef g(): return 10\n",
            },
            {"conf.py": ("10", "20")},
        ),
        class_registry_call=(
            {
                "m.py": "import conf, ctx\ndef f(): return ctx.REG.get('a')()",
                "ctx.py": "class Registry:\n    def __init__(self): self._d = {}\n    def __call__(self, name):\n        def deco(fn):\n            self._d[name] = fn\n            return fn\n        return deco\n    def get(self, n): return self._d[n]\nREG = Registry()\n",
                "conf.py": "import ctx\n@ctx.REG('a')\ndef g(): return 10\n",
            },
            {"conf.py": ("10", "20")},
        ),
        registry_contains=(
            {
                "m.py": "import conf, ctx\ndef f(): return sorted(ctx.REG)",
                "ctx.py": "from collections import UserDict\nclass Registry(UserDict):\n    def add(self, fn):\n        self[fn.__name__] = fn\n        return fn\nREG = Registry()\n",
                "conf.py": "from ctx import REG\n@REG.add\ndef g1(): return 10\n",
            },
            {"conf.py": ("g1", "g2")},
        ),
        entry_in_else=(
            {
                "m.py": "import conf, ctx\ndef f(): return ctx.D",
                "ctx.py": "D = {}\n",
                "conf.py": "import ctx\ntry:\n    import nolib_x\nexcept ImportError:\n    pass\nelse:\n    ctx.D['a'] = 1\nfinally:\n    ctx.D['b'] = 10\n",
            },
            {"conf.py": ("10", "20")},
        ),
    ),
]
