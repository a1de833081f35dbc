"""Runs and the versions of registered models that were created from them, each found by the other.

Takes a registry, which is not queried before. Returns the run from which `models:/news-classifier@champion` was
created, and the versions of runs. Refuses names that mean nothing, and versions that no run created.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from pipespec.document.wording import quote
from pipespec.errors import UsageError
from pipespec.operations.planning.registered_inputs import find_version
from pipespec.spec.registered_models import NotAModelError, parse_model
from pipespec.tracking.models.registry import Registry, WantedVersions

__all__ = ["MODELS", "models_of_runs", "run_of_model"]

MODELS: Final = "models:/"


def run_of_model(name: str, registry: Registry) -> str:
    """Return the id of the run from which a version was created.

    It is named as in MLflow: `models:/name@alias`, `models:/name/3`.

    Raises:
        UsageError: if there is no such version, or no run created it.
        StoreUnavailableError: if the registry cannot be read.
    """
    try:
        version = find_version(registry, parse_model(name.removeprefix(MODELS)))
    except NotAModelError as problem:
        hint = re.sub(r"'([^']+)'", rf"'{MODELS}\1'", problem.hint)
        raise UsageError(f"{quote(name)} {problem}; {hint}") from None
    if not version.run_id:
        raise UsageError(f"no run made version {version.version} of model {quote(version.name)}")
    return version.run_id


def models_of_runs(run_ids: Iterable[str], registry: Registry) -> Mapping[str, tuple[str, ...]]:
    """Return, for runs from which registered models were created, the versions as `name/3`, with their aliases: `name/3 @champion`.

    Raises:
        StoreUnavailableError: if the registry cannot be read.
    """
    found: dict[str, tuple[str, ...]] = {}
    aliases: dict[str, Mapping[str, int]] = {}
    for run_id in run_ids:
        told = []
        for version in registry.versions(WantedVersions(run_id=run_id)):
            if version.name not in aliases:
                aliases[version.name] = registry.aliases(version.name) or {}
            named = [
                f" @{alias}" for alias, number in aliases[version.name].items() if number == version.version
            ]
            told.append(f"{version.name}/{version.version}{''.join(sorted(named))}")
        if told:
            found[run_id] = tuple(sorted(told))
    return found
