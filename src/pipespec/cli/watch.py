"""`pipespec watch`: run, and after changes run the affected steps again."""

from __future__ import annotations

import shlex
import sys
from typing import Any, Final

import click

from pipespec import api
from pipespec.cli.activity_line import hide_activities
from pipespec.cli.carry_out import RunOptions, show_report
from pipespec.cli.complaints import complain
from pipespec.cli.options import file_argument, layers, run_options, targets_argument
from pipespec.cli.output import say
from pipespec.cli.pipeline_command import PipelineCommand
from pipespec.errors import InvalidPipelineError, PipespecError
from pipespec.views.terminal_text import printable

_NAMED: Final = 3
"""Maximum number of changed files that are named."""


@click.command(cls=PipelineCommand)
@file_argument
@targets_argument
@run_options
@layers
def watch(file: str, targets: tuple[str, ...], **options: Any) -> int:
    """Run like 'pipespec run', then wait for changes, and run again the steps that they touch.

    What counts are the pipeline file and its layers, the code of the steps, their inputs, and files that steps opened
    by themselves. Changes within a moment of each other are one. A change during a run starts the next run; a file that
    changes in each run is named, and starts no more. If the pipeline has errors, they are shown, and the next change is waited for. Ctrl-C ends it.

    After a change of .env or of variables, start it again. It needs the package watchfiles: pip install "pipespec[watch]".
    """
    asked = RunOptions(**options, command=shlex.join(["pipespec", *sys.argv[1:]]))
    if asked.quiet and asked.verbose:
        raise click.UsageError("--quiet cannot be combined with --verbose; remove one of them")
    if asked.quiet:
        hide_activities()
    watched = api.watch(file, overlays=asked.overlays, overrides=asked.overrides)
    while True:
        pipeline = None
        try:
            pipeline = asked.load(file)
            watched.note(pipeline.source)
            done = asked.run(pipeline, targets)
        except InvalidPipelineError as invalid:
            watched.note(None if pipeline is None else pipeline.source, invalid)
            complain(invalid)
        except PipespecError as error:
            if pipeline is None:
                raise
            complain(error)
        else:
            rewritten = watched.note_run(pipeline.source, done)
            code = show_report(done, "text", asked.command, quiet=asked.quiet)
            if done.interrupted_by is not None:
                return code
            if rewritten:
                say(_rewritten_text(rewritten), err=True)
        if not asked.quiet:
            say(f"watching {watched.count} files; Ctrl-C ends", err=True)
        changed = watched.wait()
        if not asked.quiet:
            say(_changed_text(changed), err=True)


def _changed_text(names: list[str]) -> str:
    return f"\n{_listed(names)} changed"


def _rewritten_text(names: list[str]) -> str:
    return (
        f"{_listed(names)} changes in each run, so runs would never end: a step seems to write what a step reads; write an output"
        " instead. Until something else changes, nothing runs"
    )


def _listed(names: list[str]) -> str:
    told = ", ".join(map(printable, names[:_NAMED]))
    return told + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
