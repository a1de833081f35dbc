"""Learns to forecast from the features of one region, and forecasts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import pandas as pd
from sklearn.base import RegressorMixin
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

__all__ = ["forecast", "inputs_of", "train"]


def train(
    rows: pd.DataFrame, estimator: Literal["ridge", "gradient_boosting"], options: Mapping[str, float]
) -> RegressorMixin:
    """Fit an estimator to the column `value`; `options` are those of scikit-learn's own class."""
    match estimator:
        case "ridge":
            weeks = OneHotEncoder(sparse_output=False, handle_unknown="ignore")
            columns = make_column_transformer((weeks, ["hour_of_week"]), remainder=StandardScaler())
            model = make_pipeline(columns, Ridge(**options))
        case "gradient_boosting":
            model = HistGradientBoostingRegressor(**options)
    return model.fit(inputs_of(rows), rows["value"])


def inputs_of(rows: pd.DataFrame) -> pd.DataFrame:
    """Return what a model may look at: all columns but what it is to say, and when."""
    return rows.drop(columns=["time", "value"])


def forecast(model: RegressorMixin, rows: pd.DataFrame) -> pd.DataFrame:
    """Return `time` and `forecast` of each row; there may be none."""
    values = model.predict(inputs_of(rows)) if len(rows) else []
    return pd.DataFrame({"time": rows["time"], "forecast": values}).round({"forecast": 1})
