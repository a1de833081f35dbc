"""A plan as Luigi tasks: one task a step, and one above them all that stands for the pipeline.

Takes who waits for whom and what is complete, as a `TaskGraph`; gives tasks that ask nothing but that graph.
Two importable classes serve all steps: a class made per step could neither be pickled nor found again, and a
user's param could then shadow what Luigi calls `output` or `run`.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import luigi

from pipespec.tracking.record_names import declared

__all__ = ["PipelineTask", "StepTask", "TaskGraph", "open_task_graph", "raised_priorities"]


_MOST_REUSED: Final = 500
"""So many of them are told: a luigid takes 4 ms for each."""


@dataclass(eq=False)
class TaskGraph:
    """What Luigi may know of one run: the graph, and which steps are complete.

    `invocation` is unique to the run, so that no two runs ever share a task id, on one luigid or in one process.
    `upstream` maps every step of the run, in plan order, to those that it waits for; `shown` are a
    step's params as JSON; `priorities` are raised to those of all that wait; `complete` is the run's own and grows with it.
    """

    invocation: str
    pipeline: str
    upstream: Mapping[str, tuple[str, ...]]
    shown: Mapping[str, str] = field(default_factory=dict)
    priorities: Mapping[str, int] = field(default_factory=dict)
    resources: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    complete: Container[str] = frozenset()
    shows_reused: bool = False
    """Whether Luigi is told of steps that are complete from the beginning, too: for whoever watches it."""
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


_graphs: dict[str, TaskGraph] = {}
"""The graphs of the runs that go on in this process: Luigi's tasks carry text only, and find theirs by it."""


@contextmanager
def open_task_graph(graph: TaskGraph) -> Iterator[TaskGraph]:
    """Let tasks find this graph until the run is over."""
    _graphs[graph.invocation] = graph
    try:
        yield graph
    finally:
        del _graphs[graph.invocation]
        # Luigi keeps every instance that was ever made; a notebook would collect 10,000 a run.
        StepTask.clear_instance_cache()


class _BoardTask(luigi.Task):  # type: ignore[misc]  # Luigi is untyped
    """What both kinds of tasks share: significant text, and the graph that it leads to.

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
        return super().get_params()  # type: ignore[no-any-return]  # Luigi is untyped

    @property
    def task_family(self) -> str:
        """What a luigid shows as the name; Luigi finds the class by another way."""
        return str(self.pipeline)

    @property
    def graph(self) -> TaskGraph:
        """The run that the task belongs to."""
        return _graphs[self.invocation]

    def output(self) -> list[luigi.Target]:
        """Name no target: what a step makes is in MLflow, and `complete` says whether it is there."""
        return []


class StepTask(_BoardTask):
    """One step of a plan."""

    step = luigi.Parameter()
    params = luigi.Parameter()

    @property
    def task_family(self) -> str:
        """The declared name of the step."""
        return declared(self.step)

    def to_str_params(self, only_significant: bool = False, only_public: bool = False) -> dict[str, str]:  # noqa: FBT001, FBT002 - Luigi's signature
        """Return what makes the task's id, or else what a luigid shows: the step's params first."""
        ours: dict[str, str] = super().to_str_params(only_significant, only_public)
        if only_significant:
            return ours
        own = {name: _shown(value) for name, value in json.loads(ours.pop("params") or "{}").items()}
        return {
            **own,
            **{name if name not in own else f"pipespec.{name}": text for name, text in ours.items()},
        }

    def complete(self) -> bool:
        """Look the step up on the run's graph."""
        return self.step in self.graph.complete

    def requires(self) -> list[StepTask]:
        """Return the tasks of the steps that this one waits for, as the plan says."""
        graph = self.graph
        return [graph.task(upstream) for upstream in graph.upstream[self.step]]

    @property
    def priority(self) -> int:
        """The step's own, or that of the most urgent step that waits for it."""
        return self.graph.priorities.get(self.step, 0)

    @property
    def resources(self) -> dict[str, int]:
        """What the step declares."""
        return dict(self.graph.resources.get(self.step, {}))


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


class PipelineTask(_BoardTask):
    """The whole pipeline: complete when all its steps are.

    Luigi walks everything below each task that it is handed, so it is handed this one alone.
    """

    def complete(self) -> bool:
        """Say whether nothing is left."""
        return self.graph.is_complete

    def requires(self) -> list[StepTask]:
        """Return what is not complete, in plan order, and what is and is to be seen."""
        graph = self.graph
        reused = _MOST_REUSED if graph.shows_reused else 0
        told = []
        for step in graph.upstream:
            if step in graph.complete:
                reused -= 1
                if reused < 0:
                    continue
            told.append(graph.task(step))
        return told
