"""Execute one run according to its options: `run` does it once, and `watch` repeatedly."""

from __future__ import annotations

import json
from contextlib import nullcontext
from typing import TYPE_CHECKING

from pipespec import api
from pipespec.cli import exit_codes
from pipespec.cli.output import OutputLostError, say, show
from pipespec.frozen_values import frozen
from pipespec.own_process import own_process
from pipespec.views import run_view as view

if TYPE_CHECKING:
    from pipespec import RunReport
    from pipespec.api import Pipeline

__all__ = ["RunOptions", "show_report"]


@frozen
class RunOptions:
    """What a user requests of a run. `command` is the command line."""

    jobs: int | None
    force: tuple[str, ...]
    keep_going: bool | None
    verify: bool
    verbose: bool
    quiet: bool
    scheduler: str | None
    executor: str | None
    dask: str | None
    sweeps: tuple[str, ...]
    report: str | None
    overlays: tuple[str, ...]
    overrides: tuple[str, ...]
    command: str

    def load(self, file: str) -> Pipeline:
        """Load the pipeline with all its layers."""
        return api.load(file, overlays=self.overlays, overrides=self.overrides, sweeps=self.sweeps)

    def run(self, pipeline: Pipeline, targets: tuple[str, ...], *, debug: bool = False) -> RunReport:
        """Run it, and show its progress."""
        from pipespec.cli.progress_display import open_progress

        stream = pipeline.redactor() if self.verbose else None
        # The debugger runs a step's code in this process, and talking to a luigid uses modules that a run otherwise
        # does not need.
        is_own = not debug and self.scheduler is None
        with (
            own_process() if is_own else nullcontext(),
            nullcontext() if self.quiet else open_progress(stream=stream) as progress,
        ):
            return pipeline.run(
                *targets,
                workers=self.jobs,
                force=self.force,
                keep_going=self.keep_going,
                verify=self.verify,
                debug=debug,
                scheduler=self.scheduler,
                executor=self.executor,
                dask=self.dask,
                progress=progress,
                command=self.command,
                report=self.report,
                check=False,
            )


def show_report(done: RunReport, format_: str, command: str, *, quiet: bool) -> int:
    """Print what a run did, and return the exit code, which says how it ended even if it cannot be printed."""
    try:
        _print_report(done, format_, command, quiet=quiet)
    except OutputLostError as error:
        from pipespec.cli.complaints import complain

        complain(error)
    return exit_codes.of_run(done)


def _print_report(done: RunReport, format_: str, command: str, *, quiet: bool) -> None:
    if format_ == "json":
        say(json.dumps(view.to_json(done), indent=2, ensure_ascii=False))
    if quiet and done.succeeded and done.is_registered:
        return
    show(view.render_text(done, command=command), err=format_ == "json")
    from pipespec.views import sweep_view

    if done.points and done.interrupted_by is None:
        show(f"\n{sweep_view.render_text(done.points)}", err=format_ == "json")
