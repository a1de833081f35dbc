"""Edits that change no result, and must run nothing again."""

from edits import Edit

PROJECT = {
    "m.py": """
    '''Steps.'''
    import functools
    import logging
    import os
    from dataclasses import dataclass

    import numpy as np
    import pandas as pd

    from tools import clean, text

    log = logging.getLogger(__name__)
    LIMIT = 3
    OTHER = 4
    NAMES = ["a", "b"]
    TABLE = np.array([1, 2])
    UNUSED = np.array([3, 4])

    def timed(g):
        @functools.wraps(g)
        def inner(*a, **k):
            log.info("start")
            return g(*a, **k)
        return inner

    @dataclass
    class Row:
        '''A row.'''
        n: int = 1

        def twice(self):
            '''Twice.'''
            return self.n * 2

    class Unused:
        size = 1

    def helper(x: int) -> int:
        '''Help.'''
        return x + LIMIT  # add

    def unrelated(x):
        return x - OTHER

    @timed
    def also_unrelated(x):
        return x

    @timed
    def f() -> list:
        '''Do it.'''
        row = Row(2)
        return [helper(row.twice()), clean(" x "), text.upper("y"), NAMES, int(TABLE.sum())]
    """,
    "tools/__init__.py": "from . import text\nfrom .words import clean\n",
    "tools/text.py": "def upper(x): return x.upper()\ndef lower(x): return x.lower()\n",
    "tools/words.py": "STOP = {'a'}\ndef clean(x): return x.strip()\ndef unrelated(): return STOP\n",
}


MODELS = {
    "m.py": """
'''Steps.'''
from __future__ import annotations
import functools, logging, enum, itertools
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypedDict, overload

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
import pydantic

from tools import clean, text, Registry
from tools.conf import CONF, Conf

log = logging.getLogger(__name__)
HERE = Path(__file__).parent
DATA = HERE / 'data'
OUT = HERE / 'out'
TABLE = np.array([1, 2])
HALF = TABLE / 2
DOUBLE = TABLE * 2
FRAME = pd.DataFrame({'a': [1, 2]})
MEANS = FRAME['a'].mean()
FIRST = FRAME.iloc[0]
NAMES = ['a', 'b']
HEAD = NAMES[0]
BOTH = NAMES + ['c']
ORDERED = sorted(NAMES, key=len)
COUNT = len(NAMES)
DEPTH = CONF.depth
WIDTH = CONF['width']
RATE = CONF.rate * 2
CELLS = list(itertools.product([1], [2]))
PAIRS = dict(zip(NAMES, [1, 2]))
UPPER = list(map(str.upper, NAMES))

class Kind(enum.Enum):
    A = 1
    B = 2

class Row(NamedTuple):
    a: int = 1

class Other(TypedDict):
    a: int

@dataclass
class Params:
    names: list = field(default_factory=list)
    n: int = 1
    def add(self, x): self.names.append(x)

PARAMS = Params()
UNUSED_PARAMS = Params(n=2)

class Scale(BaseEstimator, TransformerMixin):
    '''Scale it.'''
    def __init__(self, by=1): self.by = by
    def fit(self, X, y=None): return self
    def transform(self, X): return X

class Unused(BaseEstimator):
    '''Unused.'''
    def fit(self, X): return self

class Settings(pydantic.BaseModel):
    n: int = 1

class Vector:
    def __init__(self, x): self.x = x
    def __add__(self, o): return Vector(self.x + o.x)
    def __mul__(self, k): return Vector(self.x * k)
    def __repr__(self): return f'V({self.x})'
    def __getitem__(self, k): return self.x

A = Vector(1)
B = Vector(2)
C = A + B
E = A * 3
G0 = A[0]

def helper(x: int) -> int:
    total: int = 0
    for n in range(x): total += n
    return total

def another(x):
    counts = defaultdict(int)
    counts[x] += 1
    return dict(counts)

@functools.lru_cache(maxsize=None)
def cached(x): return x

@overload
def poly(x: int) -> int: ...
@overload
def poly(x: str) -> str: ...
def poly(x): return x

def used_by_apply(v: int) -> int: return v

def f() -> list:
    log.info('start')
    s = pd.Series([1]).apply(used_by_apply).tolist()
    return [helper(3), clean(' x '), TABLE.sum().item(), NAMES, Kind.A.value, Row().a, PARAMS.n, Scale().by, repr(A), CONF.depth, str(DATA)[-4:], FRAME.a.sum().item(), poly(1), s, Registry().get('x')]
""",
    "tools/__init__.py": "from . import text\nfrom .words import clean\nfrom .registry import Registry\n",
    "tools/text.py": "def upper(x): return x.upper()\ndef lower(x): return x.lower()\n",
    "tools/words.py": "STOP = {'a'}\nWORDS = sorted(STOP)\ndef clean(x): return x.strip()\ndef unrelated(): return STOP\n",
    "tools/registry.py": "class Registry:\n    '''A registry.'''\n    def __init__(self): self._items = {'x': 1}\n    def add(self, k, v): self._items[k] = v\n    def get(self, k): return self._items[k]\n    def __getitem__(self, k): return self.get(k)\n    def __len__(self): return len(self._items)\nMAIN = Registry()\nSPARE = Registry()\nSIZE = len(SPARE)\n",
    "tools/conf.py": "from dataclasses import dataclass\n@dataclass(frozen=True)\nclass Conf:\n    depth: int = 1\n    width: int = 2\n    rate: float = 0.5\n    def __getitem__(self, k): return getattr(self, k)\nCONF = Conf()\nTEST_CONF = Conf(depth=9)\n",
}


def kept(about, change, project=PROJECT):
    change = {"m.py": change} if isinstance(change, tuple) else change
    return Edit(f"keeps: {about}", project, change, keeps=True)


HARMLESS = [
    kept("a comment", ("# add", "# add them")),
    kept("a comment more", ("LIMIT = 3", "# the limit\nLIMIT = 3")),
    kept("layout", ("return x + LIMIT", "return (x\n        + LIMIT)")),
    kept("a docstring of the function", ("'''Do it.'''", "'''Do it all.'''")),
    kept("a docstring of a helper", ("'''Help.'''", "'''Help out.'''")),
    kept("a docstring of a class", ("'''A row.'''", "'''One row.'''")),
    kept("a docstring of a method", ("'''Twice.'''", "'''Two times.'''")),
    kept("a docstring of the module", ("'''Steps.'''", "'''The steps.'''")),
    kept("an annotation of a helper", ("x: int) -> int", "x: float) -> float")),
    kept("an unrelated function", ("return x - OTHER", "return x - OTHER - 1")),
    kept("an unrelated function more", ("class Unused:", "def more(): return 1\n\nclass Unused:")),
    kept(
        "an unrelated decorated function",
        ("def also_unrelated(x):\n    return x", "def also_unrelated(x):\n    return -x"),
    ),
    kept("an unrelated class", ("size = 1", "size = 2")),
    kept("an unrelated constant", ("OTHER = 4", "OTHER = 5")),
    kept("an unrelated table", ("np.array([3, 4])", "np.array([3, 5])")),
    kept("an unrelated helper elsewhere", {"tools/text.py": ("x.lower()", "x.casefold()")}),
    kept("an unrelated set elsewhere", {"tools/words.py": ("{'a'}", "{'b'}")}),
    kept("an unrelated module", {"tools/extra.py": "K = 1\n"}),
    kept("an unrelated import", ("import os\n", "import json\nimport os\n")),
    kept("a log message of an unrelated function", ("return x - OTHER", "log.info(x)\n    return x - OTHER")),
    kept(
        "imports in another order",
        ("import functools\nimport logging\nimport os", "import os\nimport logging\nimport functools"),
    ),
    kept(
        "libraries in another order",
        ("import numpy as np\nimport pandas as pd", "import pandas as pd\nimport numpy as np"),
    ),
    kept(
        "constants in another order",
        ('LIMIT = 3\nOTHER = 4\nNAMES = ["a", "b"]', 'NAMES = ["a", "b"]\nLIMIT = 3\nOTHER = 4'),
    ),
    kept(
        "tables in another order",
        (
            "TABLE = np.array([1, 2])\nUNUSED = np.array([3, 4])",
            "UNUSED = np.array([3, 4])\nTABLE = np.array([1, 2])",
        ),
    ),
    kept(
        "helpers in another order",
        {"tools/text.py": "def lower(x): return x.lower()\ndef upper(x): return x.upper()\n"},
    ),
    kept(
        "imports of the package in another order",
        {"tools/__init__.py": "from .words import clean\nfrom . import text\n"},
    ),
    kept("quotes", ('clean(" x ")', "clean(' x ')")),
    kept("the spelling of a number", ("LIMIT = 3", "LIMIT = 0x3")),
    kept("an annotation of a constant", ("LIMIT = 3", "LIMIT: int = 3")),
    kept(
        "what runs as a program only",
        ("class Unused:", "if __name__ == '__main__':\n    f()\n\nclass Unused:"),
    ),
    kept("of models, half", ("TABLE / 2", "TABLE / 3"), MODELS),
    kept("of models, double", ("TABLE * 2", "TABLE * 3"), MODELS),
    kept("of models, first", ("iloc[0]", "iloc[1]"), MODELS),
    kept("of models, head", ("NAMES[0]", "NAMES[1]"), MODELS),
    kept("of models, both", ("['c']", "['d']"), MODELS),
    kept("of models, ordered", ("key=len", "key=str"), MODELS),
    kept("of models, count", ("len(NAMES)", "len(NAMES) + 1"), MODELS),
    kept("of models, depth const", ("DEPTH = CONF.depth", "DEPTH = CONF.depth + 1"), MODELS),
    kept("of models, width", ("CONF['width']", "CONF['depth']"), MODELS),
    kept("of models, rate", ("CONF.rate * 2", "CONF.rate * 3"), MODELS),
    kept("of models, cells", ("product([1], [2])", "product([1], [3])"), MODELS),
    kept("of models, pairs", ("[1, 2]))\nUPPER", "[1, 3]))\nUPPER"), MODELS),
    kept("of models, upper", ("str.upper", "str.lower"), MODELS),
    kept("of models, unused params", ("Params(n=2)", "Params(n=3)"), MODELS),
    kept("of models, doc of scale", ("'''Scale it.'''", "'''Scale them.'''"), MODELS),
    kept(
        "of models, unused estimator",
        ("'''Unused.'''\n    def fit(self, X): return self", "'''Unused.'''\n    def fit(self, X): return X"),
        MODELS,
    ),
    kept(
        "of models, unused model",
        (
            "class Settings(pydantic.BaseModel):\n    n: int = 1",
            "class Settings(pydantic.BaseModel):\n    n: int = 2",
        ),
        MODELS,
    ),
    kept("of models, vector sum", ("C = A + B", "C = B + A"), MODELS),
    kept("of models, vector product", ("A * 3", "A * 4"), MODELS),
    kept("of models, vector item", ("G0 = A[0]", "G0 = A[1]"), MODELS),
    kept("of models, local annotation", ("total: int = 0", "total: float = 0"), MODELS),
    kept("of models, another", ("counts[x] += 1", "counts[x] += 2"), MODELS),
    kept("of models, cached", ("def cached(x): return x", "def cached(x): return x + 1"), MODELS),
    kept("of models, overload", ("def poly(x: str) -> str: ...", "def poly(x: bytes) -> bytes: ..."), MODELS),
    kept("of models, applied annotation", ("used_by_apply(v: int)", "used_by_apply(v: float)"), MODELS),
    kept(
        "of models, typed dict",
        ("class Other(TypedDict):\n    a: int", "class Other(TypedDict):\n    a: str"),
        MODELS,
    ),
    kept("of models, out", ("HERE / 'out'", "HERE / 'output'"), MODELS),
    kept(
        "of models, spare",
        {"tools/registry.py": ("SPARE = Registry()", "SPARE = Registry()\nSPARE2 = Registry()")},
        MODELS,
    ),
    kept("of models, size", {"tools/registry.py": ("SIZE = len(SPARE)", "SIZE = len(SPARE) + 1")}, MODELS),
    kept(
        "of models, registry doc", {"tools/registry.py": ("'''A registry.'''", "'''The registry.'''")}, MODELS
    ),
    kept("of models, test conf", {"tools/conf.py": ("depth=9", "depth=8")}, MODELS),
    kept("of models, words", {"tools/words.py": ("sorted(STOP)", "sorted(STOP, reverse=True)")}, MODELS),
    kept("of models, text", {"tools/text.py": ("x.lower()", "x.casefold()")}, MODELS),
    kept(
        "of models, new class",
        ("class Unused(", "class More:\n    def __getitem__(self, k): return k\n\nclass Unused("),
        MODELS,
    ),
    kept(
        "of models, new test",
        ("def f() -> list", "def test_helper():\n    assert helper(3)\n\ndef f() -> list"),
        MODELS,
    ),
    kept(
        "of models, new fixture",
        (
            "class Vector:",
            "import contextlib\n@contextlib.contextmanager\ndef fix():\n    yield 1\n\nclass Vector:",
        ),
        MODELS,
    ),
]
