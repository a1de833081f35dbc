"""Luigi's side of a rendered module: one task for each step, one task above them all, and Luigi's command.

A task answers for its step by asking the pipeline's `RecordClient`. Nothing of pipespec or MLflow is open in Luigi's
processes. Settings that Luigi reads from luigi.cfg and that have a bad default, namely its exit codes and the available
amounts of resources, are set here unless luigi.cfg sets them.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Final, NoReturn

import luigi
import luigi.cmdline_parser
import luigi.configuration
import luigi.retcodes

from pipespec.engine.places.machine_memory import machine_memory
from pipespec.runtime.record_client import UnanswerableError
from pipespec.runtime.rendered_pipeline import Pipeline, Step
from pipespec.spec.resource_amounts import MEMORY

__all__ = ["PipelineTask", "StepTask", "main"]

_EXIT_CODES: Final = {
    "already_running": 10,
    "missing_data": 20,
    "not_run": 25,
    "task_failed": 30,
    "scheduling_error": 35,
    "unhandled_exception": 40,
}
"""The exit codes that Luigi's documentation recommends. Luigi's default is 0, whatever happened."""


class _Task(luigi.Task):  # type: ignore[misc]  # Luigi is untyped
    """What both kinds of tasks share. They have no Luigi parameters, because the module contains everything."""

    def output(self) -> list[luigi.Target]:
        """Return no target: a step's results are in MLflow, and `complete` says whether they exist."""
        return []

    def to_str_params(self, *_args: object, **_kwargs: object) -> dict[str, str]:
        """Return what Luigi displays and uses for the task's id. It is different in each process."""
        return self._shown()

    def _shown(self) -> dict[str, str]:
        raise NotImplementedError


class StepTask(_Task):
    """One step of a rendered pipeline."""

    step: ClassVar[Step]

    def complete(self) -> bool:
        """Return whether MLflow has a finished run with the step's key."""
        with _in_one_line():
            return self.step.pipeline.client.is_complete(self.step.id)

    def run(self) -> None:
        """Execute the step in a separate process, and record it as pipespec does.

        Raises:
            StepFailedError: with the user's error.
        """
        self.step.pipeline.client.run(self.step.id)

    @property
    def priority(self) -> int:
        """The priority of the step."""
        return self.step.stated.priority

    @property
    def resources(self) -> Mapping[str, int]:
        """The resources that the step declares."""
        return dict(self.step.stated.resources)

    def _shown(self) -> dict[str, str]:
        shown = {name: str(value) for name, value in self.step.params.items()}
        token, name = self.step.pipeline.token, self.step.pipeline.name
        params = json.dumps(shown, ensure_ascii=False)
        return {"invocation": token, "pipeline": name, "step": self.step.id, "params": params}


class PipelineTask(_Task):
    """The whole rendered pipeline."""

    pipeline: ClassVar[Pipeline]

    def __init_subclass__(cls) -> None:
        """Pass Luigi settings that its configuration does not contain."""
        super().__init_subclass__()
        _configure({MEMORY: machine_memory(), **cls.pipeline.resources})

    def complete(self) -> bool:
        """Plan, and return whether every step is complete."""
        with _in_one_line():
            return self.pipeline.client.plan()

    def _shown(self) -> dict[str, str]:
        return {"invocation": self.pipeline.token, "pipeline": self.pipeline.name}


@contextlib.contextmanager
def _in_one_line() -> Iterator[None]:
    """If Luigi's command asks, print one line and set an exit code, instead of a page of traceback."""
    try:
        yield
    except UnanswerableError as error:
        is_command = luigi.cmdline_parser.CmdlineParser.get_instance() is not None
        if not is_command or multiprocessing.parent_process() is not None:
            raise
        sys.stderr.write(f"error: {error}\n")
        raise SystemExit(error.code) from error


def _configure(resources: Mapping[str, int]) -> None:
    configuration = luigi.configuration.get_config()
    is_toml = isinstance(configuration, luigi.configuration.LuigiTomlParser)
    for section, options in (("resources", resources), ("retcode", _EXIT_CODES)):
        for option, value in options.items():
            if not configuration.has_option(section, option):
                configuration.set(section, option, value if is_toml else str(value))


def main(task: type[PipelineTask], arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a pipeline as Luigi's command does, with Luigi's options, and exit with its code."""
    given = sys.argv[1:] if arguments is None else arguments
    luigi.retcodes.run_with_retcodes([task.get_task_family(), *given])
    raise SystemExit(0)
