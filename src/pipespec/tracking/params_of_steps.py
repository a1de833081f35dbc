"""Params of several steps beside each other, as one run of MLflow may bear them: named `step.param`. Pure.

A step with several variants is told by its declared name; where they differ in a param, all its values are listed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from pipespec.tracking.record_names import PARAM_LENGTH, cut, declared, fit_name

__all__ = ["MOST_PARAMS", "params_of_steps"]

MOST_PARAMS: Final = 100
"""So many params of other steps are shown: MLflow takes no more in the request that ends a run."""


def params_of_steps(
    steps: Iterable[tuple[str, Mapping[str, str]]], most: int = MOST_PARAMS
) -> dict[str, str]:
    """Return the params of steps, given by their ids with their dotted params, of the first steps the first `most`."""
    values: dict[str, dict[str, None]] = {}
    for step, params in steps:
        for name, value in params.items():
            key = fit_name(f"{declared(step)}.{name}")
            if key in values or len(values) < most:
                values.setdefault(key, {})[value] = None
    return {name: cut(", ".join(told), PARAM_LENGTH) for name, told in values.items()}
