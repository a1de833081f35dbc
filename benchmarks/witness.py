"""What noting what a step touches costs: processor seconds of a step's process, with a witness and without, in turns.

    python benchmarks/witness.py [--rounds 5]

Three steps: one imports pandas and scikit-learn and reads nothing by hand, one opens 10,000 small files by hand, one asks for their sizes. Minima are what
to trust on a shared machine. Last, what a plan pays to look at those 10,000 files again, from its memory of digests.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FILES = 10_000

STEP = """
import json, os, resource, sys, time
from pathlib import Path
from pipespec.step.execute import execute
from pipespec.step.step_job import OutputJob, StepJob
from pipespec.step.witness.witness_job import WitnessJob

root, call, is_noted = os.getcwd(), sys.argv[1], sys.argv[2] == "with"
staging = Path(sys.argv[3])
before = time.process_time()
outcome = execute(
    StepJob(
        step="s", call=call, module_folders=(root,), root=root, staging=str(staging), log=str(staging / "log"),
        outputs=(OutputJob("out", "out.json"),),
        witness=WitnessJob(root, folders=(root,), counted_files=(f"{root}/steps.py",)) if is_noted else None,
    ),
    attach=False,
)
assert outcome.failure is None, outcome.failure
print(json.dumps([time.process_time() - before, len(outcome.witness.touched)]))
"""

STEPS = f"""
from pathlib import Path

def imports() -> int:
    import pandas, sklearn.linear_model
    return 1

def opens() -> int:
    return sum(len(Path("data", str(number)).read_bytes()) for number in range({FILES}))

def asks() -> int:
    return sum(Path("data", str(number)).stat().st_size for number in range({FILES}))
"""

CHECK = """
import sys, time
from pathlib import Path
from pipespec.plan.witness import Touched, Trace, Witness
from pipespec.project.witness_files import WitnessFiles
from pipespec.step.witness.trace_digests import tree_of_folder
from pipespec.step.content_digest import digest_file

root = Path.cwd()
digest = tree_of_folder(str(root / "data"), lambda _: False, digest_file)
witness = Witness((Touched("data", Trace.TREE, digest),))
for _ in range(2):
    before = time.process_time()
    assert WitnessFiles(root).changes(witness) == ()
    print(time.process_time() - before)
"""


def seconds(folder: Path, call: str, how: str) -> tuple[float, int]:
    """Execute a step in a process of its own; return its processor seconds and what its witness holds."""
    with tempfile.TemporaryDirectory() as staging:
        answer = subprocess.run(
            [sys.executable, "-c", STEP, call, how, staging],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        )
    spent, touched = json.loads(answer.stdout.splitlines()[-1])
    return spent, touched


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "steps.py").write_text(STEPS)
        (folder / "data").mkdir()
        for number in range(FILES):
            (folder / "data" / str(number)).write_text(f"file {number}\n")
            os.utime(folder / "data" / str(number), (1, 1))
        for call in ("steps:imports", "steps:opens", "steps:asks"):
            found: dict[str, list[float]] = {"without": [], "with": []}
            held = 0
            for _ in range(rounds + 1):
                for how, spent in found.items():
                    took, touched = seconds(folder, call, how)
                    spent.append(took)
                    held = max(held, touched)
            least = {how: min(spent[1:]) for how, spent in found.items()}
            print(
                f"{call:14} without {least['without']:.3f} s, with {least['with']:.3f} s; {held} in the witness"
            )
        time.sleep(2.1)  # younger files are not remembered
        check = subprocess.run(
            [sys.executable, "-c", CHECK], cwd=folder, capture_output=True, text=True, check=True
        )
        first, again = check.stdout.split()
        print(f"a plan looks at {FILES} files: {float(first):.3f} s, from memory {float(again):.3f} s")


if __name__ == "__main__":
    main()
