"""A plan as Luigi tasks: one task for each step, and one task above them all for the pipeline.

Takes the dependencies of the steps and what is complete, as a `TaskGraph`. Returns tasks that use only that graph. Two
importable classes serve all steps: a class created for each step could neither be pickled nor found again, and a user's
param could then hide what Luigi calls `output` or `run`.
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
"""Maximum number of complete steps that a luigid is told of: it takes 4 ms for each."""


@dataclass(eq=False)
class TaskGraph:
    """What Luigi may know about one run: the graph, and which steps are complete.

    `invocation` is unique to the run, so that no two runs ever share a task id, on one luigid or in one process.
    `upstream` maps every step of the run, in plan order, to the steps for which it waits. `shown` are a step's params
    as JSON. `priorities` are raised to those of all steps that wait. `complete` belongs to the run and grows with it.
    """

    invocation: str
    pipeline: str
    upstream: Mapping[str, tuple[str, ...]]
    shown: Mapping[str, str] = field(default_factory=dict)
    priorities: Mapping[str, int] = field(default_factory=dict)
    resources: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    complete: Container[str] = frozenset()
    shows_reused: bool = False
    """Whether Luigi is also told of steps that are complete from the beginning, for users who watch it."""
    _tasks: dict[str, StepTask] = field(default_factory=dict)

    def task(self, step: str) -> StepTask:
        """Return the only task of a step."""
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
        """True if nothing is left to run."""
        return all(step in self.complete for step in self.upstream)

    def root(self) -> PipelineTask:
        """Return the task above all steps, the only one that is passed to Luigi."""
        return PipelineTask(digest=self._digest(""), invocation=self.invocation, pipeline=self.pipeline)

    def positions(self) -> dict[str, int]:
        """Map the task id of each step that is not complete to its position in the plan."""
        return {
            self.task(step).task_id: position
            for position, step in enumerate(self.upstream)
            if step not in self.complete
        }

    def _digest(self, step: str) -> str:
        return hashlib.sha256(f"{self.invocation}\0{step}".encode()).hexdigest()


def raised_priorities(upstream: dict[str, tuple[str, ...]], own: Mapping[str, int]) -> dict[str, int]:
    """Raise each step's priority to that of the most urgent step that waits for it, directly or indirectly.

    `upstream` is in topological order. Steps that are not in `own` have priority 0.
    """
    raised = {step: own.get(step, 0) for step in upstream}
    for step, waits in reversed(upstream.items()):
        for above in waits:
            raised[above] = max(raised[above], raised[step])
    return raised


_graphs: dict[str, TaskGraph] = {}
"""The graphs of the active runs in this process. Luigi's tasks contain only text, and use it to find their graph."""


@contextmanager
def open_task_graph(graph: TaskGraph) -> Iterator[TaskGraph]:
    """Let tasks find this graph until the run is over."""
    _graphs[graph.invocation] = graph
    try:
        yield graph
    finally:
        del _graphs[graph.invocation]
        # Luigi keeps every instance that was ever created; a notebook would accumulate 10,000 per run.
        StepTask.clear_instance_cache()


class _BoardTask(luigi.Task):  # type: ignore[misc]  # Luigi is untyped
    """What both kinds of tasks share: significant text, and the graph that it identifies.

    `digest` is the first name in the alphabet: a task id contains 40 bits of a hash and the first 16 characters of the
    three params that are first by name. Therefore these make it unique.
    """

    task_namespace = "pipespec"
    digest = luigi.Parameter(significant=True)
    invocation = luigi.Parameter()
    pipeline = luigi.Parameter()

    @classmethod
    @functools.cache
    def get_params(cls) -> list[tuple[str, luigi.Parameter]]:
        """Return Luigi's answer, which is looked up only once: Luigi searches the whole class, several times per task."""
        return super().get_params()  # type: ignore[no-any-return]  # Luigi is untyped

    @property
    def task_family(self) -> str:
        """The name that a luigid displays. Luigi finds the class in another way."""
        return str(self.pipeline)

    @property
    def graph(self) -> TaskGraph:
        """The run to which the task belongs."""
        return _graphs[self.invocation]

    def output(self) -> list[luigi.Target]:
        """Return no target: a step's results are in MLflow, and `complete` says whether they exist."""
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
        """Return the params for the task's id, or those that a luigid displays: the step's params first."""
        ours: dict[str, str] = super().to_str_params(only_significant, only_public)
        if only_significant:
            return ours
        own = {name: _shown(value) for name, value in json.loads(ours.pop("params") or "{}").items()}
        return {
            **own,
            **{name if name not in own else f"pipespec.{name}": text for name, text in ours.items()},
        }

    def complete(self) -> bool:
        """Look up the step in the run's graph."""
        return self.step in self.graph.complete

    def requires(self) -> list[StepTask]:
        """Return the tasks of the steps for which this one waits, according to the plan."""
        graph = self.graph
        return [graph.task(upstream) for upstream in graph.upstream[self.step]]

    @property
    def priority(self) -> int:
        """The priority of the step, or of the most urgent step that waits for it."""
        return self.graph.priorities.get(self.step, 0)

    @property
    def resources(self) -> dict[str, int]:
        """The resources that the step declares."""
        return dict(self.graph.resources.get(self.step, {}))


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


class PipelineTask(_BoardTask):
    """The whole pipeline: complete if all its steps are.

    Luigi visits everything below each task that is passed to it, so only this task is passed.
    """

    def complete(self) -> bool:
        """Return whether nothing is left to run."""
        return self.graph.is_complete

    def requires(self) -> list[StepTask]:
        """Return the steps that are not complete, in plan order, and the complete ones that must be displayed."""
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
