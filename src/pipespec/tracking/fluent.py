"""What a step's function logs through MLflow's own API reaches the step's run, and can do it no harm.

`activate` is called in the worker's process before the function, `deactivate` after it. mlflow is not imported for
it: a hook waits until the function does. Then bare `mlflow.log_*`, `mlflow.start_run()` and autologging, from any
thread, join the step's run; a chosen experiment, another tracking URI, a run id and nested runs stay the
user's own. Whoever ends the step's run, its status is left to the parent, which alone knows how the step went.
"""
# ruff: noqa: SLF001 - MLflow has no public way in; each pattern of use has a test

from __future__ import annotations

import contextlib
import functools
import importlib.abc
import importlib.machinery
import inspect
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from pipespec.tracking.client import unset_limits
from pipespec.tracking.store import same_store

__all__ = ["activate", "deactivate"]

_ENVIRONMENT: Final = (
    "MLFLOW_TRACKING_URI",
    "MLFLOW_RUN_ID",
    "MLFLOW_EXPERIMENT_ID",
    "MLFLOW_EXPERIMENT_NAME",
    "MLFLOW_REGISTRY_URI",
)
"""What MLflow's API and ours write here while a step runs, put back afterwards."""


@dataclass(frozen=True, slots=True)
class _Step:
    """The run that a step's function logs to."""

    tracking_uri: str
    run_id: str
    experiment_id: str
    environment: dict[str, str | None]


_step: _Step | None = None


def activate(tracking_uri: str, run_id: str, experiment_id: str) -> None:
    """Let what this process logs from now on reach this run; call it in the worker's process, after any fork."""
    global _step  # noqa: PLW0603 - MLflow's own state is global to the process, and so is this
    unset_limits()
    _step = _Step(tracking_uri, run_id, experiment_id, {name: os.environ.get(name) for name in _ENVIRONMENT})
    for name in _ENVIRONMENT:
        os.environ.pop(name, None)
    os.environ["MLFLOW_TRACKING_URI"] = tracking_uri
    if "mlflow" in sys.modules:
        _drop_inherited_connections()
        _join_api(sys.modules["mlflow"])
    elif not any(isinstance(finder, _Hook) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Hook())


def deactivate(*, failed: bool = False) -> bool:
    """End what the function left open, and forget the run; tell whether another step may use this process.

    Runs of the user's own that are still open end as FINISHED, or FAILED. A process in which autologging was
    switched on, or an experiment or store was chosen, is not to be used again: MLflow cannot undo that.
    """
    global _step  # noqa: PLW0603 - as above
    if _step is None:
        return True
    step, reusable = _step, True
    if "mlflow.tracking.fluent" in sys.modules:
        fluent: Any = sys.modules["mlflow.tracking.fluent"]
        while fluent._active_run_stack.get():
            with contextlib.suppress(Exception):
                fluent.end_run("FAILED" if failed else "FINISHED")
        for flush in (fluent.flush_async_logging, fluent.flush_trace_async_logging):
            with contextlib.suppress(Exception):
                flush()
        reusable = _is_untouched(fluent)
    for name, value in step.environment.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    _step = None
    return reusable


# ------------------------------------------------------------------------------------ joining the API


def _join_api(mlflow: ModuleType) -> None:
    """Put our decisions in front of the few functions of MLflow by which runs are opened and ended; once."""
    fluent: Any = sys.modules["mlflow.tracking.fluent"]
    if hasattr(fluent.start_run, "joins_step"):
        return
    service: Any = sys.modules["mlflow.tracking._tracking_service.client"].TrackingServiceClient
    start_run = _joining_start(fluent, fluent.start_run)
    fluent.start_run = start_run
    mlflow.start_run = start_run  # type: ignore[attr-defined]
    fluent._get_or_start_run = _joining_get(fluent, start_run, fluent._get_or_start_run)
    fluent._get_experiment_id = _in_experiment(fluent, fluent._get_experiment_id)
    service.set_terminated = _leaving_status(service.set_terminated)
    service.update_run = _keeping_status(service.update_run)


def _joining_start(fluent: Any, original: Callable[..., Any]) -> Callable[..., Any]:
    signature = inspect.signature(original)

    @functools.wraps(original)
    def start_run(*args: Any, **kwargs: Any) -> Any:
        step, stack = _step, fluent._active_run_stack.get()
        given = signature.bind(*args, **kwargs).arguments
        if step is None or not _is_our_store(step, fluent):
            return original(**given)
        if not given.get("nested") and len(stack) == 1 and hasattr(stack[0], "joined_by_logging"):
            fluent.end_run()  # opened by a bare log_*, which nobody else will close
        if stack or not _means_step(step, given, fluent):
            return original(**given)
        if given.get("nested"):
            return original(**{"parent_run_id": step.run_id, **given})
        given.pop("experiment_id", None)
        return original(**{**given, "run_id": step.run_id})

    start_run.joins_step = True  # type: ignore[attr-defined]
    return start_run


def _means_step(step: _Step, given: dict[str, Any], fluent: Any) -> bool:
    """Tell whether `start_run`, called with nothing open, asks for no particular run or experiment."""
    experiment = given.get("experiment_id") or fluent._active_experiment_id
    return (
        not given.get("run_id")
        and not given.get("parent_run_id")
        and str(experiment or step.experiment_id) == step.experiment_id
        and not any(os.environ.get(name) for name in ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_NAME"))
    )


def _joining_get(
    fluent: Any, start_run: Callable[..., Any], original: Callable[[], Any]
) -> Callable[[], Any]:
    @functools.wraps(original)
    def get_or_start_run() -> Any:
        step = _step
        if step is None or fluent._active_run_stack.get() or not _is_our_store(step, fluent):
            return original()
        # MLflow refuses to resume a run of another experiment than the chosen one.
        chosen, fluent._active_experiment_id = fluent._active_experiment_id, None
        try:
            run = start_run(run_id=step.run_id)
        finally:
            fluent._active_experiment_id = chosen
        run.joined_by_logging = True
        return run

    return get_or_start_run


def _in_experiment(fluent: Any, original: Callable[[], Any]) -> Callable[[], Any]:
    @functools.wraps(original)
    def get_experiment_id() -> Any:
        step = _step
        chosen = fluent._active_experiment_id or any(map(os.environ.get, _ENVIRONMENT[2:4]))
        if step is None or chosen or not _is_our_store(step, fluent):
            return original()
        return step.experiment_id

    return get_experiment_id


def _leaving_status(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def set_terminated(service: Any, run_id: str, *args: Any, **kwargs: Any) -> Any:
        if _step is None or run_id != _step.run_id:
            return original(service, run_id, *args, **kwargs)
        return service.store.shut_down_async_logging()  # what `original` begins with

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
    """A forked process must not speak through its parent's connections to a database."""
    store: Any = sys.modules.get("mlflow.store.tracking.sqlalchemy_store")
    if store is not None:
        for engine in store.SqlAlchemyStore._engine_map.values():
            engine.dispose(close=False)


# ------------------------------------------------------------------------------ waiting for an import


class _Hook(importlib.abc.MetaPathFinder):
    """Joins MLflow's API as soon as somebody has imported mlflow."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Find mlflow as the other finders do, with a loader that comes back to us."""
        if fullname != "mlflow":
            return None
        sys.meta_path.remove(self)
        for finder in sys.meta_path:
            spec = finder.find_spec(fullname, path, target)
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _Loader(spec.loader)
                return spec
        return None


class _Loader(importlib.abc.Loader):
    """Loads mlflow by its own loader, then joins its API."""

    def __init__(self, own: importlib.abc.Loader) -> None:
        self._own = own

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        """Leave it to mlflow's own loader."""
        return self._own.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Run the module; it keeps no trace of us."""
        module.__loader__ = self._own
        if module.__spec__ is not None:
            module.__spec__.loader = self._own
        self._own.exec_module(module)
        _join_api(module)
