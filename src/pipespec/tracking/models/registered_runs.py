"""Find the runs from which registered models were made, in MLflow's registry."""

from __future__ import annotations

import re
from typing import Final

from pipespec.tracking.models.registry import ModelVersion, Registry, WantedVersions

__all__ = ["registered_runs"]

_RUN_IN_SOURCE: Final = re.compile(r"runs:/+([0-9a-f]{32})|/([0-9a-f]{32})/artifacts(?:/|$)")


def registered_runs(registry: Registry) -> frozenset[str]:
    """Return the ids of runs that any version of any registered model names as its run, or as the place of its files.

    Raises:
        StoreUnavailableError: if the registry cannot be reached.
    """
    return frozenset(
        run_id for version in registry.versions(WantedVersions()) for run_id in _runs_of(version)
    )


def _runs_of(version: ModelVersion) -> list[str]:
    told = [version.run_id] if version.run_id else []
    return told + [one or other for one, other in _RUN_IN_SOURCE.findall(version.source)]
