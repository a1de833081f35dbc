from datetime import date

import pytest

from news.articles import fetch_column, fetch_ids
from news.classifier import predict, train
from news.evaluation import evaluate
from news.examples import join_examples, split_examples
from news.load_corpus import load
from news.text import strip_bodies

pytestmark = pytest.mark.data


def test_real_articles_are_classified_about_as_well_as_is_known(shared_data, tmp_path, articles_sql):
    database = f"sqlite:///{tmp_path / 'news.db'}"

    assert load(shared_data / "news_digitalgov/articles.jsonl.gz", database) == 1795
    ids = fetch_ids(articles_sql, database, date(2000, 1, 1))
    titles, bodies, categories = (
        fetch_column(ids, database, column) for column in ("title", "body_html", "category")
    )
    texts = strip_bodies(bodies)
    train_examples, test_examples = split_examples(join_examples(titles, texts, categories))
    metrics, _ = evaluate(predict(train(train_examples, regularisation=0.1), test_examples))

    assert texts["text"].str.contains(r"</?\w|<!--|&\w+;|&#\d").sum() == 21  # these write about HTML, escaped
    assert texts["text"].str.len().min() > 100
    assert len(metrics["f1_by_category"]) == 17
    assert 0.55 < metrics["accuracy"] < 0.65
    assert 0.45 < metrics["f1"] < 0.60
