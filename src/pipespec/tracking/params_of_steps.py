"""Combine the params of several steps, as one MLflow run may contain them: named `step.param`. Pure.

A step with several variants appears under its declared name. If the variants differ in a param, all its values are
listed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from pipespec.tracking.record_names import PARAM_LENGTH, cut, declared, fit_name

__all__ = ["MOST_PARAMS", "params_of_steps"]

MOST_PARAMS: Final = 100
"""Maximum number of params of other steps: MLflow accepts no more in the request that ends a run."""


def params_of_steps(
    steps: Iterable[tuple[str, Mapping[str, str]]], most: int = MOST_PARAMS
) -> dict[str, str]:
    """Return params of steps, given by step id as dotted params: of the first steps, the first `most` params."""
    values: dict[str, dict[str, None]] = {}
    for step, params in steps:
        for name, value in params.items():
            key = fit_name(f"{declared(step)}.{name}")
            if key in values or len(values) < most:
                values.setdefault(key, {})[value] = None
    return {name: cut(", ".join(told), PARAM_LENGTH) for name, told in values.items()}
