"""Edits of ordinary code that change nothing: a project with a table, a model, a plot and a log."""

from edits import edits

MAIN = """
\"\"\"Doc.\"\"\"
from __future__ import annotations
import os
from pathlib import Path
import numpy as np
import pandas as pd
from typing import Annotated, Any
from helpers import clean, LIMIT
from models import Model
import viz

K = 3

def unrelated(a: int, b=2):
    return a + b

class Other:
    def go(self): return 1

def prep(df: pd.DataFrame) -> pd.DataFrame:
    \"\"\"Prepare.\"\"\"
    # comment
    out = df.assign(x=df["a"] * K)
    return clean(out)

def f():
    df = prep(pd.DataFrame({"a": [1, 2, 3]}))
    return df["x"].tolist(), Model(depth=2).fit(df), LIMIT
"""
HELPERS = """
import logging
import re
log = logging.getLogger(__name__)
LIMIT = 10
OTHER = [1, 2]
def clean(df):
    log.info("cleaning %s", len(df))
    return df[df["x"] < LIMIT]
def unused(x): return x
"""
MODELS = """
import dataclasses
from typing import Annotated
from sklearn.base import BaseEstimator
@dataclasses.dataclass
class Config:
    depth: int = 1
class Model(BaseEstimator):
    \"\"\"A model.\"\"\"
    def __init__(self, depth=1): self.depth = depth
    def fit(self, df): return self.depth * len(df)
def plot(m): return m
def annotated(x: Annotated[int, Config(3)] = 1): return x
"""
VIZ = """
import matplotlib
matplotlib.use("agg")
import matplotlib.pyplot as plt
def show(df): return plt
"""
FILES = {"m.py": MAIN, "helpers.py": HELPERS, "models.py": MODELS, "viz.py": VIZ}
KEEPS = {"keeps": True}

ORDINARY = [
    *edits(
        "ordinary code",
        comment=(FILES, {"m.py": ("# comment", "# other words")}, KEEPS),
        doc_module=(FILES, {"m.py": ("Doc.", "Docs!")}, KEEPS),
        doc_function=(FILES, {"m.py": ("Prepare.", "Prepares it.")}, KEEPS),
        doc_class=(FILES, {"models.py": ("A model.", "Another model.")}, KEEPS),
        unrelated_body=(FILES, {"m.py": ("return a + b", "return a * b")}, KEEPS),
        unrelated_signature=(FILES, {"m.py": ("a: int, b=2", "a: float, b=4")}, KEEPS),
        other_class=(FILES, {"m.py": ("def go(self): return 1", "def go(self): return 2")}, KEEPS),
        new_function=(
            FILES,
            {"helpers.py": ("def unused(x): return x", "def unused(x): return x\ndef newer(y): return y\n")},
            KEEPS,
        ),
        new_constant=(FILES, {"helpers.py": ("OTHER = [1, 2]", "OTHER = [1, 2]\nMORE = {'a': 1}")}, KEEPS),
        other_constant=(FILES, {"helpers.py": ("OTHER = [1, 2]", "OTHER = [1, 2, 3]")}, KEEPS),
        unused_gone=(FILES, {"helpers.py": ("def unused(x): return x", "")}, KEEPS),
        blank_lines=(FILES, {"m.py": ("K = 3", "\n\n\nK = 3\n\n")}, KEEPS),
        blank_lines_helpers=(FILES, {"helpers.py": ("LIMIT = 10", "\n\nLIMIT = 10")}, KEEPS),
        quotes=(FILES, {"m.py": ('"x"].tolist()', "'x'].tolist()")}, KEEPS),
        unused_import=(FILES, {"m.py": ("import os\n", "import os\nimport json\n")}, KEEPS),
        import_gone=(FILES, {"m.py": ("import numpy as np\n", "")}, KEEPS),
        import_order=(
            FILES,
            {"m.py": ("import os\nfrom pathlib import Path\n", "from pathlib import Path\nimport os\n")},
            KEEPS,
        ),
        re_gone=(FILES, {"helpers.py": ("import re\n", "")}, KEEPS),
        long_call=(
            FILES,
            {"m.py": ("    return clean(out)", "    return clean(\n        out,\n    )")},
            KEEPS,
        ),
        parens=(FILES, {"m.py": ("return clean(out)", "return (clean(out))")}, KEEPS),
        plot_body=(FILES, {"models.py": ("def plot(m): return m", "def plot(m): return m, m")}, KEEPS),
        annotated_other=(FILES, {"models.py": ("Config(3)", "Config(4)")}, KEEPS),
        config_other=(FILES, {"models.py": ("depth: int = 1\n", "depth: int = 2\n")}, KEEPS),
        viz_function=(FILES, {"viz.py": ("def show(df): return plt", "def show(df): return plt, df")}, KEEPS),
        annotation_of_helper=(FILES, {"helpers.py": ("def clean(df):", "def clean(df: object):")}, KEEPS),
        return_annotation=(FILES, {"helpers.py": ("def clean(df):", "def clean(df) -> object:")}, KEEPS),
        local_annotation=(
            FILES,
            {"m.py": ("    out = df.assign", "    out: pd.DataFrame = df.assign")},
            KEEPS,
        ),
        pass_added=(FILES, {"m.py": ("    return clean(out)", "    pass\n    return clean(out)")}, KEEPS),
        type_checking=(
            FILES,
            {
                "m.py": (
                    "import viz\n",
                    "import viz\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from numpy import ndarray\n",
                )
            },
            KEEPS,
        ),
        type_checking_false=(
            FILES,
            {
                "m.py": (
                    "import viz\n",
                    "import viz\nTYPE_CHECKING = False\nif TYPE_CHECKING:\n    from numpy import ndarray\n",
                )
            },
            KEEPS,
        ),
        main_guard=(FILES, {"m.py": ("K = 3\n", "K = 3\nif __name__ == '__main__':\n    print(1)\n")}, KEEPS),
        log_text=(
            {
                **FILES,
                "m.py": MAIN.replace("import viz", "import viz, talk"),
                "talk.py": "import logging\nlogging.getLogger('x').info('hi')\nprint('a')\n",
            },
            {"talk.py": ("'hi'", "'hello'")},
            KEEPS,
        ),
        note_file=({**FILES, "README.md": "a"}, {"README.md": "b"}, KEEPS),
        other_test_file=(
            {**FILES, "test_m.py": "def test(): pass\n"},
            {"test_m.py": "def test(): assert 1\n"},
            KEEPS,
        ),
        typing_alias=(FILES, {"helpers.py": ("OTHER = [1, 2]", "OTHER: list[int] = [1, 2]")}, KEEPS),
        reorder_helpers=(
            FILES,
            {
                "helpers.py": '\nimport logging\nimport re\nlog = logging.getLogger(__name__)\ndef unused(x): return x\ndef clean(df):\n    log.info("cleaning %s", len(df))\n    return df[df["x"] < LIMIT]\nOTHER = [1, 2]\nLIMIT = 10\n'
            },
            KEEPS,
        ),
        for_loop_other=(
            {**FILES, "viz.py": VIZ + "\nNAMES = []\nfor c in (1, 2):\n    NAMES.append(c)\n"},
            {"viz.py": ("in (1, 2)", "in (1, 3)")},
            KEEPS,
        ),
        field_call_other=(
            {
                **FILES,
                "viz.py": VIZ
                + "\nfrom typing import Annotated\nfrom pydantic import BaseModel, Field\nclass A(BaseModel):\n    x: int = Field(3)\ndef g(a: Annotated[int, Field(gt=0)]): return a\n",
            },
            {"viz.py": ("gt=0", "gt=1")},
            KEEPS,
        ),
        own_start_method=(
            {
                **FILES,
                "viz.py": VIZ
                + "\nimport threading\nclass Runner:\n    def start(self): return 1\nR = Runner()\ndef go(): R.start()\n",
            },
            {"viz.py": ("def start(self): return 1", "def start(self): return 2")},
            KEEPS,
        ),
        class_method_annotations=(
            {**FILES, "viz.py": VIZ + "\nclass T:\n    def h(self, a: dict(x=1) = None) -> list: return a\n"},
            {"viz.py": ("x=1", "x=2")},
            KEEPS,
        ),
        exists_check_same=(
            {
                **FILES,
                "viz.py": VIZ
                + "\nfrom pathlib import Path\nHERE = Path(__file__).resolve().parent\nHAS = (HERE / 'viz.py').exists()\n",
            },
            {"viz.py": ("def show(df): return plt", "def show(df): return 3")},
            KEEPS,
        ),
    ),
]
