"""The steps of pipeline.yaml that are no query: they know nothing of pipespec."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

NAMES = ("Ada", "Ben", "Chen", "Dana", "Elif", "Femi")


def make_orders(count: int, seed: int, database: Path) -> None:
    """Write a database of `count` orders by a few customers."""
    random = np.random.default_rng(seed)
    customers = random.choice(NAMES, count).tolist()
    amounts = random.exponential(20, count).round(2).tolist()
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE orders (customer TEXT, amount REAL)")
        connection.executemany(
            "INSERT INTO orders VALUES (?, ?)", zip(customers, amounts, strict=True)
        )
        connection.commit()


def summarise(customers: pd.DataFrame) -> dict[str, object]:
    """Return how many customers there are and what they spent, and a picture of it."""
    figure = Figure()
    axes = figure.subplots()
    axes.bar(customers["customer"], customers["total"])
    axes.set_ylabel("total")
    summary = {"customers": len(customers), "total": float(customers["total"].sum())}
    return {"summary": summary, "totals": figure}
