"""`python -m pipespec.cli.reproduced_run`: the process in which `reproduce` runs a past pipeline again.

Takes one line of JSON on its standard input: `runs`, each with the `file` of a pipeline, its `steps` and their `seeds`;
the registered `models` that they read, by the texts of their inputs; `workers`, and whether it is `quiet`. Returns `runs`, each in the form of `run --format json`, or `error` and `code`. It
ends its steps, and itself, when its standard input ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from pipespec import api
from pipespec.errors import PipespecError
from pipespec.own_process import own_process
from pipespec.views import run_view

if TYPE_CHECKING:
    from pipespec import RunReport

__all__ = ["main"]


def main() -> None:
    """Run what is requested, and answer."""
    asked = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        answer = _answer(asked)
    except PipespecError as error:
        answer = {"error": str(error), "code": error.exit_code}
    with contextlib.suppress(OSError):  # the reader of the output has ended
        sys.stdout.write(json.dumps(answer))
        sys.stdout.flush()


def _answer(asked: dict[str, Any]) -> dict[str, Any]:
    done: list[dict[str, Any]] = []
    interrupted = None
    for one in asked["runs"]:
        report = _run(one, asked)
        done.append(run_view.to_json(report))
        interrupted = report.interrupted_by
        if interrupted is not None:
            break
    return {"runs": done, "interrupted_by": interrupted}


def _run(one: dict[str, Any], asked: dict[str, Any]) -> RunReport:
    from pipespec.cli.progress_display import open_progress

    pipeline = api.load(one["file"])
    with own_process(), nullcontext() if asked["quiet"] else open_progress(stream=None) as progress:
        return pipeline.run(
            *one["steps"],
            workers=asked["workers"],
            keep_going=True,
            progress=progress,
            command=asked["command"],
            seeds=one["seeds"],
            models=asked["models"],
            check=False,
        )


def _end_with_parent() -> None:
    # Read without Python's buffer, whose lock would be held when the process ends.
    while os.read(0, 1 << 10):
        continue
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
