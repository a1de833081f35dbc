"""Let other interpreters that a step starts log to the step's run through MLflow's API.

MLflow loads this module as a plug-in while it is imported: `StepRunContext` is an entry point of the group
`mlflow.run_context_provider`. In a process whose environment names the run of a step, MLflow's API is connected to that
run as in the step's own process. In all other processes nothing happens, and no other module of pipespec is loaded.
"""

from __future__ import annotations

import os
import sys
from types import ModuleType
from typing import Any

from pipespec.tracking.writing.step_environment import STEP_RUN

__all__ = ["StepRunContext"]


class StepRunContext:
    """A provider of tags for MLflow that provides none. It exists only to be loaded."""

    def __init__(self) -> None:
        if told := os.environ.get(STEP_RUN):
            from pipespec.tracking.writing.user_logging import take_from_parent  # noqa: PLC0415 - only children of steps load it

            take_from_parent(told)
            mlflow = sys.modules["mlflow"]
            if type(mlflow) is ModuleType:
                mlflow.__class__ = _Arriving

    def in_context(self) -> bool:
        """Return no tags."""
        return False

    def tags(self) -> dict[str, str]:
        """Return no tags."""
        return {}


class _Arriving(ModuleType):
    """The module mlflow while it is imported. Its API is connected when an attribute is first read after the import."""

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("__") and "start_run" in vars(self):
            from pipespec.tracking.writing.user_logging import join_api  # noqa: PLC0415 - as above

            self.__class__ = ModuleType  # type: ignore[assignment]  # it is one
            join_api(self)
        return ModuleType.__getattribute__(self, name)
