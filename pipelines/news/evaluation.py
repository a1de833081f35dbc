"""Judges predictions: numbers, and a picture of what is taken for what."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from sklearn.metrics import ConfusionMatrixDisplay, accuracy_score, confusion_matrix, f1_score

__all__ = ["evaluate"]


def evaluate(predictions: pd.DataFrame) -> tuple[dict[str, Any], Figure]:
    """Return accuracy and F1 (the mean over categories, and each category's own), and the confusion matrix.

    Takes the columns `category` (what is true) and `predicted`.
    """
    true, predicted = predictions["category"], predictions["predicted"]
    categories = sorted({*true, *predicted})
    scores = f1_score(true, predicted, labels=categories, average=None, zero_division=0)
    metrics = {
        "accuracy": float(accuracy_score(true, predicted)),
        "f1": float(f1_score(true, predicted, average="macro", zero_division=0)),
        "f1_by_category": {
            category: float(score) for category, score in zip(categories, scores, strict=True)
        },
        "test_articles": len(predictions),
    }
    return metrics, _draw_confusion(confusion_matrix(true, predicted, labels=categories), categories)


def _draw_confusion(counts: object, categories: list[str]) -> Figure:
    side = 2.5 + 0.45 * len(categories)
    figure = Figure(figsize=(side + 0.5, side), layout="constrained")
    axes = figure.subplots()
    display = ConfusionMatrixDisplay(counts, display_labels=categories)
    display.plot(ax=axes, cmap="Blues", colorbar=False, xticks_rotation="vertical", values_format="d")
    axes.set_title("Articles by true and predicted category")
    return figure
