"""How long 1,000 variants of one matrix step take to plan, against 1,000 steps written out.

    python benchmarks/matrix.py [variants]

Both are the same work: the file is read, built and checked, facts are gathered, and a plan is made over a store
with nothing in it. Prints both times, the best of three, and their ratio, which is to stay below 2.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import pipespec

STEPS = "def first() -> list:\n    return [1]\n\n\ndef train(x: list, depth: int) -> list:\n    return x\n"
HEAD = "pipespec: 1\nname: many\nsteps:\n  first: {call: 'steps:first', outputs: {o: o.json}}\n"


def matrix(count: int) -> str:
    """Write one step with a matrix."""
    values = ", ".join(map(str, range(count)))
    return f"{HEAD}  train: {{call: 'steps:train', matrix: {{depth: [{values}]}}, inputs: {{x: first}}, outputs: {{o: o.json}}}}\n"


def written_out(count: int) -> str:
    """Write a step for each value."""
    step = "  train{0}: {{call: 'steps:train', params: {{depth: {0}}}, inputs: {{x: first}}, outputs: {{o: o.json}}}}\n"
    return HEAD + "".join(step.format(number) for number in range(count))


def seconds(file: str, count: int) -> float:
    """Return the shortest of three times that loading and planning take."""
    times = []
    for _ in range(3):
        began = time.perf_counter()
        plan = pipespec.load(file).plan()
        times.append(time.perf_counter() - began)
        assert len(plan.decisions) == count + 1
    return min(times)


def main() -> None:
    """Measure in a folder of its own."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        Path("pyproject.toml").write_text('[project]\nname = "many"\nversion = "1"\n', encoding="utf-8")
        Path("steps.py").write_text(STEPS, encoding="utf-8")
        Path("matrix.yaml").write_text(matrix(count), encoding="utf-8")
        Path("written.yaml").write_text(written_out(count), encoding="utf-8")
        of_matrix, of_steps = seconds("matrix.yaml", count), seconds("written.yaml", count)
        os.chdir("/")
    print(f"{count} variants of one step  {of_matrix:.2f} s")
    print(f"{count} steps written out     {of_steps:.2f} s")
    print(f"ratio                     {of_matrix / of_steps:.2f}")


if __name__ == "__main__":
    main()
