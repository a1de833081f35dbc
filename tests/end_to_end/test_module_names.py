"""Modules of the project that have the names of libraries, and scripts that are run by their paths."""

import subprocess
import sys

import pytest

from pipespec.python.names_of_python import is_loaded_first

USES = """
import importlib


def uses(name: str) -> dict:
    return {"value": importlib.import_module(name).VALUE}
"""
LIBRARIES = (
    "mlflow",
    "luigi",
    "click",
    "yaml",
    "numpy",
    "torch",
    "pandas",
    "pyarrow",
    "joblib",
    "sqlalchemy",
    "jinja2",
)


def test_module_of_the_project_may_have_the_name_of_a_library(empty_project):
    empty_project.write("steps.py", USES)
    for name in LIBRARIES:
        empty_project.write(f"{name}.py", f"VALUE = {name!r}\n")
    empty_project.write(
        "pipeline.yaml",
        "pipespec: 1\nsteps:\n  uses:\n    call: steps:uses\n"
        f"    matrix: {{name: [{', '.join(LIBRARIES)}]}}\n    outputs: {{made: made.yaml}}\n",
    )

    assert empty_project.run() == {f"uses[name={name}]": "ran" for name in LIBRARIES}
    assert empty_project.ran() == set()
    assert (
        empty_project.pipespec("get", "pipeline.yaml", "uses[name=mlflow].made", "-").out == "value: mlflow\n"
    )


@pytest.mark.parametrize("suffix", [".yaml", ".json", ".jsonl", ".csv", ".pkl"])
def test_no_modules_name_keeps_pipespec_from_saving_and_loading(empty_project, suffix):
    names = [name for name in sys.stdlib_module_names if not name.startswith("_")]
    for name in (*names, *LIBRARIES):
        empty_project.write(f"{name}.py", "VALUE = 1\n")
    empty_project.write(
        "steps.py",
        "def made() -> list:\n    return [{'a': 1}]\n\n\ndef read(rows: list) -> list:\n    return rows\n",
    )
    empty_project.write(
        "pipeline.yaml",
        f"pipespec: 1\nsteps:\n  made: {{call: 'steps:made', outputs: {{rows: rows{suffix}}}}}\n"
        "  read: {call: 'steps:read', inputs: {rows: made}, outputs: {read: read.json}}\n",
    )

    assert empty_project.ran() == {"made", "read"}


def test_what_is_said_to_be_loaded_before_any_step_is_so():
    code = "import sys, pipespec.step.execute; print(*sys.modules)"
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )

    said = {name for name in sys.stdlib_module_names if is_loaded_first(name)}
    assert said - set(sys.builtin_module_names) <= set(shown.stdout.split())
    assert {"json", "random", "types", "time"} <= said


def test_a_step_in_a_module_that_python_has_loaded_is_refused_before_it_runs(empty_project):
    empty_project.write("random.py", "def draw() -> list:\n    return [4]\n")
    empty_project.write(
        "pipeline.yaml", "pipespec: 1\nsteps:\n  draw: {call: 'random:draw', outputs: {o: o.json}}\n"
    )

    checked = empty_project.pipespec("validate", "pipeline.yaml")
    ran = empty_project.pipespec("run", "pipeline.yaml")

    assert (checked.code, ran.code, ran.out) == (1, 2, "")
    assert "module 'random' of the project cannot be imported" in checked.out
    assert "module 'random' of the project cannot be imported" in ran.err
    assert "rename the project's module" in ran.err
    assert not (empty_project.folder / "mlflow.db").exists()


SCRIPTS = """
import os
import runpy
from pathlib import Path

HERE = Path(__file__).parent


def runs() -> list:
    places = (HERE / "scripts/one.py", "scripts/one.py", HERE / "scripts/package", HERE / "scripts/plain")
    found = [runpy.run_path(os.fspath(place))["VALUE"] for place in places]
    return [*found, runpy.run_module("scripts.one")["VALUE"]]
"""


def test_scripts_run_by_their_paths_as_in_plain_python(empty_project):
    empty_project.write("steps.py", SCRIPTS)
    empty_project.write("scripts/one.py", "VALUE = 1\n")
    empty_project.write("scripts/plain", "VALUE = 2\n")
    empty_project.write("scripts/package/__main__.py", "VALUE = 3\n")
    empty_project.write(
        "pipeline.yaml", "pipespec: 1\nsteps:\n  runs: {call: 'steps:runs', outputs: {o: o.json}}\n"
    )

    assert empty_project.ran() == {"runs"}
    values = empty_project.pipespec("get", "pipeline.yaml", "runs", "-").out
    assert "".join(values.split()) == "[1,1,3,2,1]"
    assert empty_project.ran() == set()
    empty_project.write("scripts/plain", "VALUE = 20\n")
    assert empty_project.ran() == {"runs"}
