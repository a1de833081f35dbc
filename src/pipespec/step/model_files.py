"""Objects as MLflow models, as a step sees them: who saves and loads them is told to it, since it does not know MLflow."""

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
    """What is saved with a model: an example that the user chose, frames that may show what it takes, code by its path."""

    example: Any
    frames: Sequence[Any]
    code: Mapping[str, bytes]


class ModelFiles(Protocol):
    """Saves and loads MLflow models. What is wrong is raised as `StepError`, in one line."""

    def require(self, flavor: str) -> None:
        """See that objects of a flavor can be saved here."""

    def save(
        self, value: object, folder: Path, flavor: str, options: Mapping[str, JSON], parts: SavedParts
    ) -> None:
        """Save a value into a folder that is not there yet."""

    def load(self, folder: Path, annotation: Any, options: Mapping[str, JSON]) -> Any:
        """Return the object in a folder that is the caller's own, and stays there as long as the object is used."""


def without_models(models: ModelFiles | None) -> ModelFiles:
    """Return who saves and loads models.

    Raises:
        StepError: where nobody does.
    """
    if models is None:
        raise StepError("outputs", "models of MLflow cannot be saved or loaded here")
    return models
