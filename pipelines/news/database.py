"""Opens the article database and tells what state it is in.

Takes an SQLAlchemy URL: SQLite, PostgreSQL, whatever there is a driver for. An SQLite file that does not exist
yet is filled with made-up articles first, so that the example runs at once. Only SQLAlchemy is imported here:
`read_state` is asked on every plan and has to be quick.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Final

from sqlalchemy import (
    Column,
    Connection,
    Date,
    Engine,
    Integer,
    MetaData,
    Table,
    Text,
    create_engine,
    func,
    make_url,
    select,
)

from news.sample import make_articles

__all__ = ["ARTICLES", "connect", "insert_articles", "read_state"]

ARTICLES: Final = Table(
    "articles",
    MetaData(),
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("published", Date, nullable=False),
    Column("title", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("body_html", Text, nullable=False),
    Column("category", Text, nullable=False),
)


@contextmanager
def connect(database: str) -> Iterator[Connection]:
    """Give a connection to `database`; a missing SQLite file is filled with the sample first, said on stderr."""
    missing = _missing_file(database)
    if missing is not None:
        _make_sample(missing)
    with _connect(create_engine(database)) as connection:
        yield connection


def read_state(database: str, **_: object) -> dict[str, int | str | None]:
    """Tell how many articles there are, the highest id and the newest date: what a new row changes.

    This is the pipeline's probe: it is called with the params of the step that names it. It does not see a
    row that is edited in place; a table with a column for that could be asked for its newest change. A
    missing SQLite file is answered for as if the sample stood in it, and is not made.
    """
    engine = create_engine(database if _missing_file(database) is None else "sqlite://")
    if engine.url.database is None:
        insert_articles(engine, map(asdict, make_articles()))
    columns = func.count(), func.max(ARTICLES.c.id), func.max(ARTICLES.c.published)
    with _connect(engine) as connection:
        count, highest, newest = connection.execute(select(*columns)).one()
    return {"articles": count, "highest_id": highest, "newest": newest and newest.isoformat()}


def insert_articles(engine: Engine, rows: Iterable[Mapping[str, object]]) -> int:
    """Make the table where it is missing, add the rows in one transaction, and return how many there were."""
    ARTICLES.metadata.create_all(engine)
    values = [dict(row) for row in rows]
    if values:
        with engine.begin() as connection:
            connection.execute(ARTICLES.insert(), values)
    return len(values)


@contextmanager
def _connect(engine: Engine) -> Iterator[Connection]:
    """Give a connection, and leave none open behind it."""
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _make_sample(file: Path) -> None:
    """Write the sample beside `file` and move it there, so that steps which start together see all or nothing."""
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    engine = create_engine(f"sqlite:///{unfinished}")
    count = insert_articles(engine, map(asdict, make_articles()))
    engine.dispose()
    unfinished.replace(file)
    print(f"{file} was not there: made it, with a sample of {count} articles", file=sys.stderr)


def _missing_file(database: str) -> Path | None:
    """Return the path of an SQLite file that does not exist; None for all else."""
    url = make_url(database)
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return None
    path = Path(str(url.database))
    return None if path.exists() else path
