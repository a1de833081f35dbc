"""A plan as Luigi tasks: one task a step, and one above them all that stands for the pipeline.

Takes who waits for whom and what is complete, as a `Board`; gives tasks that ask nothing but that board.
Two importable classes serve all steps: a class made per step could neither be pickled nor found again, and a
user's param could then shadow what Luigi calls `output` or `run`.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import luigi

__all__ = ["Board", "PipelineTask", "StepTask", "open_board", "raised_priorities"]


@dataclass(eq=False)
class Board:
    """What Luigi may know of one run: the graph, and which steps are complete.

    `invocation` is unique to the run, so that no two runs ever share a task id, on one luigid or in one process.
    `upstream` maps every step of the run, in plan order, to those that it waits for; `shown` is the text of a
    step's params; `priorities` are raised to those of all that wait; `complete` is the run's own and grows with it.
    """

    invocation: str
    pipeline: str
    upstream: Mapping[str, tuple[str, ...]]
    shown: Mapping[str, str] = field(default_factory=dict)
    priorities: Mapping[str, int] = field(default_factory=dict)
    resources: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    complete: Container[str] = frozenset()
    _tasks: dict[str, StepTask] = field(default_factory=dict)

    def task(self, step: str) -> StepTask:
        """Return the one task of a step."""
        found = self._tasks.get(step)
        if found is None:
            found = self._tasks[step] = StepTask(
                digest=self._digest(step),
                invocation=self.invocation,
                pipeline=self.pipeline,
                step=step,
                params=self.shown.get(step, ""),
            )
        return found

    @property
    def is_complete(self) -> bool:
        """True when nothing is left to run."""
        return all(step in self.complete for step in self.upstream)

    def root(self) -> PipelineTask:
        """Return the task above all steps, the only one that Luigi is handed."""
        return PipelineTask(digest=self._digest(""), invocation=self.invocation, pipeline=self.pipeline)

    def positions(self) -> dict[str, int]:
        """Map the task id of each step that is not complete to its place in the plan."""
        return {
            self.task(step).task_id: position
            for position, step in enumerate(self.upstream)
            if step not in self.complete
        }

    def _digest(self, step: str) -> str:
        return hashlib.sha256(f"{self.invocation}\0{step}".encode()).hexdigest()


def raised_priorities(upstream: dict[str, tuple[str, ...]], own: Mapping[str, int]) -> dict[str, int]:
    """Raise each step's priority to that of the most urgent step that waits for it, near or far.

    `upstream` is in topological order; steps that `own` does not name have 0.
    """
    raised = {step: own.get(step, 0) for step in upstream}
    for step, waits in reversed(upstream.items()):
        for above in waits:
            raised[above] = max(raised[above], raised[step])
    return raised


_boards: dict[str, Board] = {}
"""The boards of the runs that go on in this process: Luigi's tasks carry text only, and find theirs by it."""


@contextmanager
def open_board(board: Board) -> Iterator[Board]:
    """Let tasks find this board until the run is over."""
    _boards[board.invocation] = board
    try:
        yield board
    finally:
        del _boards[board.invocation]
        # Luigi keeps every instance that was ever made; a notebook would collect 10,000 a run.
        StepTask.clear_instance_cache()


class _BoardTask(luigi.Task):  # type: ignore[misc]  # Luigi is untyped
    """What both kinds of tasks share: significant text, and the board that it leads to.

    `digest` comes first by name: a task id holds 40 bits of a hash and the first 16 characters of the three
    params that come first by name, so these make it unique.
    """

    task_namespace = "pipespec"
    digest = luigi.Parameter(significant=True)
    invocation = luigi.Parameter()
    pipeline = luigi.Parameter()

    @classmethod
    @functools.cache
    def get_params(cls) -> list[tuple[str, luigi.Parameter]]:
        """Return Luigi's answer, looked up once: it searches the whole class, several times a task."""
        return super().get_params()  # type: ignore[no-any-return]

    @property
    def board(self) -> Board:
        """The run that the task belongs to."""
        return _boards[self.invocation]

    def output(self) -> list[luigi.Target]:
        """Name no target: what a step makes is in MLflow, and `complete` says whether it is there."""
        return []


class StepTask(_BoardTask):
    """One step of a plan."""

    step = luigi.Parameter()
    params = luigi.Parameter()

    def complete(self) -> bool:
        """Look the step up on the run's board."""
        return self.step in self.board.complete

    def requires(self) -> list[StepTask]:
        """Return the tasks of the steps that this one waits for, as the plan says."""
        board = self.board
        return [board.task(upstream) for upstream in board.upstream[self.step]]

    @property
    def priority(self) -> int:
        """The step's own, or that of the most urgent step that waits for it."""
        return self.board.priorities.get(self.step, 0)

    @property
    def resources(self) -> dict[str, int]:
        """What the step declares."""
        return dict(self.board.resources.get(self.step, {}))


class PipelineTask(_BoardTask):
    """The whole pipeline: complete when all its steps are.

    Luigi walks everything below each task that it is handed, so it is handed this one alone.
    """

    def complete(self) -> bool:
        """Say whether nothing is left."""
        return self.board.is_complete

    def requires(self) -> list[StepTask]:
        """Return what is not complete, in plan order."""
        board = self.board
        return [board.task(step) for step in board.upstream if step not in board.complete]
