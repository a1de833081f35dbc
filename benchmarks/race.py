"""The same steps in pipespec, doit, plain Luigi and a hand-written Luigi task with an MLflow run for each step.

    python benchmarks/race.py [--steps 10,100] [--alone 1000] [--server 50] [--rounds 3] [--environments FOLDER]

Chains of three steps that do nearly nothing; first cold, in an empty folder, then again with one param changed, where the
tool can tell. All take turns, so a busy machine slows all. Each competitor has a virtual environment of its own in
FOLDER, which is made where it is not there; the native programs are in `benchmarks/native/`. What takes long for the others
pipespec runs alone, in one round; and records on a tracking server, beside bare calls of MLflow's client. At the end stands
what was measured beside the goals. An empty list, or 0, leaves a part out.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from measure import Figures, python, take_turns
from projects import write_pipeline
from tracking_server import tracking_server

NATIVE = Path(__file__).parent.absolute() / "native"
BARE = str(Path(__file__).parent.absolute() / "mlflow_reference.py")
OURS = "pipespec"
GOALS = {
    "10 steps, cold": 1.0,
    "100 steps, cold": 1.5,
    "1000 steps, cold": 7.0,
    "10 steps, one param changed": 0.5,
    "100 steps, one param changed": 0.8,
    "1000 steps, one param changed": 3.5,
    "50 steps on a server, cold": 5.0,
    "50 steps on a server, nothing to do": 0.4,
}
"""Seconds."""
MEMORY = {"1000 steps, cold": 70}
"""MB."""
PACKAGES = {"doit": ["doit"], "luigi": ["luigi"], "luigi-mlflow": ["luigi", "mlflow>=3.17,<4"]}


class Competitor:
    """A tool in an environment; `change` says whether it sees that a param changed."""

    def __init__(self, name, command, *, change=True):
        self.name, self.command, self.change = name, command, change

    def prepare(self, folder, _steps):
        folder.mkdir()

    def edit(self, _folder):
        os.environ["CHANGED"] = "1"


class Ours(Competitor):
    def prepare(self, folder, steps):
        write_pipeline(folder, steps)

    def edit(self, folder):
        file = folder / "pipeline.yaml"
        file.write_text(file.read_text().replace("{a: 1,", "{a: -1,"))


ENVIRONMENTS = Path(tempfile.gettempdir(), "pipespec-race")


def doit_command(environments=ENVIRONMENTS):
    """Return what runs doit in the working directory, with STEPS in the environment."""
    return [python_of("doit", environments), "-m", "doit", "-f", str(NATIVE / "doit_steps.py"), "--dir", "."]


def python_of(name, environments):
    """Return the interpreter of a competitor's environment, which is made where it is not there."""
    found, made = environments / name / "bin" / "python", environments / name / "made"
    if not made.exists():
        venv.create(environments / name, clear=True, with_pip=True)
        subprocess.run([found, "-m", "pip", "install", "--quiet", *PACKAGES[name]], check=True)
        made.touch()
    return str(found)


def competitors(environments):
    def python(name):
        return python_of(name, environments)

    return [
        Ours(OURS, [sys.executable, "-m", "pipespec", "run", "pipeline.yaml", "-j", "1"]),
        Competitor("doit", doit_command(environments)),
        Competitor("Luigi, files only", [python("luigi"), str(NATIVE / "luigi_files.py")], change=False),
        Competitor("Luigi + MLflow by hand", [python("luigi-mlflow"), str(NATIVE / "luigi_mlflow.py")]),
    ]


def race(steps, rounds, field, parent):
    """Run all tools in turns, cold and changed; give what pipespec took."""
    os.environ["STEPS"] = str(steps)
    cold = {each.name: Figures() for each in field}
    changed = {each.name: Figures() for each in field if each.change}
    for number in range(rounds):
        for each in field:
            folder = parent / f"{number}-{each.name}"
            each.prepare(folder, steps)
            os.environ.pop("CHANGED", None)
            run_once(each.command, folder, cold[each.name])
            if each.change:
                each.edit(folder)
                run_once(each.command, folder, changed[each.name])
            shutil.rmtree(folder)
    os.environ.pop("CHANGED", None)
    show(f"{steps} steps, cold", cold)
    show(f"{steps} steps, one param changed", changed)
    return {f"{steps} steps, cold": cold[OURS], f"{steps} steps, one param changed": changed[OURS]}


def on_server(steps, rounds, ours, parent):
    """Record on a tracking server, in turns with the bare calls of MLflow's client; the first round only wakes the server."""
    cold = {OURS: Figures(), "bare calls of MLflow's client": Figures()}
    idle = {OURS: Figures()}
    with tracking_server(parent / "server") as url:
        os.environ["MLFLOW_TRACKING_URI"] = url
        for number in range(rounds + 1):
            folder = parent / f"server-{number}"
            write_pipeline(folder, steps)
            file = folder / "pipeline.yaml"
            file.write_text(file.read_text().replace('b: "x', f'b: "{number}x'))  # else all is complete
            (folder / "bare").mkdir()
            seen = (cold[OURS], idle[OURS], cold["bare calls of MLflow's client"])
            for into, command, where in zip(
                seen if number else (Figures(),) * 3,
                (ours.command, ours.command, python(BARE, str(steps), url)),
                (folder, folder, folder / "bare"),
                strict=True,
            ):
                run_once(command, where, into)
        del os.environ["MLFLOW_TRACKING_URI"]
    show(f"{steps} steps on a server, cold", cold)
    show(f"{steps} steps on a server, nothing to do", idle)
    return {
        f"{steps} steps on a server, cold": cold[OURS],
        f"{steps} steps on a server, nothing to do": idle[OURS],
    }


def run_once(command, folder, figures):
    (found,) = take_turns({"": command}, folder, 0, first=True).values()
    figures.wall += found.wall
    figures.cpu += found.cpu
    figures.memory += found.memory


def show(title, figures):
    print(
        f"\n| {title} | wall, min / median | processor | memory of the largest process |\n|---|---|---|---|"
    )
    for name, found in figures.items():
        wall = f"{min(found.wall):.2f} / {statistics.median(found.wall):.2f} s"
        print(f"| {name} | {wall} | {min(found.cpu):.2f} s | {max(found.memory):.0f} MB |", flush=True)


def compare(measured):
    print("\n| pipespec, `-j 1` | goal | measured | |\n|---|---|---|---|")
    for title, found in measured.items():
        rows = [(GOALS.get(title), min(found.wall), "s"), (MEMORY.get(title), max(found.memory), "MB")]
        for goal, value, unit in rows:
            if goal is not None:
                word = "met" if value <= goal else "**missed**"
                print(f"| {title} | {goal:g} {unit} | {value:.3g} {unit} | {word} |")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", default="10,100")
    parser.add_argument("--alone", default="1000")
    parser.add_argument("--server", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--environments", type=Path, default=ENVIRONMENTS)
    asked = parser.parse_args()
    field = competitors(asked.environments.absolute())
    measured = {}
    with tempfile.TemporaryDirectory() as name:
        parent = Path(name)
        for each in field:  # bytecode, and the empty store that projects are given a copy of
            os.environ["STEPS"] = "1"
            each.prepare(folder := parent / f"first-{each.name}", 1)
            run_once(each.command, folder, Figures())
        for steps in numbers(asked.steps):
            measured |= race(steps, asked.rounds, field, parent)
        for steps in numbers(asked.alone):
            measured |= race(steps, 1, field[:1], parent)
        if asked.server:
            measured |= on_server(asked.server, asked.rounds, field[0], parent)
    compare(measured)


def numbers(text):
    return [int(number) for number in text.split(",") if number]


if __name__ == "__main__":
    main()
