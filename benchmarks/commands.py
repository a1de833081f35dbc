"""What the light commands take: the start, `validate`, `plan`, a run with nothing to do; and a large store.

    python benchmarks/commands.py [--rounds 7] [--only start,validate,idle,changes,store,history,long]

References: a Python that imports click and ruamel.yaml and does nothing; plain Luigi over as many file targets, all
there; doit, which has done the same steps, in an environment that `race.py` makes; for the store of 100,000 runs, whose runs
have witnesses, the same project in a store of its own. `long` has 10,000 steps: mixed, one chain, one fan.
"""

from __future__ import annotations

import argparse
import itertools
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import python, report, take_turns
from race import doit_command

HERE = Path(__file__).parent
SOMEBODY = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.org")
NOTHING = python("-c", "import click, ruamel.yaml")


def pipespec(*arguments):
    return python("-m", "pipespec", *arguments)


def project(parent, steps, shape="mixed", *options):
    """Make a project by a process of its own, so that this one stays small: a child's peak counts its parent's."""
    folder = parent / f"{shape}{steps}{''.join(options)}"
    take_turns(
        {
            "": python(
                str(HERE / "projects.py"), str(folder), "--steps", str(steps), "--shape", shape, *options
            )
        },
        HERE,
        0,
    )
    return folder


def start(parent, rounds):
    folder = project(parent, 10)
    commands = {
        "import click, ruamel.yaml": NOTHING,
        "pipespec --help": pipespec("--help"),
        "validate, 10 steps": pipespec("validate", "pipeline.yaml"),
    }
    report("Start", take_turns(commands, folder, rounds), "import click, ruamel.yaml")


def validate(parent, rounds):
    folder = project(parent, 1000)
    commands = {
        "import click, ruamel.yaml": NOTHING,
        "validate, 1,000 steps": pipespec("validate", "pipeline.yaml"),
    }
    report("Validate", take_turns(commands, folder, rounds), "import click, ruamel.yaml")


def idle(parent, rounds):
    for steps in (10, 1000):
        folder = project(parent, steps, "mixed", "--complete")
        edited = project(parent / "edited", steps, "mixed", "--complete") / "pipeline.yaml"
        luigi = python(str(HERE / "luigi_reference.py"), str(steps), str(parent / f"targets{steps}"))
        take_turns({"": [*luigi, "--write"]}, folder, 0)
        commands = {
            f"doit, nothing to do, {steps:,} steps": ["env", f"STEPS={steps}", *doit_command()],
            "plain Luigi, file targets, all there": luigi,
            "run, nothing to do": pipespec("run", "pipeline.yaml"),
            "validate, unchanged": pipespec("validate", "pipeline.yaml"),
            "validate, one step edited": pipespec("validate", str(edited)),
            "plan, one param changed": pipespec("plan", str(edited)),
            "plan, unchanged": pipespec("plan", "pipeline.yaml"),
        }
        numbers = itertools.count(1)
        before = {"validate, one step edited": lambda: edit(edited, next(numbers))}  # noqa: B023 - called at once
        figures = take_turns(commands, folder, rounds, before=before)
        report(f"Nothing to do, or little: {steps:,} steps", figures, next(iter(commands)))


def edit(file, number):
    """Give a param of one step a value that it had not before."""
    file.write_text(re.sub(r'{a: -?\d+, b: "x1"}', f'{{a: {-number}, b: "x1"}}', file.read_text()))


def changes(parent, rounds):
    folder = project(parent, 1000, "mixed", "--complete")
    for arguments in (["init", "-q"], ["add", "."], [*SOMEBODY, "commit", "-q", "-m", "first"]):
        subprocess.run(["git", *arguments], cwd=folder, check=True)
    file = folder / "pipeline.yaml"
    (folder / "first.yaml").write_text(file.read_text())
    file.write_text(file.read_text().replace('params: {a: 1, b: "x1"}', 'params: {a: 7, b: "x1"}'))
    commands = {
        "plan, 1,000 steps, one changed": pipespec("plan", "pipeline.yaml"),
        "explain of the step that changed": pipespec("explain", "pipeline.yaml", "s1"),
        "explain of the one below it": pipespec("explain", "pipeline.yaml", "s2"),
        "diff of two files": pipespec("diff", "first.yaml", "pipeline.yaml"),
        "diff with the last commit": pipespec("diff", "pipeline.yaml"),
        "diff of two files, --records": pipespec("diff", "first.yaml", "pipeline.yaml", "--records"),
    }
    report("What changed", take_turns(commands, folder, rounds), "plan, 1,000 steps, one changed")


def store(parent, rounds):
    small = project(parent, 100, "mixed", "--complete", "--others=900") / "pipeline.yaml"
    large = project(parent, 100, "mixed", "--complete", "--others=99900") / "pipeline.yaml"
    for what, arguments in {"run, nothing to do": ["run"], "plan": ["plan"]}.items():
        commands = {
            f"{what}, store of 1,000": pipespec(*arguments, str(small)),
            f"{what}, store of 100,000": pipespec(*arguments, str(large)),
        }
        figures = take_turns(commands, parent, rounds)
        report("A large store, 100 steps, runs with witnesses", figures, next(iter(commands)))


def history(parent, rounds):
    folder = project(parent, 10, "mixed", "--history=10000")
    last = (folder / "last.txt").read_text()
    commands = {
        "import click, ruamel.yaml": NOTHING,
        "compare, 10 of 10,000 runs of a step": pipespec("compare", "pipeline.yaml", "s0"),
        "compare, all of them": pipespec("compare", "pipeline.yaml", "s0", "-n", "10000", "--format", "csv"),
        "lineage, 10,000 runs in a row": pipespec("lineage", "pipeline.yaml", last, "--format", "json"),
    }
    report("A long history", take_turns(commands, folder, rounds), "import click, ruamel.yaml")


def long(parent, rounds):
    for shape in ("mixed", "chain", "fan"):
        folder = project(parent, 10_000, shape, "--complete")
        commands = {
            "import click, ruamel.yaml": NOTHING,
            f"validate, 10,000 steps, {shape}": pipespec("validate", "pipeline.yaml"),
            f"plan, 10,000 complete steps, {shape}": pipespec("plan", "pipeline.yaml"),
            f"run, nothing to do, 10,000 steps, {shape}": pipespec("run", "pipeline.yaml"),
        }
        report(
            f"10,000 steps, {shape}",
            take_turns(commands, folder, min(rounds, 3)),
            "import click, ruamel.yaml",
        )


PARTS = {part.__name__: part for part in (start, validate, idle, changes, store, history, long)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", default=",".join(PARTS))
    asked = parser.parse_args()
    print(f"Python {sys.version.split()[0]}")
    with tempfile.TemporaryDirectory() as folder:
        for part in asked.only.split(","):
            parent = Path(folder) / part
            parent.mkdir()
            PARTS[part](parent, asked.rounds)


if __name__ == "__main__":
    main()
