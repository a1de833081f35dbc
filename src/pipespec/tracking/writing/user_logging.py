"""Direct what a step's function logs through MLflow's own API to the step's run, without harm to the run.

`activate` is called in the worker's process before the function, `deactivate` after it. mlflow is not imported for
this: we wait until the function imports it. Then bare `mlflow.log_*`, `mlflow.start_run()` and autologging, from any
thread, use the step's run. A chosen experiment, another tracking URI, a run id and nested runs remain the user's own.
Whoever ends the step's run, its status is set by the parent, because only the parent knows the result of the step.

Meanwhile the environment names the run for other interpreters: for MLflow there with its own variables, and for
`child_logging` with one of ours, so that the same applies there.
"""
# ruff: noqa: SLF001 - MLflow has no public interface for this; each pattern of use has a test

from __future__ import annotations

import contextlib
import functools
import inspect
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import field
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from pipespec.frozen_values import frozen
from pipespec.step.after_import import act_after_import
from pipespec.tracking.mlflow_client import unset_limits
from pipespec.tracking.tracking_uri import is_private, same_store
from pipespec.tracking.writing.step_environment import STEP_RUN, read_step_run, spell_step_run

__all__ = ["activate", "deactivate", "end_open_runs", "join_api", "take_from_parent"]

_CHOICES: Final = ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME")
"""Variables that would lead to another run than the step's. Whoever started pipespec has set them for something else."""

_RUN_ID: Final = "MLFLOW_RUN_ID"
_REGISTRY: Final = "MLFLOW_REGISTRY_URI"
"""Where models are registered: the user's own choice, except if tracking is off and nothing may reach others."""
_ENVIRONMENT: Final = (*_CHOICES, _REGISTRY, STEP_RUN)
"""Variables that MLflow's API and ours write while a step runs. They are restored afterwards."""


@frozen
class _Step:
    """The run to which a step's function logs."""

    tracking_uri: str
    run_id: str
    experiment_id: str
    environment: dict[str, str | None] = field(default_factory=dict)
    """The earlier values, to be restored."""
    is_of_parent: bool = False
    """True in another interpreter, which may outlive the step."""
    ended: threading.local = field(default_factory=threading.local)
    """Has the attribute `here` in threads that ended the run. In these no run is active, until one is started."""


_step: _Step | None = None


def activate(tracking_uri: str, run_id: str, experiment_id: str) -> None:
    """Direct what this process logs from now on to this run. Call it in the worker's process, after any fork."""
    global _step  # noqa: PLW0603 - MLflow's own state is global to the process, and so is this
    unset_limits()
    _step = _Step(tracking_uri, run_id, experiment_id, {name: os.environ.get(name) for name in _ENVIRONMENT})
    for name in (*_CHOICES, *([_REGISTRY] if is_private(tracking_uri) else [])):
        os.environ.pop(name, None)
    os.environ |= {
        "MLFLOW_TRACKING_URI": tracking_uri,
        _RUN_ID: run_id,
        STEP_RUN: spell_step_run(tracking_uri, run_id, experiment_id),
    }
    if "mlflow" in sys.modules:
        _drop_inherited_connections()
        join_api(sys.modules["mlflow"])
    else:
        act_after_import({"mlflow": join_api})


def take_from_parent(told: str) -> None:
    """Direct what this process logs to the run in its parent's environment, unless this process executes a step itself."""
    global _step  # noqa: PLW0603 - as above
    if _step is None:
        _step = _Step(*read_step_run(told), is_of_parent=True)


def deactivate(*, failed: bool = False) -> bool:
    """End what the function left open, and forget the run. Return whether another step may use this process.

    The user's own runs that are still open end as FINISHED, or FAILED. A process must not be used again if autologging
    was switched on, or an experiment or store was chosen in it, because MLflow cannot undo that.
    """
    global _step  # noqa: PLW0603 - as above
    if _step is None:
        return True
    step = _step
    end_open_runs(failed=failed)
    fluent = sys.modules.get("mlflow.tracking.fluent")
    reusable = fluent is None or _is_untouched(fluent)
    for name, value in step.environment.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    _step = None
    return reusable


def end_open_runs(*, failed: bool = False) -> None:
    """End the runs that a function left open in this process, and wait for what it logs in the background."""
    fluent: Any = sys.modules.get("mlflow.tracking.fluent")
    if fluent is None:
        return
    while fluent._active_run_stack.get():
        with contextlib.suppress(Exception):
            fluent.end_run("FAILED" if failed else "FINISHED")
    for flush in (fluent.flush_async_logging, fluent.flush_trace_async_logging):
        with contextlib.suppress(Exception):
            flush()


# ------------------------------------------------------------------------------------ joining the API


def join_api(mlflow: ModuleType) -> None:
    """Replace the few functions of MLflow that start and end runs by ours; once."""
    fluent: Any = sys.modules.get("mlflow.tracking.fluent")
    if fluent is None:  # a module of the user that is called mlflow
        return
    if hasattr(fluent.start_run, "joins_step"):
        return
    service: Any = sys.modules["mlflow.tracking._tracking_service.client"].TrackingServiceClient
    fluent.MLFLOW_RUN_ID = _ChosenRunId(fluent.MLFLOW_RUN_ID)
    fluent._get_or_start_run = _joining_get(fluent, fluent._get_or_start_run)
    fluent._get_experiment_id = _in_experiment(fluent, fluent._get_experiment_id)
    for joining in (_joining_start, _noting_end, _joining_active):
        function = joining(fluent)
        setattr(fluent, function.__name__, function)
        setattr(mlflow, function.__name__, function)
    service.set_terminated = _leaving_status(service.set_terminated)
    service.update_run = _keeping_status(service.update_run)


class _ChosenRunId:
    """MLflow's variable of its name; it reads as not set if it contains the step's run, which is meant for child processes."""

    def __init__(self, original: Any) -> None:
        self._original = original

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)

    def get(self) -> str | None:
        chosen = os.environ.get(_RUN_ID)
        return None if _step is not None and chosen == _step.run_id else chosen or None

    def unset(self) -> None:
        if self.get():
            self._original.unset()


def _joining_start(fluent: Any) -> Callable[..., Any]:
    original = fluent.start_run
    signature = inspect.signature(original)

    @functools.wraps(original)
    def start_run(*args: Any, **kwargs: Any) -> Any:
        step, stack = _step, fluent._active_run_stack.get()
        given = signature.bind(*args, **kwargs).arguments
        if step is None or not _is_our_store(step, fluent):
            return original(**given)
        if not given.get("nested") and len(stack) == 1 and hasattr(stack[0], "joined_by_itself"):
            fluent.end_run()  # opened by a bare log_*; nobody else will close it
        if stack or not _means_step(step, given, fluent):
            return original(**given)
        if given.get("nested"):
            return original(**{"parent_run_id": step.run_id, **given})
        given.pop("experiment_id", None)
        if name := given.pop("run_name", None):
            sys.stderr.write(f"pipespec: the run keeps the name of its step, and is not called {name!r}\n")
        return original(**{**given, "run_id": step.run_id})

    start_run.joins_step = True  # type: ignore[attr-defined]
    return start_run


def _means_step(step: _Step, given: dict[str, Any], fluent: Any) -> bool:
    """Return whether `start_run`, called with no open run, asks for no particular run or experiment."""
    chosen = fluent._active_experiment_id or os.environ.get("MLFLOW_EXPERIMENT_ID")
    experiment = given.get("experiment_id") or chosen
    return (
        given.get("run_id") in (None, "", step.run_id)
        and not given.get("parent_run_id")
        and str(experiment or step.experiment_id) == step.experiment_id
        and not fluent.MLFLOW_RUN_ID.get()
        and not os.environ.get("MLFLOW_EXPERIMENT_NAME")
        and _goes_on(step, fluent)
    )


def _joining_get(fluent: Any, original: Callable[[], Any]) -> Callable[[], Any]:
    @functools.wraps(original)
    def get_or_start_run() -> Any:
        step = _step
        if step is None or fluent._active_run_stack.get() or not _is_our_store(step, fluent):
            return original()
        return _joined(step, fluent) if _goes_on(step, fluent) else original()

    return get_or_start_run


def _joined(step: _Step, fluent: Any) -> Any:
    """Open the step's run so that only we end it."""
    # MLflow refuses to resume a run of an experiment other than the chosen one.
    chosen, fluent._active_experiment_id = fluent._active_experiment_id, None
    try:
        run = fluent.start_run(run_id=step.run_id)
    finally:
        fluent._active_experiment_id = chosen
    run.joined_by_itself = True
    return run


def _joining_active(fluent: Any) -> Callable[..., Any]:
    original = fluent.active_run

    @functools.wraps(original)
    def active_run() -> Any:
        step = _step
        if (
            step is not None
            and not fluent._active_run_stack.get()
            and not hasattr(step.ended, "here")
            and _means_step(step, {}, fluent)
            and _is_our_store(step, fluent)
        ):
            return _joined(step, fluent)
        return original()

    return active_run


def _noting_end(fluent: Any) -> Callable[..., Any]:
    original = fluent.end_run

    @functools.wraps(original)
    def end_run(*args: Any, **kwargs: Any) -> None:
        step, stack = _step, fluent._active_run_stack.get()
        if step is not None and (not stack or stack[-1].info.run_id == step.run_id):
            step.ended.here = True
        original(*args, **kwargs)

    return end_run


def _in_experiment(fluent: Any, original: Callable[[], Any]) -> Callable[[], Any]:
    @functools.wraps(original)
    def get_experiment_id() -> Any:
        step = _step
        chosen = fluent._active_experiment_id or any(map(os.environ.get, _CHOICES[2:]))
        if step is None or chosen or not _is_our_store(step, fluent):
            return original()
        return step.experiment_id

    return get_experiment_id


def _leaving_status(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def set_terminated(service: Any, run_id: str, *args: Any, **kwargs: Any) -> Any:
        if _step is None or run_id != _step.run_id:
            return original(service, run_id, *args, **kwargs)
        return service.store.shut_down_async_logging()  # `original` begins with this

    return set_terminated


def _keeping_status(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def update_run(service: Any, run_id: str, status: str | None = None, name: str | None = None) -> Any:
        if _step is not None and run_id == _step.run_id:
            status = None
        return original(service, run_id, status, name)

    return update_run


def _is_our_store(step: _Step, fluent: Any) -> bool:
    uri = fluent._resolve_tracking_uri()
    return uri == step.tracking_uri or same_store(uri, step.tracking_uri, Path.cwd())


def _goes_on(step: _Step, fluent: Any) -> bool:
    """Return whether the step's run may be opened: a process that outlives the step must not resume a run that has ended."""
    return not step.is_of_parent or fluent.MlflowClient().get_run(step.run_id).info.status == "RUNNING"


def _is_untouched(fluent: Any) -> bool:
    tracking: Any = sys.modules["mlflow.tracking._tracking_service.utils"]
    registry: Any = sys.modules["mlflow.tracking._model_registry.utils"]
    autologging: Any = sys.modules["mlflow.utils.autologging_utils"]
    return (
        fluent._active_experiment_id is None
        and tracking._tracking_uri is None
        and registry._registry_uri is None
        and not any(
            autologging.AUTOLOGGING_INTEGRATIONS.values()
        )  # name -> configuration, empty while unused
    )


def _drop_inherited_connections() -> None:
    """A forked process must not use its parent's connections to a database."""
    store: Any = sys.modules.get("mlflow.store.tracking.sqlalchemy_store")
    if store is not None:
        for engine in store.SqlAlchemyStore._engine_map.values():
            engine.dispose(close=False)
