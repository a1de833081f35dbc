"""Reads from the article database: which articles there are, and one column of them at a time."""

from __future__ import annotations

from datetime import date
from typing import Final, Literal

import pandas as pd
from sqlalchemy import Date, bindparam, select, text

from news.database import ARTICLES, connect

__all__ = ["fetch_column", "fetch_ids"]

_ROWS_AT_ONCE: Final = 500
"""Databases bound the number of values in one statement; the lowest bound in use is SQLite's old 999."""


def fetch_ids(query: str, database: str, since: date) -> pd.DataFrame:
    """Run `query`, which may use `:since`, and return its rows; it has to give a column `id`."""
    statement = text(query).bindparams(bindparam("since", since, type_=Date))
    with connect(database) as connection:
        return pd.read_sql(statement, connection)


def fetch_column(
    ids: pd.DataFrame, database: str, column: Literal["title", "summary", "body_html", "category"]
) -> pd.DataFrame:
    """Return `id` and `column` of the articles, in the order of `ids`.

    Raises:
        LookupError: where an id is not in the database.
    """
    wanted = [int(number) for number in ids["id"]]
    found: dict[int, str] = {}
    with connect(database) as connection:
        for start in range(0, len(wanted), _ROWS_AT_ONCE):
            some = wanted[start : start + _ROWS_AT_ONCE]
            statement = select(ARTICLES.c.id, ARTICLES.c[column]).where(ARTICLES.c.id.in_(some))
            found.update((number, value) for number, value in connection.execute(statement))
    missing = [number for number in wanted if number not in found]
    if missing:
        raise LookupError(f"{len(missing)} articles are not in the database, the first is {missing[0]}")
    return pd.DataFrame({"id": wanted, column: [found[number] for number in wanted]})
