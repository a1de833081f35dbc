"""`pipespec accept`: keep using past results although code or packages changed, or revoke that."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING

import click

from pipespec import api
from pipespec.cli import exit_codes
from pipespec.cli.options import completed, file_argument, format_option, layers
from pipespec.cli.output import say, show
from pipespec.cli.pipeline_command import PipelineCommand
from pipespec.views import acceptance_view as view

if TYPE_CHECKING:
    from pipespec import Acceptances


@click.command(cls=PipelineCommand)
@file_argument
@click.argument("steps", metavar="STEP...", nargs=-1, required=True, shell_complete=completed("steps"))
@click.option(
    "--why", metavar="TEXT", help="Reason why the result stays the same. It is recorded with your name."
)
@click.option("--revoke", is_flag=True, help="Revoke an earlier acceptance. The step then runs again.")
@click.option(
    "-y", "--yes", is_flag=True, help="Do not ask for confirmation. Without a terminal, there is no question."
)
@click.option("-n", "--dry-run", is_flag=True, help="Only show what would be accepted.")
@format_option("text", "json")
@layers
def accept(
    file: str,
    steps: tuple[str, ...],
    why: str | None,
    revoke: bool,
    yes: bool,
    dry_run: bool,
    format_: str,
    overlays: tuple[str, ...],
    overrides: tuple[str, ...],
) -> int:
    """Keep using a step's past result although its code or a package changed.

    Use this if you know that the change does not affect the result. The command shows what differs from the nearest past
    run, with a diff of the code. Then it records that this run also counts for the changed step, who accepted it, and why.
    Nothing runs, and no result is changed. 'pipespec status' lists accepted steps; --revoke undoes an acceptance.

    Only changes of code and packages can be accepted. If a param, an input, an output or anything else differs, the step
    must run.

    STEP is a name, a variant (train[depth=4]), a glob pattern or tag:NAME. Several steps can be accepted in one call, for
    example all steps that use a changed helper function. If a step given by name cannot be accepted, nothing is recorded.
    From a glob pattern or a tag, only the steps that can be accepted are taken.
    """
    if revoke and dry_run:
        raise click.UsageError("--dry-run cannot be combined with --revoke; remove one of them")
    if not revoke and why is None:
        raise click.UsageError(
            "missing option '--why': give the reason why results stay the same, for example --why 'only a log line'"
        )
    pipeline = api.load(file, overlays=overlays, overrides=overrides)
    is_json = format_ == "json"
    if revoke:
        taken_back = pipeline.revoke(*steps, why=why or "")
        if is_json:
            say(json.dumps(view.revoked_json(taken_back), indent=2, ensure_ascii=False))
        else:
            say(view.render_revoked(taken_back, now=time.time()))
        return 0

    def confirm(found: Acceptances) -> bool:
        show(view.render_text(found, now=time.time()), err=is_json)
        return not dry_run and (yes or _agreed(found))

    found = pipeline.accept(*steps, why=why or "", confirm=confirm)
    if is_json:
        say(json.dumps(view.to_json(found), indent=2, ensure_ascii=False))
    else:
        say(f"\n{view.outcome_text(found)}")
    return exit_codes.of_acceptances(found, dry_run=dry_run)


def _agreed(found: Acceptances) -> bool:
    """Ask on a terminal. Elsewhere, the given reason is sufficient, because what is recorded can be revoked."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    count = len(found.accepted)
    return click.confirm(f"\nAccept {'this' if count == 1 else f'these {count} steps'}?", err=True)
