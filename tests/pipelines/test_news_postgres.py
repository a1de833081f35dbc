"""The news example with its articles in PostgreSQL: functions and pipeline unchanged, but for one value."""

import uuid
from dataclasses import asdict, replace
from datetime import date

import pytest
from sqlalchemy import create_engine

from news.articles import fetch_column, fetch_ids
from news.database import insert_articles, read_state
from news.sample import make_articles

pytestmark = pytest.mark.servers


@pytest.fixture
def articles(postgres):
    """The URL of an empty database."""
    return postgres.make(f"news-{uuid.uuid4().hex}")


def test_the_same_functions_read_the_same_from_postgresql(articles, tmp_path, articles_sql):
    sqlite = f"sqlite:///{tmp_path / 'news.db'}"

    def read_all(database: str) -> list[object]:
        engine = create_engine(database)
        insert_articles(engine, map(asdict, make_articles(700)))
        before = read_state(database)
        insert_articles(engine, [asdict(replace(make_articles(1)[0], id=5))])
        engine.dispose()
        ids = fetch_ids(articles_sql, database, date(2021, 10, 1))
        columns = [fetch_column(ids, database, column) for column in ("title", "body_html", "category")]
        return [before, read_state(database), *(frame.to_dict("list") for frame in (ids, *columns))]

    from_postgres, from_sqlite = read_all(articles), read_all(sqlite)

    assert from_postgres == from_sqlite
    assert from_postgres[1] == from_postgres[0] | {"articles": 701}
    assert len(from_postgres[2]["id"]) > 500


def test_the_pipeline_runs_with_one_value_set_and_sees_a_new_row(articles, news):
    engine = create_engine(articles)
    insert_articles(engine, map(asdict, make_articles(700)))
    options = ("--set", f"params.database={articles}", "-j", "2")

    every = set(news.planned("news.yaml", *options[:2]))
    assert news.ran(*options, file="news.yaml") == every
    assert not (news.folder / "news.db").exists()
    assert news.ran(*options, file="news.yaml") == set()

    new = replace(make_articles(1)[0], id=999_999, published=date(2023, 5, 5))
    insert_articles(engine, [asdict(new)])
    engine.dispose()
    assert news.ran(*options, file="news.yaml") == every
    assert news.ran(*options, file="news.yaml") == set()
