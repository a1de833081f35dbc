"""Save objects as folders that are MLflow models, and load them, with the functions of MLflow's flavors.

Takes a value and what is saved with it. Returns a folder with the same bytes for the same value: the time and the
random id that MLflow would write are left out. Called in a step's process, and if a notebook asks for an object. The
packages that an object needs are not found by loading it in another process, as MLflow does, because this takes longer
than most steps.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import inspect
import shutil
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pipespec.document.nodes import JSON
from pipespec.document.wording import quote
from pipespec.spec.registered_models import FLAVORS
from pipespec.step.failure import StepError, one_line, summary
from pipespec.step.formats.library_options import FormatError, call
from pipespec.step.formats.type_names import name_of
from pipespec.step.model_files import MLMODEL, SavedParts
from pipespec.tracking.mlflow_client import import_mlflow
from pipespec.tracking.models.requirements import requirements_of

__all__ = ["MlflowModels"]

_PYFUNC: Final = "python_function"
_CODE: Final = "code"
_CREATED: Final = "1970-01-01 00:00:00"
"""Replaces the time at which a model was saved, which is recorded in its run."""
_DEFAULTS: Final[Mapping[str, Mapping[str, JSON]]] = {"sklearn": {"serialization_format": "cloudpickle"}}
"""MLflow's default, `skops`, writes memory addresses, so that no two files are equal, and does not accept classes of a project."""


class MlflowModels:
    """A `ModelFiles` by MLflow, which is imported when the first model is saved or loaded."""

    def require(self, flavor: str) -> None:
        """Check that the package of a flavor is installed.

        Raises:
            StepError: if it is not.
        """
        package = FLAVORS[flavor]
        if package is not None and package not in sys.modules and importlib.util.find_spec(package) is None:
            message = f"flavor {quote(flavor)} needs the package {quote(package)}, which is not installed"
            raise StepError("outputs", message)

    def save(
        self, value: object, folder: Path, flavor: str, options: Mapping[str, JSON], parts: SavedParts
    ) -> None:
        """Save a value to a folder that does not exist yet.

        Raises:
            StepError: if the flavor does not accept it, or the example does not fit it.
        """
        module = _flavor(flavor, "outputs")
        models = importlib.import_module("mlflow.models")
        described = models.Model(utc_time_created=_CREATED, model_uuid=None)
        with _quiet(), tempfile.TemporaryDirectory(prefix="pipespec-code-") as scratch:
            ours: dict[str, Any] = {**_DEFAULTS.get(flavor, {}), "mlflow_model": described}
            if parts.code:
                ours["code_paths"] = _laid_out(parts.code, Path(scratch))
            needed = requirements_of(module, value, parts.code)
            if needed is not None and not options.keys() & {"pip_requirements", "conda_env"}:
                more = options.get("extra_pip_requirements")
                options = {name: given for name, given in options.items() if name != "extra_pip_requirements"}
                ours["pip_requirements"] = [*needed, *(more if isinstance(more, list) else ())]
            if "signature" not in options:
                ours |= _shape(value, parts)
            known = inspect.signature(module.save_model).parameters
            ours = {name: given for name, given in ours.items() if name in known}
            label = f"mlflow.{flavor}.save_model"
            try:
                if next(iter(known)) == "path":
                    call(
                        module.save_model,
                        str(folder),
                        label=label,
                        options=options,
                        python_model=value,
                        **ours,
                    )
                else:
                    call(module.save_model, value, str(folder), label=label, options=options, **ours)
            except FormatError:
                raise
            except Exception as error:  # noqa: BLE001 - from any library, about any object
                shutil.rmtree(folder, ignore_errors=True)
                message = f"flavor {quote(flavor)} does not take this value of type {quote(name_of(value))}: {summary(error)}"
                raise StepError("outputs", message) from None
        if described.signature is None:
            sys.stderr.write(
                "pipespec: the model has no signature, since no input has its columns; name an input or output"
                " that shows what it takes: {flavor: ..., example: NAME}\n"
            )

    def load(self, folder: Path, annotation: Any, options: Mapping[str, JSON]) -> Any:
        """Return the object in a folder. The folder must exist as long as the object is used, and is changed.

        Raises:
            StepError: if it is not a model, or cannot be loaded.
        """
        described = _described(folder)
        is_function = getattr(annotation, "__name__", "") == "PyFuncModel"
        wanted = "pyfunc" if is_function else _native(described.flavors)
        load, label = _flavor(wanted, "inputs").load_model, f"mlflow.{wanted}.load_model"
        try:
            with _quiet(), _own_code_first(folder, described):
                return call(load, str(folder), label=label, options=options)
        except FormatError:
            raise
        except Exception as error:
            raise StepError("inputs", f"the model cannot be loaded: {summary(error)}") from error


def _flavor(name: str, kind: str) -> Any:
    """Import a flavor. `kind` is the kind of the failure if this is not possible."""
    import_mlflow()
    try:
        return importlib.import_module(f"mlflow.{name}")
    except ImportError as error:
        message = f"flavor {quote(name)} cannot be used: {one_line(str(error))}"
        raise StepError(kind, message) from error


def _laid_out(code: Mapping[str, bytes], folder: Path) -> list[str]:
    """Write modules to a folder, and return the top-level entries, each of which becomes a part of the model's code."""
    for name, content in code.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return sorted(map(str, folder.iterdir()))


def _shape(value: object, parts: SavedParts) -> dict[str, Any]:
    """Return the signature, and the example if the user chose one. Input data of the step is not saved unless requested.

    Raises:
        StepError: if the chosen example does not fit.
    """
    columns = getattr(value, "feature_names_in_", None)
    infer = importlib.import_module("mlflow.models").infer_signature
    predict: Callable[[Any], Any] | None = getattr(value, "predict", None)
    if parts.example is not None:
        try:
            example = _with_columns(parts.example, columns)
            given = {"input_example": example}
            return given if predict is None else {**given, "signature": infer(example, predict(example))}
        except Exception as error:
            raise StepError("outputs", f"the example does not fit the model: {summary(error)}") from error
    if columns is None or predict is None:
        return {}
    for frame in parts.frames:
        if set(columns) <= set(frame.columns):
            with contextlib.suppress(Exception):
                rows = frame[[*columns]]
                return {"signature": infer(rows, predict(rows))}
    return {}


def _with_columns(example: Any, columns: Any) -> Any:
    """Return the columns of an example with which the model was fitted, if the model knows them."""
    if columns is None or not hasattr(example, "columns") or not set(columns) <= set(example.columns):
        return example
    return example[[*columns]]


def _described(folder: Path) -> Any:
    """Return MLflow's `Model`, which describes the content of a folder.

    Raises:
        StepError: if there is no description.
    """
    import_mlflow()
    try:
        return importlib.import_module("mlflow.models").Model.load(str(folder / MLMODEL))
    except Exception as error:
        message = f"the folder is not an MLflow model: its file {quote(MLMODEL)} cannot be read"
        raise StepError("inputs", message) from error


def _native(flavors: Mapping[str, Any]) -> str:
    """Return the flavor that loads the saved object: MLflow's own flavor, otherwise the generic Python function."""
    return next((name for name in flavors if name in FLAVORS), "pyfunc")


@contextlib.contextmanager
def _own_code_first(folder: Path, described: Any) -> Iterator[None]:
    """Make modules of the model importable, but after those of the project: MLflow would put them first.

    A step runs the code that was planned, whatever code is in a model that it reads. To prevent MLflow from adding the
    code, it is removed from the model's description.
    """
    with_code = [told for told in described.flavors.values() if isinstance(told, dict) and told.get(_CODE)]
    places = dict.fromkeys(str(folder / str(told[_CODE])) for told in with_code)
    for told in with_code:
        told[_CODE] = None
    if with_code:
        (folder / MLMODEL).chmod(0o600)
        described.save(str(folder / MLMODEL))
    sys.path.extend(place for place in places if place not in sys.path)
    yield


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep warnings of libraries about formats out of the step's log."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
