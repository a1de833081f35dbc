"""Time commands side by side: what is judged and its reference take turns, so that a busy machine slows both.

Gives wall seconds, processor seconds (user and system) and peak memory of each; minima are what the code costs,
medians what a user waits. Bytecode is kept, as an installed package has it: the first round is not counted.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Figures", "python", "report", "take_turns"]

BYTECODE = str(Path(tempfile.gettempdir(), f"pipespec-benchmarks-{os.getuid()}"))


@dataclass(slots=True)
class Figures:
    """What a command took, one entry for each round: seconds, processor seconds, MB at most."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"min {min(self.wall):7.3f} s  median {statistics.median(self.wall):7.3f} s  "
            f"processor {min(self.cpu):7.3f} s  {max(self.memory):5.0f} MB"
        )


def python(*arguments: str) -> list[str]:
    """Return the command line of this interpreter."""
    return [sys.executable, *arguments]


def take_turns(
    commands: Mapping[str, Sequence[str]],
    folder: Path,
    rounds: int,
    *,
    first: bool = False,
    before: Mapping[str, Callable[[], None]] | None = None,
) -> dict[str, Figures]:
    """Run each command once unseen (but with `first`), then `rounds` times, one after the other.

    `before` has what is done before a command each time, such as an edit; it is not timed.
    """
    figures = {name: Figures() for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            if before is not None and name in before:
                before[name]()
            wall, cpu, memory = _run(command, folder)
            if number or first:
                figures[name].wall.append(wall)
                figures[name].cpu.append(cpu)
                figures[name].memory.append(memory)
    return figures


def report(title: str, figures: Mapping[str, Figures], reference: str) -> None:
    """Print the figures of each command, and how they compare with the reference."""
    print(title)
    for name, found in figures.items():
        base = figures[reference]
        ratio = f"{min(found.wall) / min(base.wall):5.2f} x wall  {min(found.cpu) / min(base.cpu):5.2f} x processor"
        print(f"  {name:42} {found}  {'(reference)' if name == reference else ratio}", flush=True)


def _run(command: Sequence[str], folder: Path) -> tuple[float, float, float]:
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    variables |= {"PYTHONPYCACHEPREFIX": BYTECODE, "MLFLOW_DISABLE_TELEMETRY": "true"}
    began = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, cwd=folder, env=variables, stdout=said, stderr=said)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            sys.exit(f"{command} failed:\n{said.read().decode(errors='replace')[-2000:]}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
