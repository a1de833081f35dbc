"""Collect what is saved with an object that becomes an MLflow model: rows that show its input, and the project's code.

Takes the arguments and the results of the function. Returns an example, frames and modules. Refuses an example without
rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Final

from pipespec.document.wording import quote
from pipespec.step.arguments.planned_sources import PlannedSources
from pipespec.step.failure import StepError
from pipespec.step.loaded_files import loaded_files
from pipespec.step.step_job import OutputJob, StepJob

__all__ = ["bundled_code", "shown_to"]

_ROWS: Final = 5
_PACKAGE: Final = "__init__.py"


def shown_to(
    output: OutputJob, inputs: Mapping[str, Any], values: Mapping[str, object]
) -> tuple[Any, Sequence[Any]]:
    """Return the rows of the example that the user chose, and the first rows of each input that is a frame.

    Raises:
        StepError: if the example has no rows.
    """
    assert output.model is not None
    frames = [value.head(_ROWS) for value in inputs.values() if _is_frame(value)]
    name = output.model.example
    if name is None:
        return None, frames
    value: Any = values[name] if name in values else inputs.get(name)
    if value is None:
        message = f"{quote(name)}, the example for output {quote(output.name)}, is neither an input nor a returned output"
        raise StepError("outputs", message)
    try:
        return (value.head(_ROWS) if hasattr(value, "head") else value[:_ROWS]), frames
    except (TypeError, KeyError) as error:
        kind = type(value).__name__
        message = (
            f"{quote(name)}, the example for output {quote(output.name)}, is a {kind}, which has no rows"
        )
        raise StepError("outputs", message) from error


def _is_frame(value: object) -> bool:
    return type(value).__name__ == "DataFrame" and hasattr(value, "columns") and hasattr(value, "head")


def bundled_code(job: StepJob, sources: PlannedSources) -> Mapping[str, bytes]:
    """Return the project's modules that the step counts or has loaded, as they were planned, by import path.

    Pickled objects contain only the names of their classes: to load a model elsewhere, the modules are needed.
    """
    loaded = (file for file in loaded_files(job.code_files).values() if sources.is_ours(file))
    found: dict[str, bytes] = {}
    for file in sorted({*job.code_files, *loaded}):
        for name, path in _with_packages(file, job.module_folders):
            if name not in found:
                try:
                    found[name] = sources.read(path)
                except OSError:
                    continue
    return found


def _with_packages(file: str, folders: Iterable[str]) -> Iterable[tuple[str, str]]:
    """Yield a module and the `__init__.py` files of its packages, by their paths relative to the folder of modules."""
    within = [folder for folder in folders if file.startswith(f"{folder.rstrip('/')}/")]
    if not within or not file.endswith(".py"):
        return
    folder = max(within, key=len)
    name = PurePosixPath(file).relative_to(folder)
    yield str(name), file
    for parent in name.parents:
        package = f"{folder}/{parent}/{_PACKAGE}"
        if str(parent) != "." and Path(package).is_file():
            yield f"{parent}/{_PACKAGE}", package
