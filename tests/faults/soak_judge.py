"""Judges what a soak left: reads MLflow's databases, the artifact folders and the notes itself, through no code of ours.

Takes the records of the soak and those of a clean run, the notes that steps wrote, and folders; gives a list of what is wrong.
"""

import os
import re
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fault_judge import Published, published_runs

_HALF_DONE = re.compile(r"\.part-|^\.pipespec-|^pipespec-|\.tmp$")
"""Names of what only a process that is at work may have."""


@dataclass(frozen=True)
class Store:
    """MLflow's database, and where the artifacts are that it names."""

    database: Path
    artifacts: Path | None = None
    """None where URIs are paths, else the folder of the server's artifacts."""

    def query(self, statement: str) -> list[tuple]:
        with sqlite3.connect(f"file:{self.database}?mode=ro", uri=True) as database:
            rows = database.execute(statement).fetchall()
        database.close()
        return rows

    def folder_of(self, uri: str) -> str:
        if self.artifacts is None:
            return uri.removeprefix("file://")
        return str(self.artifacts / re.sub(r"^mlflow-artifacts:/+", "", uri))

    def published(self) -> list[Published]:
        return published_runs(self.query, self.folder_of)


def records_wrong(soaked: Store, clean: Store) -> list[str]:
    """Each key is published once, with the params, metrics and files that a clean run gives it; nothing else is, nothing RUNNING."""
    try:
        found, expected = soaked.published(), {run.key: run for run in clean.published()}
    except AssertionError as error:
        return [f"a published run is not whole: {error}"]
    wrong = [
        f"{count} runs of {step} with key {key[:12]} are FINISHED"
        for (step, key), count in Counter((run.step, run.key) for run in found).items()
        if count > 1
    ]
    kept = {run.key: run for run in found}
    wrong += [f"{expected[key].step} with key {key[:12]} is not there" for key in expected.keys() - kept]
    wrong += [f"{kept[key].step} has key {key[:12]}, unlike a clean run" for key in kept.keys() - expected]
    for key in expected.keys() & kept:
        for what in ("step", "params", "metrics", "files"):
            is_, should = getattr(kept[key], what), getattr(expected[key], what)
            if is_ != should:
                wrong.append(f"{what} of {kept[key].step} are {is_}, in a clean run {should}")
    running = soaked.query("select name from runs where status = 'RUNNING'")
    return wrong + [f"run {name!r} is RUNNING" for (name,) in running]


def executions_wrong(lines: Sequence[str], clean: Sequence[str]) -> tuple[list[str], dict[str, int]]:
    """In each round the steps of a clean run ended at least once, never two at a time, and began anew only where a fault was before.

    Lines are as they were appended: `ROUND n`, `STRIKE what host`, `START step host pid`, `END step host pid`, `BESIDE step host`.
    """
    wrong: list[str] = []
    counts = Counter(line.split()[0] for line in lines)
    last: dict[str, str] = {}
    """The host that began a step last, as long as no fault struck there since."""
    ended: set[str] = set()
    expected, number = _ended_in_rounds(clean), ""

    def close() -> None:
        if ended != expected.get(number, set()):
            wrong.append(f"round {number}: {_named(ended)} ended, in a clean run {_named(expected[number])}")

    for line in lines:
        word, *rest = line.split()
        if word == "ROUND":
            close()
            number, last, ended = rest[0], {}, set()
        elif word == "STRIKE":
            last = {step: host for step, host in last.items() if host != rest[-1]}
        elif word == "BESIDE":
            wrong.append(f"round {number}: {rest[0]} began on {rest[1]} while it executed elsewhere")
        elif word == "START":
            if rest[0] in last:
                wrong.append(
                    f"round {number}: {rest[0]} began on {rest[1]}, though {last[rest[0]]} had done it unharmed"
                )
            last[rest[0]] = rest[1]
        elif word == "END":
            ended.add(rest[0])
    close()
    return wrong, {"began": counts["START"], "ended": counts["END"]}


def _ended_in_rounds(lines: Sequence[str]) -> dict[str, set[str]]:
    rounds: dict[str, set[str]] = {}
    ended: set[str] = set()
    for line in lines:
        word, *rest = line.split()
        if word == "ROUND":
            ended = rounds.setdefault(rest[0], set())
        elif word == "END":
            ended.add(rest[0])
    return rounds


def _named(steps: set[str]) -> str:
    return ", ".join(sorted(steps)) or "nothing"


def leftovers(folders: Iterable[Path]) -> list[str]:
    """Return files and folders that only processes at work have, and sockets."""
    found = []
    for folder in folders:
        for place, folders_here, files in os.walk(folder):
            for name in [*folders_here, *files]:
                path = Path(place, name)
                if _HALF_DONE.search(name) or path.is_socket() or path.parent.name == "staging":
                    found.append(str(path))
    return found
