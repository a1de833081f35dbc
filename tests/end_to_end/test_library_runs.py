"""Scripts and programs as steps, from the command line."""

import contextlib
import json
import os
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PIPELINE = """\
pipespec: 1
steps:
  prep:
    call: pipespec.steps:script
    params: {script: prep.py}
    outputs: {clean: clean.txt}
  hang:
    call: pipespec.steps:command
    params: {command: [sh, hang.sh]}
    timeout: 1s
"""


def is_alive(pid):
    with contextlib.suppress(ProcessLookupError, FileNotFoundError):
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    return False


def test_a_command_that_takes_too_long_is_ended_with_what_it_started(empty_project):
    project = empty_project
    project.write("pipeline.yaml", PIPELINE)
    project.write("prep.py", "import sys\nopen(sys.argv[-1], 'w').write('a')\n")
    project.write("hang.sh", "sleep 600 &\necho $! > child.txt\nsleep 600\n")

    done = project.pipespec("run", "pipeline.yaml", "hang")

    assert (done.code, "1 s" in done.err) == (1, True), done.err
    child = int((project.folder / "child.txt").read_text())
    until = time.monotonic() + 20
    while is_alive(child) and time.monotonic() < until:
        time.sleep(0.05)
    assert not is_alive(child)


TESTED = """\
pipespec: 1
steps:
  make:
    call: steps:make
    params: {rows: 3}
    outputs: {table: table.json}
    after: steps:test
"""


def test_a_step_whose_outputs_are_refused_is_not_recorded_and_runs_when_its_test_changes(empty_project):
    project = empty_project
    project.write("pipeline.yaml", TESTED)
    project.write(
        "steps.py",
        "import mlflow\n\n\ndef make(rows):\n    return [0] * rows\n\n\n"
        "def test(table: list):\n    mlflow.log_metric('rows', len(table))\n    assert len(table) > 3, 'too few rows'\n",
    )

    refused = project.pipespec("run", "pipeline.yaml")
    assert (refused.code, "AssertionError: too few rows" in refused.err) == (1, True)
    assert "run  make" in project.pipespec("plan", "pipeline.yaml").out
    project.edit("steps.py", "> 3", "> 2")
    assert project.ran() == {"make"}
    project.edit("steps.py", "> 2", "> 1")
    assert "code steps:test changed (steps.py:8)" in project.pipespec("plan", "pipeline.yaml").out
    metrics = project.query(
        "select value from metrics join runs using (run_uuid) where key = 'rows' and name like 'make%'"
    )
    assert [value for (value,) in metrics] == [3.0, 3.0]


def test_a_script_runs_once_and_again_when_it_changes(empty_project):
    project = empty_project
    project.write("pipeline.yaml", PIPELINE)
    project.write("prep.py", "import sys\nimport part\nopen(sys.argv[-1], 'w').write(part.TEXT)\n")
    project.write("part.py", "TEXT = 'a'\nNEVER = 1\n")

    assert "1 ran, 0 reused" in project.pipespec("run", "pipeline.yaml", "prep").out
    assert "0 ran, 1 reused" in project.pipespec("run", "pipeline.yaml", "prep").out
    project.write("part.py", "TEXT = 'b'\nNEVER = 1\n")
    plan = project.pipespec("plan", "pipeline.yaml", "prep").out
    explanation = project.pipespec("explain", "pipeline.yaml", "prep").out

    assert "code part changed (part.py:1)" in plan
    assert ("-TEXT = 'a'" in explanation, "+TEXT = 'b'" in explanation) == (True, True)
    assert "1 ran, 0 reused" in project.pipespec("run", "pipeline.yaml", "prep").out


NOTEBOOK = """\
pipespec: 1
steps:
  report:
    call: pipespec.steps:notebook
    params: {notebook: report.ipynb}
    outputs: {executed: report.ipynb}
    timeout: 8s
"""


def test_a_notebook_that_takes_too_long_is_ended_with_its_kernel(empty_project):
    project = empty_project
    source = (
        "import os, pathlib, time\npathlib.Path('kernel.txt').write_text(str(os.getpid()))\ntime.sleep(600)"
    )
    cell = {"cell_type": "code", "metadata": {}, "source": source, "outputs": [], "execution_count": None}
    project.write("pipeline.yaml", NOTEBOOK)
    project.write(
        "report.ipynb", json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 4})
    )

    assert project.pipespec("run", "pipeline.yaml").code == 1
    kernel = int((project.folder / "kernel.txt").read_text())
    until = time.monotonic() + 30
    while is_alive(kernel) and time.monotonic() < until:
        time.sleep(0.05)
    assert not is_alive(kernel)


def test_what_a_notebook_shows_from_earlier_executions_does_not_count(empty_project):
    project = empty_project
    cell = {
        "cell_type": "code",
        "id": "a",
        "metadata": {},
        "source": "1",
        "outputs": [],
        "execution_count": None,
    }
    shown = {"output_type": "stream", "name": "stdout", "text": "1"}
    document = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    project.write("pipeline.yaml", NOTEBOOK.replace("8s", "2m"))
    project.write("report.ipynb", json.dumps(document))

    first = project.pipespec("run", "pipeline.yaml")
    project.write("report.ipynb", json.dumps({**document, "cells": [{**cell, "outputs": [shown]}]}))
    second = project.pipespec("run", "pipeline.yaml")

    assert ("1 ran, 0 reused" in first.out, "advice" in first.out + first.err) == (True, False)
    assert "0 ran, 1 reused" in second.out
