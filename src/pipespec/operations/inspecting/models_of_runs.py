"""Runs and the versions of registered models that came of them, each found by the other.

Takes a registry, not yet asked; gives the run that `models:/news-classifier@champion` came of, and the versions of runs. Refuses
names that mean nothing, and versions that no run made.
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
    """Return the id of the run that a version came of, which is named as in MLflow: `models:/name@alias`, `models:/name/3`.

    Raises:
        UsageError: where there is no such version, or no run made it.
        StoreUnavailableError: where the registry cannot be asked.
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
    """Return, of runs that registered models came of, the versions as `name/3`, with their aliases: `name/3 @champion`.

    Raises:
        StoreUnavailableError: where the registry cannot be asked.
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
