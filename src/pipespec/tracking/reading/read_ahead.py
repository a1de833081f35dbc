"""What is read of a server ahead of the plan's questions, so that it is asked few.

Takes runs as they are read, gives candidates for keys. Holds while a plan is made, and is dropped when something is
about to be claimed: from then on each answer is to be as new as its question.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from pipespec.tracking import record_names
from pipespec.tracking.reading.record_selection import Candidate
from pipespec.tracking.run_facts import RunFacts

__all__ = ["ReadAhead"]


class ReadAhead:
    """Runs that were guessed, and the newest published runs."""

    def __init__(self) -> None:
        self._guesses: set[str] = set()
        self._guessed: dict[str, RunFacts] = {}
        self._newest: defaultdict[str, list[RunFacts]] = defaultdict(list)
        self._steps: set[str] = set()
        self.has_newest = False
        self.is_whole = False
        """True when no published run is missing."""

    @property
    def has_any_guess(self) -> bool:
        """True when any guess was right."""
        return bool(self._guessed)

    def has_guess(self, key: str) -> bool:
        """Tell whether a run was guessed for a key, rightly or not."""
        return key in self._guesses

    def add_guesses(self, guesses: Collection[str], runs: Mapping[str, RunFacts]) -> None:
        """Take in the keys for which runs were guessed, and the runs of those that were guessed rightly."""
        self._guesses.update(guesses)
        self._guessed.update(runs)

    def add_newest(self, runs: Iterable[RunFacts], *, whole: bool) -> None:
        """Take in the newest published runs; `whole` says that they are all."""
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
        """Return those of the newest runs that bear these keys."""
        return [(key, run) for key in keys for run in self._newest.get(key, ())]

    def finished(self, steps: Collection[str]) -> set[str]:
        """Return those of these declared step names that any of the newest runs bears."""
        return {step for step in steps if record_names.name_tag(step) in self._steps}
