"""The steps of pipeline.yaml: plain functions, which know nothing of pipespec."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import ConfusionMatrixDisplay, accuracy_score, f1_score
from sklearn.model_selection import train_test_split

LABEL = "label"


def make_samples(count: int, seed: int) -> pd.DataFrame:
    """Return `count` rows of two classes that overlap a little."""
    features, labels = make_classification(
        n_samples=count, n_features=6, n_informative=4, class_sep=1.2, random_state=seed
    )
    columns = [f"x{number}" for number in range(features.shape[1])]
    return pd.DataFrame(features, columns=columns).assign(**{LABEL: labels})


def split(
    samples: pd.DataFrame, test_share: float, seed: int
) -> dict[str, pd.DataFrame]:
    """Return rows to learn from and rows to judge by, with equal shares of classes."""
    train, test = train_test_split(
        samples, test_size=test_share, stratify=samples[LABEL], random_state=seed
    )
    return {"train": train, "test": test}


def train(
    rows: pd.DataFrame, trees: int, depth: int, seed: int
) -> RandomForestClassifier:
    """Return a forest that tells the classes apart."""
    forest = RandomForestClassifier(
        n_estimators=trees, max_depth=depth, random_state=seed
    )
    return forest.fit(rows.drop(columns=LABEL), rows[LABEL])


def evaluate(model: RandomForestClassifier, rows: pd.DataFrame) -> dict[str, object]:
    """Return how often the model is right, and a picture of its mistakes."""
    predicted = model.predict(rows.drop(columns=LABEL))
    figure = Figure()
    ConfusionMatrixDisplay.from_predictions(
        rows[LABEL], predicted, ax=figure.subplots()
    )
    scores = {
        "accuracy": float(accuracy_score(rows[LABEL], predicted)),
        "f1": float(f1_score(rows[LABEL], predicted)),
    }
    return {"scores": scores, "confusion": figure}
