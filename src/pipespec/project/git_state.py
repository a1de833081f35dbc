"""What git says of a project: commit, branch, uncommitted changes; None where there is no git to say it.

Runs git with its hooks, monitors, pagers and helpers off, takes no lock and never waits long: the repository
may be a stranger's.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from pipespec.frozen_values import frozen

__all__ = ["GitFacts", "ask_git", "git_facts"]

_PATCH_LIMIT: Final = 1 << 20
_SECONDS: Final = 10.0
_OPTIONS: Final = (
    "--no-pager",
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "protocol.allow=never"),
    *("-c", "diff.autoRefreshIndex=false"),  # a lock that `diff` takes whatever GIT_OPTIONAL_LOCKS says
)
_DIFF: Final = ("diff", "--no-ext-diff", "--no-textconv", "--no-color", "HEAD", "--", ".")
_TOUCHED_ONLY: Final = re.compile(rb"^diff --git [^\n]*\n(?=diff --git |\Z)", re.MULTILINE)
"""A file that has another time but the same content: all that is said of it when the index is not refreshed."""


@frozen
class GitFacts:
    """The state of a work tree.

    `branch` is None on a detached head. `patch` holds what tracked files below the root have beyond the
    commit, cut after 1 MiB (`is_cut`); None where it was not asked for or git did not answer in time.
    """

    commit: str
    branch: str | None
    patch: str | None = None
    is_cut: bool = False


def git_facts(root: Path, *, with_patch: bool = False) -> GitFacts | None:
    """Ask git about the project; None without git, repository or commit, and where git refuses its owner.

    With `with_patch` the filters that the repository's own configuration names may run: leave it out for a
    stranger's file.
    """
    commit = ask_git(root, "rev-parse", "--verify", "HEAD")
    if not commit:
        return None
    branch = ask_git(root, "symbolic-ref", "--quiet", "--short", "HEAD")
    changes = ask_git(root, *_DIFF) if with_patch else None
    patch = None if changes is None else _TOUCHED_ONLY.sub(b"", changes)
    is_cut = changes is not None and len(changes) > _PATCH_LIMIT
    return GitFacts(
        commit=commit.decode("ascii", "replace").strip(),
        branch=branch.decode("utf-8", "replace").strip() if branch else None,
        patch=None if patch is None else patch[:_PATCH_LIMIT].decode("utf-8", "replace"),
        is_cut=is_cut,
    )


def ask_git(root: Path, *arguments: str, limit: int = _PATCH_LIMIT) -> bytes | None:
    """Return what git answers, at most a byte more than the limit; None where it fails or takes 10 s.

    It reaches no other host: objects that a partial clone has not got are not there.
    """
    located = {
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_EXTERNAL_DIFF",
    }  # set within git's own hooks
    environment = {name: value for name, value in os.environ.items() if name not in located}
    environment |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    environment["GIT_NO_LAZY_FETCH"] = "1"
    with tempfile.TemporaryFile() as answer:  # a file, since a pipe would have to be read to its end
        try:
            done = subprocess.run(
                ["git", "-C", str(root), *_OPTIONS, *arguments],
                check=False,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=answer,
                stderr=subprocess.DEVNULL,
                timeout=_SECONDS,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        answer.seek(0)
        return answer.read(limit + 1) if done.returncode == 0 else None
