"""The steps of pipeline.yaml: plain functions, which know nothing of pipespec."""

from __future__ import annotations

import numpy as np
import pandas as pd


def measure(count: int, noise: float, seed: int) -> pd.DataFrame:
    """Return `count` points of a sine, with noise."""
    random = np.random.default_rng(seed)
    x = np.linspace(-3, 3, count)
    return pd.DataFrame(
        {"x": x, "y": np.sin(x) + random.normal(scale=noise, size=count)}
    )


def fit(points: pd.DataFrame, degree: int) -> dict[str, list[float]]:
    """Return the coefficients of the polynomial that fits best, lowest power first."""
    curve = np.polynomial.Polynomial.fit(points["x"], points["y"], degree)
    return {"coefficients": curve.convert().coef.tolist()}


def evaluate(points: pd.DataFrame, curve: dict[str, list[float]]) -> dict[str, float]:
    """Return how much of the spread the curve explains, and how far off it is."""
    misses = points["y"] - np.polynomial.Polynomial(curve["coefficients"])(points["x"])
    return {
        "r2": float(1 - misses.var() / points["y"].var()),
        "rmse": float(np.sqrt((misses**2).mean())),
    }
