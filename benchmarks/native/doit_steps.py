"""The workload of `race.py` in doit: `doit -f doit_steps.py`, with STEPS and CHANGED in the environment.

Files and a small database of their state; no record of a run.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from doit.tools import config_changed

STEPS, CHANGED = int(os.environ["STEPS"]), int(os.environ.get("CHANGED", "-1"))
DOIT_CONFIG = {"verbosity": 0}


def step(number, a):
    if number % 3:
        json.loads(Path(f"out/{number - 1}.json").read_text())
    Path(f"out/{number}.json").write_text(json.dumps({"v": a + number % 20}))


def task_step():
    Path("out").mkdir(exist_ok=True)
    for number in range(STEPS):
        params = {"a": -1 if number == CHANGED else number, "b": f"x{number}"}
        yield {
            "name": str(number),
            "actions": [(step, [number, params["a"]])],
            "file_dep": [f"out/{number - 1}.json"] if number % 3 else [],
            "targets": [f"out/{number}.json"],
            "uptodate": [config_changed(params)],
        }
