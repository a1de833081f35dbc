import hashlib
from dataclasses import asdict, replace
from datetime import date

import pytest
from sqlalchemy import create_engine, text

from news.articles import fetch_column, fetch_ids
from news.database import connect, insert_articles, read_state
from news.load_corpus import load, main, read_articles
from news.sample import CATEGORIES, make_articles


@pytest.fixture
def database(tmp_path):
    """Three articles, their ids and dates in different orders."""
    url = f"sqlite:///{tmp_path / 'news.db'}"
    first, second, third = (asdict(row) for row in make_articles(3))
    first |= {"id": 30, "published": date(2021, 10, 1), "title": "None"}
    second |= {"id": 10, "published": date(2021, 9, 30)}
    third |= {"id": 20, "published": date(2022, 1, 1)}
    insert_articles(create_engine(url), [first, second, third])
    return url


def read_ids(database):
    with connect(database) as connection:
        return connection.scalars(text("SELECT id FROM articles ORDER BY id")).all()


def test_sample_is_the_same_for_everyone():
    written = repr([asdict(row) for row in make_articles()]).encode()

    assert (
        hashlib.sha256(written).hexdigest()
        == "2831e6b5b5d75aa82506936b6c1d0ee1b30eb153a0dc36dc8cef214ebb2c5fc7"
    )


def test_sample_has_what_real_articles_have():
    rows = make_articles()

    assert [row.id for row in rows] == list(range(1001, 1601))
    assert {row.category for row in rows} == set(CATEGORIES)
    assert any(row.summary == "" for row in rows)
    assert make_articles(5, seed=1) != make_articles(5, seed=0)
    assert make_articles(5) == rows[:5]


def test_a_missing_sqlite_file_is_filled_with_the_sample_once(tmp_path, capsys):
    url = f"sqlite:///{tmp_path / 'news.db'}"

    read_ids(url)
    said_first = capsys.readouterr()
    read_ids(url)
    said_second = capsys.readouterr()

    assert said_first.err == f"{tmp_path / 'news.db'} was not there: made it, with a sample of 600 articles\n"
    assert said_first.out == said_second.err == ""
    assert [path.name for path in tmp_path.iterdir()] == ["news.db"]


def test_a_missing_file_is_relative_to_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    read_ids("sqlite:///news.db")

    assert (tmp_path / "news.db").exists()


def test_the_probe_answers_for_a_missing_file_as_if_it_were_there_and_makes_none(tmp_path):
    url = f"sqlite:///{tmp_path / 'news.db'}"

    before = read_state(url, since="2021-10-01", column="title")
    made_by_the_probe = list(tmp_path.iterdir())
    read_ids(url)

    assert made_by_the_probe == []
    assert before == read_state(url) == {"articles": 600, "highest_id": 1600, "newest": "2024-12-24"}


def test_the_probe_notices_a_new_row(database):
    before = read_state(database)
    insert_articles(create_engine(database), [asdict(replace(make_articles(1)[0], id=15))])

    assert before == {"articles": 3, "highest_id": 30, "newest": "2022-01-01"}
    assert read_state(database) == before | {"articles": 4}


def test_the_probe_answers_for_an_empty_table(tmp_path):
    url = f"sqlite:///{tmp_path / 'empty.db'}"
    insert_articles(create_engine(url), [])

    assert read_state(url) == {"articles": 0, "highest_id": None, "newest": None}


def test_ids_are_those_on_or_after_the_day_in_order(database, articles_sql):
    assert fetch_ids(articles_sql, database, date(2021, 10, 1)).to_dict("list") == {"id": [20, 30]}
    assert fetch_ids(articles_sql, database, date(2030, 1, 1)).to_dict("list") == {"id": []}


def test_a_column_comes_in_the_order_of_the_ids(database, articles_sql):
    ids = fetch_ids(articles_sql, database, date(2000, 1, 1)).iloc[::-1]

    titles = fetch_column(ids, database, "title")

    assert list(titles.columns) == ["id", "title"]
    assert list(titles["id"]) == [30, 20, 10]
    assert titles["title"][0] == "None"


def test_more_ids_than_one_statement_takes(tmp_path, articles_sql):
    url = f"sqlite:///{tmp_path / 'news.db'}"
    insert_articles(create_engine(url), map(asdict, make_articles(1101)))
    ids = fetch_ids(articles_sql, url, date(2000, 1, 1))

    categories = fetch_column(ids, url, "category")

    assert list(categories["id"]) == list(range(1001, 2102))
    assert list(categories["category"]) == [row.category for row in make_articles(1101)]


def test_an_article_that_has_gone_is_an_error_that_names_it(database, articles_sql):
    ids = fetch_ids(articles_sql, database, date(2000, 1, 1))
    with create_engine(database).begin() as connection:
        connection.execute(text("DELETE FROM articles WHERE id = 20"))

    with pytest.raises(LookupError, match=r"^1 articles are not in the database, the first is 20$"):
        fetch_column(ids, database, "title")


def test_a_corpus_is_loaded_whole_or_not_at_all(tmp_path, capsys):
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text(
        '{"id": 7, "path": "x", "published": "2014-02-03 10:00:00 -0400", "title": "t", "summary": "",'
        ' "topics": ["a"], "category": "c", "body_html": "<p>東京</p>"}\n',
        encoding="utf-8",
    )
    url = f"sqlite:///{tmp_path / 'news.db'}"

    assert main([str(corpus), url]) == 0
    assert capsys.readouterr().out == "1 articles\n"
    assert read_state(url) == {"articles": 1, "highest_id": 7, "newest": "2014-02-03"}
    assert list(read_articles(corpus)) == [
        {
            "id": 7,
            "published": date(2014, 2, 3),
            "title": "t",
            "summary": "",
            "body_html": "<p>東京</p>",
            "category": "c",
        }
    ]
    with pytest.raises(Exception, match="UNIQUE constraint failed"):
        load(corpus, url)
    assert main([]) == 2
