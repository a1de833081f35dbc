"""Check out a commit of a repository into a temporary folder as a separate work tree.

Takes the project root, a commit and a folder that does not exist yet. Provides the folder with the commit's files while
the context is open. Refuses a commit that is not in the repository. The repository's hooks do not run, but its filters
do. The work tree is always removed at the end, unless it is to be kept.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pipespec.errors import PipespecError, UsageError
from pipespec.project.git_state import ask_git

__all__ = ["apply_patch", "require_commit", "work_tree"]

_OPTIONS: Final = ("-c", "core.hooksPath=/dev/null", "-c", "advice.detachedHead=false")
_LOCATED: Final = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"})
_SIGNALS: Final = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})


def require_commit(root: Path, commit: str) -> None:
    """Refuse a commit that is not in the repository of a project.

    Raises:
        UsageError: if it is not, with the way to get it.
    """
    if ask_git(root, "rev-parse", "--show-toplevel") is None:
        raise UsageError(
            f"'{root}' is not in a readable git repository, so commit {commit[:12]} is not there"
        )
    if ask_git(root, "cat-file", "-e", f"{commit}^{{commit}}") is not None:
        return
    shallow = ask_git(root, "rev-parse", "--is-shallow-repository") or b""
    way = (
        "this is a shallow clone; get the rest with: git fetch --unshallow"
        if shallow.strip() == b"true"
        else f"if it was pushed, get it with: git fetch origin {commit}"
    )
    raise UsageError(f"commit {commit[:12]}, of which the run was made, is not in this repository; {way}")


@contextmanager
def work_tree(root: Path, commit: str, folder: Path, *, keep: bool = False) -> Iterator[Path]:
    """Check a commit out into a folder, and remove it at the end.

    Raises:
        PipespecError: if git cannot check it out.
    """
    try:
        _git(root, "worktree", "add", "--detach", str(folder), commit, deed="check out the commit")
        yield folder
    finally:
        if not keep:
            with _undisturbed():
                _take_off(root, folder)


def apply_patch(folder: Path, patch: bytes) -> None:
    """Apply a patch to the files of a work tree.

    Raises:
        PipespecError: if it does not apply.
    """
    if patch:
        _git(folder, "apply", "--whitespace=nowarn", "-", deed="apply the recorded changes", content=patch)


def _take_off(root: Path, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    ask_git(root, "worktree", "remove", "--force", str(folder))


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Delay signals until the block has ended."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _git(folder: Path, *arguments: str, deed: str, content: bytes = b"") -> None:
    environment = {name: value for name, value in os.environ.items() if name not in _LOCATED}
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *_OPTIONS, *arguments],
            check=False,
            input=content,
            capture_output=True,
            env=environment | {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"},
        )
    except OSError as error:
        raise PipespecError(f"git cannot be run: {error.strerror or error}") from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise PipespecError(f"git cannot {deed}: {said[-1] if said else f'exit code {done.returncode}'}")
