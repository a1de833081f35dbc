"""What git says about a project: commit and branch; None if git or the repository is missing.

Runs git without hooks, monitors, pagers and helpers, takes no lock and never waits long, because the repository may
come from a stranger.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from pipespec.frozen_values import frozen

__all__ = ["GitFacts", "ask_git", "git_facts"]

_ANSWER: Final = 1 << 20
_SECONDS: Final = 10.0
_OPTIONS: Final = (
    "--no-pager",
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "protocol.allow=never"),
    *("-c", "diff.autoRefreshIndex=false"),  # a lock that `diff` takes whatever GIT_OPTIONAL_LOCKS says
)


@frozen
class GitFacts:
    """The state of a work tree. `branch` is None on a detached head."""

    commit: str
    branch: str | None


def git_facts(root: Path) -> GitFacts | None:
    """Ask git about the project; None without git, repository or commit, and if git refuses the repository because of its owner."""
    commit = ask_git(root, "rev-parse", "--verify", "HEAD")
    if not commit:
        return None
    branch = ask_git(root, "symbolic-ref", "--quiet", "--short", "HEAD")
    return GitFacts(
        commit=commit.decode("ascii", "replace").strip(),
        branch=branch.decode("utf-8", "replace").strip() if branch else None,
    )


def ask_git(root: Path, *arguments: str, limit: int = _ANSWER) -> bytes | None:
    """Return git's output, at most one byte more than the limit; None if it fails or takes 10 s.

    It contacts no other host: objects that a partial clone lacks count as missing.
    """
    located = {
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_EXTERNAL_DIFF",
    }  # set inside git's own hooks
    environment = {name: value for name, value in os.environ.items() if name not in located}
    environment |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    environment["GIT_NO_LAZY_FETCH"] = "1"
    with tempfile.TemporaryFile() as answer:  # a file, because a pipe would have to be read to its end
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
