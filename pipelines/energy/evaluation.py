"""Judges models beside the naive forecast, which says the value of the same hour last week; compares regions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.base import RegressorMixin

from energy.forecaster import inputs_of

__all__ = ["compare", "evaluate"]


def evaluate(model: RegressorMixin, rows: pd.DataFrame) -> dict[str, float]:
    """Return the mean absolute error (`mae`, in units of the value) and its share of the value (`mape`).

    Both also for the naive forecast; `skill` is the part of the naive error that the model does away with: 1 is
    perfect, below 0 is worse than naive. Hours with the value 0, which has no shares, do not count in `mape`.
    """
    value = rows["value"].to_numpy()
    errors = np.abs(model.predict(inputs_of(rows)) - value)
    naive_errors = np.abs(rows["last_week"].to_numpy() - value)
    return {
        "mae": float(errors.mean()),
        "mape": _share(errors, value),
        "naive_mae": float(naive_errors.mean()),
        "naive_mape": _share(naive_errors, value),
        "skill": float(1 - errors.mean() / naive_errors.mean()),
        "hours": len(rows),
    }


def _share(errors: np.ndarray, value: np.ndarray) -> float:
    counts = value != 0
    return float((errors[counts] / np.abs(value[counts])).mean())


def compare(scores: Mapping[str, Mapping[str, float]]) -> tuple[pd.DataFrame, Figure]:
    """Return one row of scores for each region, best skill first, and a picture of model and naive errors."""
    table = pd.DataFrame([{"region": region, **scores[region]} for region in sorted(scores)])
    table = table.sort_values("skill", ascending=False, kind="stable", ignore_index=True)
    return table.round(4), _draw(table)


def _draw(table: pd.DataFrame) -> Figure:
    figure = Figure(figsize=(5, 1.5 + 0.5 * len(table)), layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(table))
    axes.barh(places - 0.2, 100 * table["mape"], height=0.4, label="model")
    axes.barh(places + 0.2, 100 * table["naive_mape"], height=0.4, label="same hour last week")
    axes.set_yticks(places, table["region"])
    axes.invert_yaxis()
    axes.set_xlabel("mean absolute error, % of the value")
    figure.legend(loc="outside upper center", ncols=2)
    return figure
