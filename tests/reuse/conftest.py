import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def true_result():
    """Call a function of a project for real, in a process of its own, and return the text of what it gives."""
    program = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("true_results.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONHASHSEED": "0"},
    )

    def ask(folders: list[Path], call: str, params: dict) -> str:
        question = {"folders": [str(folder) for folder in folders], "call": call, "params": params}
        program.stdin.write(json.dumps(question) + "\n")
        program.stdin.flush()
        return json.loads(program.stdout.readline())["result"]

    yield ask
    program.stdin.close()
    program.wait()
