"""The output of `init`: what happened to existing files, which Python it runs in, and what to type next."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from pipespec.plan.new_project import NewProject
from pipespec.views.terminal_text import printable

__all__ = ["render_text"]


def render_text(made: NewProject) -> str:
    """Return the lines that follow the names of the files."""
    lines = [*_of_files_that_were_there(made), made.python, "next:"]
    lines += [f"  {command}" for command in _commands(made)]
    lines.append("the last one prints the address of the runs in MLflow's pages")
    return "\n".join(map(printable, lines))


def _of_files_that_were_there(made: NewProject) -> Iterator[str]:
    if made.kept is not None:
        yield f"{made.kept} was there and is unchanged"
    if made.ignored and made.ignore_file not in made.files:
        yield f"{os.path.relpath(made.ignore_file)} was there; added: {', '.join(made.ignored)}"


def _commands(made: NewProject) -> Iterator[str]:
    if made.folder != Path():
        yield f"cd {shlex.quote(str(made.folder))}"
    for verb in ("run", "status", "ui"):
        yield f"{shlex.quote(made.pipespec)} {verb} {made.pipeline.name}"
