"""Makes the classifier's examples of titles and texts, and parts them for training and testing."""

from __future__ import annotations

import html

import pandas as pd
from sklearn.model_selection import train_test_split

__all__ = ["join_examples", "split_examples"]


def join_examples(titles: pd.DataFrame, texts: pd.DataFrame, categories: pd.DataFrame) -> pd.DataFrame:
    """Return `id`, `text` and `category`, one row for each article that has all three.

    `text` is the title, an empty line and the body's text. Titles may hold entities, but no tags.
    """
    rows = titles.merge(texts, on="id", validate="1:1").merge(categories, on="id", validate="1:1")
    joined = [
        f"{html.unescape(title)}\n\n{text}" for title, text in zip(rows["title"], rows["text"], strict=True)
    ]
    return pd.DataFrame({"id": rows["id"], "text": joined, "category": rows["category"]})


def split_examples(
    examples: pd.DataFrame, test_share: float = 0.25, seed: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the examples for training and those for testing; each category is shared out alike.

    The same seed gives the same split. `test_share` lies between 0 and 1, both excluded.

    Raises:
        ValueError: where a category has one article only.
    """
    counts = examples["category"].value_counts()
    if counts.min() < 2:
        raise ValueError(f"category {counts.idxmin()!r} has one article only; at least two are needed")
    train, test = train_test_split(
        examples, test_size=test_share, random_state=seed, stratify=examples["category"]
    )
    return train.sort_values("id", ignore_index=True), test.sort_values("id", ignore_index=True)
