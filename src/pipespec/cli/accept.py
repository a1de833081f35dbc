"""`pipespec accept`: let past results count though code or packages changed, or take that back."""

from __future__ import annotations

import json
import sys
import time

import click

from pipespec import api
from pipespec.cli.options import file_argument, format_option, layers
from pipespec.cli.output import say, show
from pipespec.plan.acceptance import Acceptances
from pipespec.views import accept as view


@click.command()
@file_argument
@click.argument("steps", metavar="STEP...", nargs=-1, required=True)
@click.option("--why", metavar="TEXT", help="Why results stay the same; it is recorded with your name.")
@click.option("--revoke", is_flag=True, help="Take back what was accepted; the step runs again.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask on a terminal; in a pipe nobody is asked.")
@click.option("--dry-run", is_flag=True, help="Only show what would be accepted.")
@format_option("text", "json")
@layers
@click.pass_context
def accept(
    ctx: click.Context,
    file: str,
    steps: tuple[str, ...],
    why: str | None,
    revoke: bool,
    yes: bool,
    dry_run: bool,
    format_: str,
    overlays: tuple[str, ...],
    overrides: tuple[str, ...],
) -> None:
    """Let a step's past result count, though its code or a package changed, since you know that results stay the same.

    Shown is what differs from the nearest past run, with the diff of the code; then the run is marked as complete for the
    step as it is now, with who says so, and why. Nothing runs, and no result is edited. 'pipespec status' lists what was
    accepted, --revoke takes it back.

    Only changed code and packages can be accepted: what differs in a param, an input, an output or anything else runs.
    STEP is a name, a variant (train[depth=4]), a glob or tag:NAME; a helper that five steps use is accepted for all of them
    in one call. Each step that is named must be acceptable, or nothing is recorded; of a glob or a tag those are taken that
    are.
    """
    if revoke and dry_run:
        raise click.UsageError(
            "--dry-run shows what would be accepted; with --revoke there is nothing to show"
        )
    if not revoke and why is None:
        raise click.UsageError(
            "missing option '--why': say why results stay the same, --why 'only a log line'"
        )
    pipeline = api.load(file, overlays=overlays, overrides=overrides)
    is_json = format_ == "json"
    if revoke:
        taken_back = pipeline.revoke(*steps, why=why or "")
        if is_json:
            say(json.dumps(view.revoked_json(taken_back), indent=2, ensure_ascii=False))
        else:
            say(view.render_revoked(taken_back, now=time.time()))
        return

    def confirm(found: Acceptances) -> bool:
        show(view.render_text(found, now=time.time()), err=is_json)
        return not dry_run and (yes or _agreed(found))

    found = pipeline.accept(*steps, why=why or "", confirm=confirm)
    if is_json:
        say(json.dumps(view.to_json(found), indent=2, ensure_ascii=False))
    else:
        say(f"\n{view.outcome_text(found)}")
    if not found.is_recorded and not dry_run:
        ctx.exit(1)


def _agreed(found: Acceptances) -> bool:
    """Ask on a terminal; elsewhere the reason that was given is answer enough, and what is recorded can be taken back."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    count = len(found.accepted)
    return click.confirm(f"\nAccept {'this' if count == 1 else f'these {count} steps'}?", err=True)
