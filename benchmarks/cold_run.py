"""What a step costs when everything is to be done, beside the bare MLflow calls that write the same run.

    python benchmarks/cold_run.py [--steps 100] [--rounds 3] [--pause]

A run of one step is taken off a run of many, so that the start of MLflow and Luigi counts on neither side. With
`--pause` steps sleep 50 ms, and `-j 2` is compared with `-j 1`, a run of one step taken off both.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from measure import python, take_turns
from projects import write_pipeline

HERE = Path(__file__).parent


def seconds(folder, command):
    """Run a command in a fresh folder; give wall and processor seconds."""
    (figures,) = take_turns({"": command}, folder, 0, first=True).values()
    return figures.wall[0], figures.cpu[0]


def of_pipespec(parent, steps, *, workers=1, pause=0.0):
    folder = parent / "ours"
    shutil.rmtree(folder, ignore_errors=True)
    write_pipeline(folder, steps, "none", pause)
    return seconds(folder, python("-m", "pipespec", "run", "pipeline.yaml", "-j", str(workers)))


def of_mlflow(parent, steps):
    folder = parent / "bare"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return seconds(folder, python(str(HERE / "mlflow_reference.py"), str(steps)))


def show(name, figures):
    wall, cpu = zip(*figures, strict=True)
    print(
        f"  {name:24} min {min(wall):8.2f}  median {statistics.median(wall):8.2f}  processor {min(cpu):8.2f}",
        flush=True,
    )
    return min(wall), min(cpu)


def per_step(many, one, steps):
    """Take the start off, for wall and processor time; milliseconds a step."""
    return [(everything - single) / (steps - 1) * 1e3 for everything, single in zip(many, one, strict=True)]


def overhead(parent, steps, rounds):
    ours, bare = [], []
    for _ in range(rounds):
        ours.append(per_step(of_pipespec(parent, steps), of_pipespec(parent, 1), steps))
        bare.append(per_step(of_mlflow(parent, steps), of_mlflow(parent, 1), steps))
    print(f"Cold run of {steps} steps, milliseconds a step")
    best, reference = show("pipespec", ours), show("bare MLflow (reference)", bare)
    print(f"  ratio {best[0] / reference[0]:.2f} wall, {best[1] / reference[1]:.2f} processor")


def pauses(parent, steps, rounds):
    found = {1: [], 2: []}
    for _ in range(rounds):
        for workers, figures in found.items():
            many = of_pipespec(parent, steps, workers=workers, pause=0.05)
            figures.append(per_step(many, of_pipespec(parent, 1, workers=workers, pause=0.05), steps))
    print(f"{steps} steps of 50 ms, milliseconds a step")
    one, two = (show(f"-j {workers}", figures) for workers, figures in found.items())
    print(f"  ratio {two[0] / one[0]:.2f} wall")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pause", action="store_true")
    asked = parser.parse_args()
    print(f"Python {sys.version.split()[0]}")
    with tempfile.TemporaryDirectory() as folder:
        of_pipespec(Path(folder), 1)  # bytecode
        of_mlflow(Path(folder), 1)
        (pauses if asked.pause else overhead)(Path(folder), asked.steps, asked.rounds)


if __name__ == "__main__":
    main()
