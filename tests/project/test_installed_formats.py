"""Formats that installed packages bring are no surprise to `validate`, which imports none of them."""

import json
import subprocess
import sys

import pytest

ASK = """
import json, sys
from pipespec.operations.compiling.compile_file import compile_file
compiled = compile_file("pipeline.yaml", trusted=False)
print(json.dumps([[one.code for one in compiled.diagnostics], "importlib.metadata" in sys.modules]))
"""

STEPS = """
import pandas as pd

def draw() -> pd.DataFrame: ...

def show(map: pd.DataFrame) -> dict: ...
"""


@pytest.mark.parametrize(
    ("suffix", "names", "codes", "asked"),
    [
        ("shout", ["shout"], [], True),
        ("SHOUT", ["shout"], [], True),
        ("shout", ["other"], ["type-mismatch", "type-mismatch"], True),
        ("csv", ["shout"], [], False),
    ],
)
def test_files_of_installed_formats_are_known(tmp_path, suffix, names, codes, asked):
    info = tmp_path / "packages/loud-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: loud\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[pipespec.formats]\n" + "".join(f"{name} = not_there\n" for name in names)
    )
    project = tmp_path / "project"
    project.mkdir()
    (project / "pyproject.toml").touch()
    (project / "steps.py").write_text(STEPS)
    (project / "pipeline.yaml").write_text(
        f"pipespec: 1\nsteps:\n  draw: {{call: 'steps:draw', outputs: {{map: map.{suffix}}}}}\n"
        "  show: {call: 'steps:show', inputs: {map: draw}, outputs: {shown: shown.json}}\n"
    )

    done = subprocess.run(
        [sys.executable, "-P", "-c", ASK],
        cwd=project,
        env={"PYTHONPATH": str(tmp_path / "packages")},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.stderr == ""
    assert json.loads(done.stdout) == [codes, asked]
