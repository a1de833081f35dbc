"""`python -m pipespec.cli.reproduced_run`: the process in which `reproduce` runs a past pipeline anew.

Takes one line of JSON on its standard input: the pipeline's `file`, `steps`, `seeds`, `workers`, whether it is `quiet`. Gives what
`run --format json` gives, or `error` and `code`. It ends its steps, and itself, when its standard input ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
from contextlib import nullcontext
from typing import Any

from pipespec import api
from pipespec.errors import PipespecError
from pipespec.own_process import own_process
from pipespec.views import run_view

__all__ = ["main"]


def main() -> None:
    """Run what is asked for, and answer."""
    asked = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        answer = _run(asked)
    except PipespecError as error:
        answer = {"error": str(error), "code": error.exit_code}
    with contextlib.suppress(OSError):  # nobody reads it any more
        sys.stdout.write(json.dumps(answer))
        sys.stdout.flush()


def _run(asked: dict[str, Any]) -> dict[str, Any]:
    from pipespec.cli.progress_display import open_progress

    pipeline = api.load(asked["file"])
    with own_process(), nullcontext() if asked["quiet"] else open_progress(stream=None) as progress:
        report = pipeline.run(
            *asked["steps"],
            workers=asked["workers"],
            keep_going=True,
            progress=progress,
            command=asked["command"],
            seeds=asked["seeds"],
            check=False,
        )
    return {**run_view.to_json(report), "interrupted_by": report.interrupted_by}


def _end_with_parent() -> None:
    # Read past Python's buffer, whose lock would be held when the process ends.
    while os.read(0, 1 << 10):
        continue
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
