"""Functions that run as steps do, in processes of their own, and what of it is in the store."""

from __future__ import annotations

import multiprocessing
import os
import traceback
from collections.abc import Callable

from pipespec.tracking.writing import user_logging

__all__ = ["CHILD", "in_step", "log_twice", "params_of", "runs_of", "status_of"]

CHILD = """
import mlflow

mlflow.log_param({name!r}, 1)
with mlflow.start_run():
    mlflow.log_param({name!r} + "_again", 2)
"""
"""What a child of a step does."""


def log_twice(name):
    """Do the same as a function, which may be executed by another interpreter."""
    exec(compile(CHILD.format(name=name), name, "exec"))


def in_step(world, started, function: Callable[[], object], *, deactivate: bool = True) -> tuple[int, object]:
    """Run a function as a worker does: forked, joined, and left by an ordinary exit. Returns exit code and answer."""
    receive, send = multiprocessing.get_context("fork").Pipe(duplex=False)
    pid = os.fork()
    if pid == 0:
        _child(world, started, function, send, deactivate)
    send.close()
    answer = receive.recv() if receive.poll(60) else None
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), answer


def _child(world, started, function, send, deactivate) -> None:
    code = 1
    try:
        os.chdir(world.root)
        user_logging.activate(world.recorder.tracking_uri, started.run_id, started.experiment_id)
        send.send(_answer(function, deactivate))
        code = 0
    except SystemExit as left:
        send.send(f"exit {left.code}")
        code = int(left.code or 0)
    except BaseException:
        send.send(traceback.format_exc())
    finally:
        import atexit

        atexit._run_exitfuncs()  # mlflow's own end_run is among them
        os._exit(code)


def _answer(function, deactivate):
    said = function()
    return (said, user_logging.deactivate()) if deactivate else said


def runs_of(world, experiment: str) -> list:
    found = world.client.get_experiment_by_name(experiment)
    return [] if found is None else list(world.client.search_runs([found.experiment_id]))


def status_of(world, started) -> str:
    return world.client.get_run(started.run_id).info.status


def params_of(world, started) -> dict[str, str]:
    return dict(world.client.get_run(started.run_id).data.params)
