"""A process that has everything imported and forks runs: starting each anew would cost seconds of imports.

Reads orders from stdin, one JSON object a line, and answers each with the pid of a process that leads a session of
its own, runs what the pipeline of a project says, and writes its answer to a file as its last act. It watches over
nobody: what a run leaves behind is left.
"""

import json
import os
import signal
import sys
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from mlflow.store.tracking import sqlalchemy_store  # noqa: F401 - takes a second, too

from conftest import Engine
from pipespec import fault_points


def run(order):
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    os.environ.update(order["environment"])
    fault_points._ARMED = fault_points._armed()
    output = os.open(order["output"], os.O_WRONLY | os.O_CREAT, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    report = Engine(Path(order["root"])).run(is_alone=False, **order["about"])
    answer = {
        "states": {result.step: result.state.value for result in report.steps},
        "errors": {result.step: result.error for result in report.steps if result.error},
        "interrupted_by": report.interrupted_by,
    }
    Path(order["answer"]).write_text(json.dumps(answer))


def main():
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("ready", flush=True)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            try:
                run(json.loads(line))
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(0)
        print(pid, flush=True)


if __name__ == "__main__":
    main()
