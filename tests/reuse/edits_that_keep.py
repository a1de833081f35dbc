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


def kept(about, change):
    change = {"m.py": change} if isinstance(change, tuple) else change
    return Edit(f"keeps: {about}", PROJECT, change, keeps=True)


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
]
