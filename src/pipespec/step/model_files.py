"""MLflow models as a step uses them. A step does not know MLflow, so it gets the object that saves and loads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from pipespec.document.nodes import JSON
from pipespec.frozen_values import frozen
from pipespec.step.failure import StepError

__all__ = ["MLMODEL", "ModelFiles", "SavedParts", "without_models"]

MLMODEL: Final = "MLmodel"
"""The file that makes a folder an MLflow model."""


@frozen
class SavedParts:
    """What is saved with a model: an example chosen by the user, frames that may show the model's input, and code by its path."""

    example: Any
    frames: Sequence[Any]
    code: Mapping[str, bytes]


class ModelFiles(Protocol):
    """Saves and loads MLflow models. Mistakes are raised as `StepError`, in one line."""

    def require(self, flavor: str) -> None:
        """Check that objects of a flavor can be saved here."""

    def save(
        self, value: object, folder: Path, flavor: str, options: Mapping[str, JSON], parts: SavedParts
    ) -> None:
        """Save a value to a folder that does not exist yet."""

    def load(self, folder: Path, annotation: Any, options: Mapping[str, JSON]) -> Any:
        """Return the object in a folder. The caller owns the folder and keeps it as long as the object is used."""


def without_models(models: ModelFiles | None) -> ModelFiles:
    """Return the object that saves and loads models.

    Raises:
        StepError: if there is none.
    """
    if models is None:
        raise StepError("outputs", "models of MLflow cannot be saved or loaded here")
    return models
