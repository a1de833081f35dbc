"""From a passenger list to a random forest: one function for each step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder

__all__ = ["evaluate", "make_features", "pick_best", "predict", "split_rows", "train"]

_NUMBERS: Final = ["Pclass", "Age", "Fare", "family"]
_WORDS: Final = ["Sex", "Embarked", "title"]


def make_features(passengers: pd.DataFrame) -> pd.DataFrame:
    """Return what a model may look at, and `Survived`; missing values stay missing."""
    titles = passengers["Name"].str.extract(r",\s*([^.]+)\.", expand=False)
    features = passengers.assign(
        family=passengers["SibSp"] + passengers["Parch"] + 1,
        title=titles.where(titles.isin(["Mr", "Mrs", "Miss", "Master"]), "other"),
    )
    return features[["Survived", *_NUMBERS, *_WORDS]]


def split_rows(features: pd.DataFrame, test_share: float, seed: int) -> dict[str, pd.DataFrame]:
    """Return the rows for `train` and for `test`, survivors shared out alike."""
    train_rows, test_rows = train_test_split(
        features, test_size=test_share, random_state=seed, stratify=features["Survived"]
    )
    return {"train": train_rows, "test": test_rows}


def train(
    rows: pd.DataFrame, depth: int, trees: int, seed: int, n_jobs: int = 1
) -> tuple[Pipeline, dict[str, float]]:
    """Fit a forest and return it with its cross-validated accuracy; `n_jobs` changes nothing but the time.

    Medians and most frequent values, which stand in for what is missing, are learnt here, from `rows` alone.
    """
    words = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore"))
    model = make_pipeline(
        make_column_transformer((SimpleImputer(strategy="median"), _NUMBERS), (words, _WORDS)),
        RandomForestClassifier(n_estimators=trees, max_depth=depth, random_state=seed, n_jobs=n_jobs),
    )
    scores = cross_val_score(model, rows, rows["Survived"], cv=5)
    return model.fit(rows, rows["Survived"]), {
        "accuracy": float(scores.mean()),
        "deviation": float(scores.std()),
    }


def pick_best(
    models: Mapping[str, Any], scores: Mapping[str, dict[str, float]]
) -> tuple[Any, dict[str, str | float]]:
    """Return the model with the highest accuracy, and which one it is; the first by name of equal ones."""
    best = max(sorted(scores), key=lambda variant: scores[variant]["accuracy"])
    return models[best], {"variant": best, "accuracy": scores[best]["accuracy"]}


def predict(model: Pipeline, rows: pd.DataFrame) -> pd.DataFrame:
    """Return `Survived`, `predicted` and the `share` of trees that say so (0 to 1, four digits), in the order of the rows."""
    shares = model.predict_proba(rows)
    return pd.DataFrame(
        {
            "Survived": rows["Survived"].to_numpy(),
            "predicted": model.classes_[shares.argmax(axis=1)],
            "share": shares.max(axis=1).round(4),
        }
    )


def evaluate(predictions: pd.DataFrame) -> dict[str, float]:
    """Return accuracy and F1 of predictions."""
    survived, predicted = predictions["Survived"], predictions["predicted"]
    return {
        "accuracy": float(accuracy_score(survived, predicted)),
        "f1": float(f1_score(survived, predicted)),
    }
