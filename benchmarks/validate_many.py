"""What it costs to validate many files in one call, beside one file with as many steps.

    python benchmarks/validate_many.py [--files 100] [--steps 20] [--repeat 5]

Files of one project call functions of one module, each function with some lines. Processor seconds of the whole
command, the best of the repetitions, since what a machine does besides does not count.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

FUNCTIONS = 50


def module():
    lines = ["from __future__ import annotations", ""]
    for number in range(FUNCTIONS):
        lines += [f"def go_{number}(count: int, values: list | None = None, name: str = 'x') -> list:"]
        lines += [f"    value_{line} = count + {line}" for line in range(20)]
        lines += ["    return [value_0]", ""]
    return "\n".join(lines)


def pipeline(count):
    lines = ["pipespec: 1", "steps:"]
    for number in range(count):
        lines += [
            f"  step_{number}:",
            "    description: One of many.",
            f"    call: work:go_{number % FUNCTIONS}",
        ]
        lines += [f"    inputs: {{values: step_{number - 1}.values}}"] if number else []
        lines += [f"    params: {{count: {number}, name: one}}", "    outputs: {values: values.json}"]
    return "\n".join(lines) + "\n"


def processor_seconds(folder, *arguments):
    before = os.times()
    command = [sys.executable, "-m", "pipespec", "validate", *arguments]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=100)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pyproject.toml").write_text('[project]\nname = "many"\nversion = "1"\n')
        (folder / "work.py").write_text(module())
        (folder / "many").mkdir()
        for number in range(options.files):
            (folder / "many" / f"p{number}.yaml").write_text(pipeline(options.steps))
        (folder / "one.yaml").write_text(pipeline(options.files * options.steps))
        many = min(processor_seconds(folder, "many") for _ in range(options.repeat))
        one = min(processor_seconds(folder, "one.yaml") for _ in range(options.repeat))
    print(f"{options.files} files of {options.steps} steps: {many:.2f} s")
    print(f"1 file of {options.files * options.steps} steps: {one:.2f} s")
    print(f"ratio: {many / one:.2f}")


if __name__ == "__main__":
    main()
