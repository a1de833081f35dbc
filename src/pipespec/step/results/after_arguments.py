"""Build the arguments of the `after` function: outputs as its annotations require, and params.

Takes the live function, the declared outputs and their places. Returns arguments by name. Unlike the step's own
function, this function chooses by its argument names what it gets, and need not take everything. It gets copies, so
that it cannot change what is recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipespec.document.nodes import JSON
from pipespec.document.wording import listing
from pipespec.step.arguments.argument_binding import convert_params
from pipespec.step.arguments.input_loading import load_input
from pipespec.step.arguments.live_annotations import MISSING, live_arguments
from pipespec.step.failure import StepError
from pipespec.step.model_files import ModelFiles
from pipespec.step.step_job import Artifact, InputJob, OutputJob

__all__ = ["after_arguments"]


def after_arguments(
    function: Callable[..., Any],
    outputs: Sequence[OutputJob],
    params: Mapping[str, JSON],
    places: Mapping[str, Path],
    folder: Path,
    models: ModelFiles | None = None,
) -> dict[str, Any]:
    """Return the arguments. Copies are made in `folder`.

    Raises:
        StepError: if an argument has no value, or an output cannot be loaded for its annotation.
    """
    known = live_arguments(function) or {}
    named = {name: argument for name, argument in known.items() if not argument.is_rest}
    taken = [output for output in outputs if output.name in named or len(named) < len(known)]
    made = {output.name for output in taken}
    values = {name: value for name, value in params.items() if name in named and name not in made}
    missing = [
        name
        for name, argument in named.items()
        if name not in made and name not in values and not argument.has_default
    ]
    if missing:
        raise StepError("binding", f"after: there is no output or param {listing(missing)}")
    annotations = {name: one.annotation for name, one in named.items() if one.annotation is not MISSING}
    try:
        loaded = {
            output.name: load_input(
                _as_input(output, places[output.name]),
                annotations.get(output.name),
                folder / output.name,
                models=models,
            )
            for output in taken
        }
        return loaded | convert_params(values, annotations)
    except StepError as error:
        raise StepError(error.kind, f"after: {error}") from error.__cause__


def _as_input(output: OutputJob, place: Path) -> InputJob:
    location = f"{place}/" if output.file.endswith("/") else str(place)
    artifact = Artifact(location, None, Path(output.file).name, is_model=output.model is not None)
    return InputJob(output.name, "one", (artifact,))
