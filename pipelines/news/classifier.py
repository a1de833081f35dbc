"""Learns categories with TF-IDF and logistic regression, and predicts them."""

from __future__ import annotations

import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

__all__ = ["predict", "train"]


def train(
    examples: pd.DataFrame, max_features: int = 50_000, regularisation: float = 1.0, seed: int = 0
) -> Pipeline:
    """Fit a classifier to the columns `text` and `category`.

    `regularisation` is above 0; twice of it halves scikit-learn's `C`.
    """
    features = TfidfVectorizer(max_features=max_features, sublinear_tf=True, min_df=2)
    model = LogisticRegression(C=1 / regularisation, max_iter=1000, random_state=seed)
    classifier = Pipeline([("features", features), ("model", model)])
    classifier.fit(examples["text"], examples["category"])
    # scikit-learn keeps an address there, as a memory of what it has checked; with it the same model has
    # other bytes each time, and all that reads it would run again.
    vars(features).pop("_stop_words_id", None)
    return classifier


def predict(model: Pipeline, examples: pd.DataFrame) -> pd.DataFrame:
    """Return `id`, `category`, `predicted` and `confidence` (0 to 1, four digits), in the order of the examples."""
    shares = model.predict_proba(examples["text"])
    return pd.DataFrame(
        {
            "id": examples["id"],
            "category": examples["category"],
            "predicted": model.classes_[shares.argmax(axis=1)],
            "confidence": shares.max(axis=1).round(4),
        }
    )
