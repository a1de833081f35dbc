"""What of the files that a step runs as code is in its key."""

import json

import pytest

from pipespec.operations.compiling.compile_file import compile_file
from pipespec.operations.planning.gather_facts import gather_facts
from pipespec.plan.step_key import step_key
from pipespec.project.disk_modules import DiskModules

PIPELINE = """\
pipespec: 1
steps:
  prep:
    call: pipespec.steps:script
    params: {script: tools/prep.py}
    outputs: {clean: clean.csv}
  report:
    call: pipespec.steps:notebook
    params: {notebook: report.ipynb}
    outputs: {executed: report.ipynb}
  rows:
    call: pipespec.steps:sql
    params: {query: rows.sql, url: "sqlite:///a.db"}
    outputs: {rows: rows.csv}
  count:
    call: pipespec.steps:command
    params: {command: [./count.sh, --script=plot.R, "bash lines.sh", {python}, "{outputs.n}"]}
    outputs: {n: n.txt}
    after: tests_of_data:positive
  several:
    call: pipespec.steps:command
    params:
      command: [sh, -c, "python 'tools/one.py'; (cat tools/two.sh)>{outputs.n}&&wc<tools/three.txt", "{params.tool}", "{params.tools}"]
      env: {PROGRAM: tools/four.R}
      tool: tools/five.R
      tools: [tools/six.R]
    outputs: {n: n.txt}
  module:
    call: pipespec.steps:command
    params: {command: [python, -m, work.fit, "{outputs.n}"]}
    outputs: {n: n.txt}
  package:
    call: pipespec.steps:command
    params: {command: [sh, -c, "python3 -um work --out {outputs.n}"]}
    outputs: {n: n.txt}
  in_src:
    call: pipespec.steps:command
    params: {command: [python, -m, "{params.module}"], module: below_src.run}
    outputs: {n: n.txt}
  in_folder:
    call: pipespec.steps:command
    params: {command: [python, -m, deep.run], folder: tools}
    outputs: {n: n.txt}
"""


def of_notebook(code, outputs=()):
    """Return a notebook with a text, a magic command, and some code."""
    sources = [("markdown", "# Title"), ("code", "%matplotlib inline"), ("code", code)]
    cells = [
        {
            "cell_type": kind,
            "metadata": {},
            "source": [text],
            **({"outputs": [*outputs]} if kind == "code" else {}),
        }
        for kind, text in sources
    ]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4})


FILES = {
    "report.ipynb": of_notebook("import below, aside\nbelow.LIMIT"),
    "aside.py": "A = 1\n",
    "rows.sql": "select 1\n",
    "pipeline.yaml": PIPELINE.replace("{python}", "other.py"),
    "tools/prep.py": "import sys\nfrom helpers import clean\n\n\ndef f():\n    return 1\n\n\nif __name__ == '__main__':\n    import late\n\n    clean(f())\n",
    "tools/helpers.py": "from below import LIMIT\n\n\ndef clean(x):\n    return x + LIMIT\n",
    "below.py": "LIMIT = 1\n",
    "tools/late.py": "A = 1\n",
    "count.sh": "#!/bin/sh\n",
    "plot.R": "plot(1)\n",
    "lines.sh": "wc\n",
    "other.py": "import below\n",
    "tests_of_data.py": "import below\n\n\ndef positive(n):\n    return n > below.LIMIT\n\n\ndef other():\n    return 1\n",
    "tools/one.py": "A = 1\n",
    **{f"tools/{name}": "1\n" for name in ("two.sh", "three.txt", "four.R", "five.R", "six.R")},
    "work/__init__.py": "A = 1\n",
    "work/__main__.py": "if __name__ == '__main__':\n    from . import late\n    print(late)\n",
    "work/fit.py": "from .part import NUMBER\n\nprint(NUMBER)\n",
    "work/part.py": "NUMBER = 1\n",
    "work/late.py": "A = 1\n",
    "src/below_src/run.py": "A = 1\n",
    "tools/deep/run.py": "A = 1\n",
    "unrelated.py": "A = 1\n",
    "unrelated.sh": "ls\n",
}


@pytest.fixture
def keys(tmp_path, monkeypatch):
    """Write these files and return the key of each step."""
    monkeypatch.chdir(tmp_path)

    def read(**edits):
        for name, text in {**FILES, **edits}.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        compiled = compile_file("pipeline.yaml", trusted=True)
        modules = DiskModules(tmp_path)
        facts = gather_facts(compiled.spec, compiled.spec.steps.values(), modules, results={})
        return {name: step_key(step, facts, {}).hex for name, step in compiled.spec.steps.items()}

    return read


EDITS = {
    "tools/prep.py": ("return 1", "return 2", {"prep"}),
    "tools/prep.py main": ("clean(f())", "clean(0)", {"prep"}),
    "tools/prep.py comment": ("import sys", "import sys  # a comment", set()),
    "tools/helpers.py": ("x + LIMIT", "x", {"prep"}),
    "below.py": ("1", "2", {"prep", "count", "report"}),
    "aside.py": ("1", "2", {"report"}),
    "report.ipynb": ("below.LIMIT", "below.LIMIT + 1", {"report"}),
    "report.ipynb text": ("Title", "Other title", {"report"}),
    "report.ipynb magic": ("inline", "agg", {"report"}),
    "report.ipynb outputs": ('"outputs": []', '"outputs": [{"output_type": "stream", "text": "a"}]', set()),
    "rows.sql": ("1", "2", {"rows"}),
    "tools/late.py": ("1", "2", {"prep"}),
    "count.sh": ("#!/bin/sh", "#!/bin/bash", {"count"}),
    "plot.R": ("1", "2", {"count"}),
    "lines.sh": ("wc", "ls", {"count"}),
    "other.py": ("import below", "import below as b", {"count"}),
    "tests_of_data.py": ("n >", "n <", {"count"}),
    "tests_of_data.py other": ("return 1", "return 2", set()),
    "tools/one.py": ("1", "2", {"several"}),
    **{
        f"tools/{name}": ("1", "2", {"several"})
        for name in ("two.sh", "three.txt", "four.R", "five.R", "six.R")
    },
    "work/__init__.py": ("A = 1", "import random\nrandom.seed(7)", {"module", "package"}),
    "work/__main__.py": ("late)", "late, 1)", {"package"}),
    "work/late.py": ("1", "2", {"package"}),
    "work/fit.py": ("(NUMBER)", "(-NUMBER)", {"module"}),
    "work/part.py": ("1", "2", {"module"}),
    "src/below_src/run.py": ("1", "2", {"in_src"}),
    "tools/deep/run.py": ("1", "2", {"in_folder"}),
    "unrelated.py": ("1", "2", set()),
    "unrelated.sh": ("ls", "wc", set()),
}


@pytest.mark.parametrize("edit", EDITS)
def test_a_key_changes_with_the_files_that_a_step_runs(keys, edit):
    name = edit.partition(" ")[0]
    old, new, changed = EDITS[edit]
    before = keys()
    assert old in FILES[name]

    after = keys(**{name: FILES[name].replace(old, new)})

    assert {step for step in before if before[step] != after[step]} == changed


def test_a_word_that_becomes_a_file_counts(keys, tmp_path):
    words = PIPELINE.replace("{python}", "later.sh")
    before = keys(**{"pipeline.yaml": words})

    after = keys(**{"pipeline.yaml": words, "later.sh": "x"})

    assert [name for name in before if before[name] != after[name]] == ["count"]
