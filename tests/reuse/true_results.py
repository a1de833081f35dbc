"""Run as a program: answers what functions really give, each called in a process that has imported nothing of theirs.

Reads one JSON line per question (`folders`, `call`, `params`), answers with one: `result` is the text of what came
back, or of what was raised. Libraries are imported once, then each question gets a fork.
"""

import gc
import importlib
import json
import os
import sys

from pipespec.step.arguments.argument_binding import bind, convert_params
from pipespec.step.arguments.callable_import import import_callable
from pipespec.step.arguments.planned_sources import PlannedSources

PRELOADED = ("decimal", "jinja2", "pandas", "pydantic", "sklearn.base", "sqlalchemy", "yaml")


def call(question: dict) -> str:
    os.environ.pop("REUSE_TEST", None)
    PlannedSources({}, "", question["folders"]).install()
    try:
        function = import_callable(question["call"], question["folders"])
        params = convert_params(question["params"], bind(function, [], question["params"], []).annotations)
        return repr(function(**params))
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def main() -> None:
    for name in PRELOADED:
        importlib.import_module(name)
    gc.freeze()  # collecting in a fork would copy all that was loaded
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what functions print is no answer
    for line in sys.stdin:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            with os.fdopen(writing, "w") as pipe:
                pipe.write(call(json.loads(line)))
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            result = pipe.read()
        os.waitpid(child, 0)
        answers.write(json.dumps({"result": result}) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
