"""Loads a corpus into the article database: `PYTHONPATH=pipelines python -m news.load_corpus FILE URL`.

Takes lines of JSON (gzip or not) with `id`, `published`, `title`, `summary`, `body_html` and `category`; other
keys are left out. The table must not hold any of the ids yet: all rows go in, or none.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine

from news.database import ARTICLES, insert_articles

__all__ = ["load", "read_articles"]


def load(corpus: Path, database: str) -> int:
    """Add the articles of `corpus` to the table, which is made where it is missing; return how many."""
    engine = create_engine(database)
    try:
        return insert_articles(engine, read_articles(corpus))
    finally:
        engine.dispose()


def read_articles(corpus: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows; of `published` only the day counts, however the source writes time and offset."""
    reader = gzip.open if corpus.suffix == ".gz" else open
    with reader(corpus, "rt", encoding="utf-8") as lines:
        for line in lines:
            article = json.loads(line)
            row = {name: article[name] for name in ARTICLES.columns.keys()}  # noqa: SIM118 - yields columns
            yield row | {"published": date.fromisoformat(str(article["published"])[:10])}


def main(arguments: list[str]) -> int:
    """Load, say how many, and return an exit code."""
    if len(arguments) != 2:
        print(f"usage: {Path(__file__).stem} FILE URL", file=sys.stderr)
        return 2
    corpus, database = arguments
    print(f"{load(Path(corpus), database)} articles")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
