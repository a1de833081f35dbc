"""Runs that are read from a server before the plan asks for them, so that few requests are needed.

Takes runs as they are read. Returns candidates for keys. It is used while a plan is made, and is dropped when something
is about to be claimed: from then on, each answer must be as new as its question.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from pipespec.tracking import record_names
from pipespec.tracking.reading.record_selection import Candidate
from pipespec.tracking.run_facts import RunFacts

__all__ = ["ReadAhead"]


class ReadAhead:
    """Guessed runs, and the newest published runs."""

    def __init__(self) -> None:
        self._guesses: set[str] = set()
        self._guessed: dict[str, RunFacts] = {}
        self._newest: defaultdict[str, list[RunFacts]] = defaultdict(list)
        self._steps: set[str] = set()
        self.has_newest = False
        self.is_whole = False
        """True if no published run is missing."""

    @property
    def has_any_guess(self) -> bool:
        """True if any guess was right."""
        return bool(self._guessed)

    def has_guess(self, key: str) -> bool:
        """Return whether a run was guessed for a key, right or wrong."""
        return key in self._guesses

    def add_guesses(self, guesses: Collection[str], runs: Mapping[str, RunFacts]) -> None:
        """Add the keys for which runs were guessed, and the runs of the right guesses."""
        self._guesses.update(guesses)
        self._guessed.update(runs)

    def add_newest(self, runs: Iterable[RunFacts], *, whole: bool) -> None:
        """Add the newest published runs. `whole` says that they are all runs."""
        self.has_newest, self.is_whole = True, whole
        for run in runs:
            for tag in run.tags:
                if tag.startswith(f"{record_names.KEY}."):
                    self._newest[tag.removeprefix(f"{record_names.KEY}.")].append(run)
                elif tag.startswith(record_names.NAME):
                    self._steps.add(tag)

    def guessed(self, keys: Collection[str]) -> list[Candidate]:
        """Return the runs that were guessed for these keys."""
        return [(key, self._guessed[key]) for key in keys if key in self._guessed]

    def newest(self, keys: Collection[str]) -> list[Candidate]:
        """Return those of the newest runs that have these keys."""
        return [(key, run) for key in keys for run in self._newest.get(key, ())]

    def finished(self, steps: Collection[str]) -> set[str]:
        """Return those of these declared step names that any of the newest runs has."""
        return {step for step in steps if record_names.name_tag(step) in self._steps}
