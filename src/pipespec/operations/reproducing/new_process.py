"""The process in which a rebuilt pipeline runs: started in the work tree, and ended together with this process.

Takes the interpreter, the project and what to run. Returns its answer. Anything that ends the waiting first ends the
process, gently and then forcibly, so that no files are removed while a step still uses them.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pipespec.document.nodes import JSON
from pipespec.errors import PipespecError, StoreUnavailableError, UsageError

__all__ = ["run_anew"]

_MODULE: Final = "pipespec.cli.reproduced_run"
_GRACE: Final = 20.0
"""Seconds that the process has for ending its steps."""
_INSTALLED: Final = frozenset({"site-packages", "dist-packages"})
_LOCATED: Final = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "MLFLOW_TRACKING_URI"})


def run_anew(
    request: Mapping[str, JSON], *, python: Path, root: Path, project: Path, extra: Sequence[Path] = ()
) -> Mapping[str, Any]:
    """Run a request of `reproduced_run` in the work tree's project, and return its answer.

    `project` is the real one. Folders of it that are on Python's path are replaced by those in the work tree. `extra`
    are folders that come before.

    Raises:
        UsageError, PipespecError, StoreUnavailableError: as the run does.
    """
    environment = {name: value for name, value in os.environ.items() if name not in _LOCATED}
    folders = [*map(str, extra), *_folders(root, project)]
    environment["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(folders))
    process = subprocess.Popen(
        [str(python), "-P", "-m", _MODULE],
        cwd=root,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,  # a Ctrl-C at the terminal reaches it through this process, once
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(dict(request)).encode() + b"\n")
        process.stdin.flush()  # and stays open: when it closes, the process knows that this one has ended
        text = process.stdout.read()
        process.wait()
    except BaseException:
        _end(process)
        raise
    finally:
        with contextlib.suppress(OSError):
            process.stdin.close()
        process.stdout.close()
    return _answer(text, process.returncode)


def _answer(text: bytes, code: int) -> Mapping[str, Any]:
    try:
        answer: Mapping[str, Any] = json.loads(text)
    except ValueError as error:
        raise PipespecError(
            f"the process that ran the pipeline again ended without an answer (exit code {code})"
        ) from error
    if "error" in answer:
        kinds = {kind.exit_code: kind for kind in (PipespecError, UsageError, StoreUnavailableError)}
        raise kinds.get(answer["code"], PipespecError)(answer["error"])
    return answer


def _folders(root: Path, project: Path) -> list[str]:
    """Return the folders of the project, in the work tree, on Python's path, and that of pipespec if it is not installed."""
    ours = Path(__file__).parents[3]
    here = [Path(entry or ".").absolute() for entry in sys.path]
    below = (
        entry
        for entry in here
        if entry.is_relative_to(project) and not _INSTALLED.intersection(entry.parts) and entry != ours
    )
    named = [Path(entry) for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    others = [entry for entry in named if not entry.is_relative_to(project)]
    return [*(str(root / entry.relative_to(project)) for entry in below), *map(str, others)]


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    while True:
        try:
            process.wait(_GRACE)
        except KeyboardInterrupt:
            break
        except subprocess.TimeoutExpired:
            break
        else:
            return
    with contextlib.suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(KeyboardInterrupt):
        process.wait()
