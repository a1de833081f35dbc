"""The steps of pipeline.yaml: plain functions, which know nothing of pipespec."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure


def measure(count: int, noise: float, seed: int) -> pd.DataFrame:
    """Return `count` points of a sine, with noise, in random order."""
    random = np.random.default_rng(seed)
    x = random.uniform(-3, 3, count)
    return pd.DataFrame(
        {"x": x, "y": np.sin(x) + random.normal(scale=noise, size=count)}
    )


def fit(
    points: pd.DataFrame, degree: int, penalty: float
) -> dict[str, dict[str, object]]:
    """Return the curve for three quarters of the points, and its error on the rest."""
    train, test = np.split(points[["x", "y"]].to_numpy(), [len(points) * 3 // 4])
    powers = np.vander(train[:, 0], degree + 1, increasing=True)
    squares = powers.T @ powers + penalty * np.eye(degree + 1)
    coefficients = np.linalg.solve(squares, powers.T @ train[:, 1])
    misses = test[:, 1] - np.polynomial.Polynomial(coefficients)(test[:, 0])
    return {
        "curve": {"coefficients": coefficients.tolist()},
        "scores": {"rmse": float(np.sqrt((misses**2).mean()))},
    }


def pick_best(
    curves: dict[str, dict[str, object]], scores: dict[str, dict[str, float]]
) -> dict[str, object]:
    """Return the best curve and its score, and a picture of all scores.

    Both mappings have a key for each variant, such as `degree=3,penalty=0`.
    """
    best = min(scores, key=lambda variant: scores[variant]["rmse"])
    figure = Figure()
    axes = figure.subplots()
    axes.barh(list(scores), [score["rmse"] for score in scores.values()])
    axes.set_xlabel("RMSE")
    figure.tight_layout()
    choice = {"variant": best, "rmse": scores[best]["rmse"]}
    return {"curve": curves[best], "choice": choice, "errors": figure}
