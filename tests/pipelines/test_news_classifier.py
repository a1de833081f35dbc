import io
import os
import subprocess
import sys
import warnings
from pathlib import Path

import joblib
import pandas as pd
import pytest

import news
from news.classifier import predict, train
from news.evaluation import evaluate
from news.examples import join_examples, split_examples
from news.sample import make_articles
from news.text import strip_bodies


@pytest.fixture(scope="module")
def examples():
    rows = pd.DataFrame(make_articles())
    return join_examples(rows[["id", "title"]], strip_bodies(rows), rows[["id", "category"]])


def test_examples_are_title_and_text_of_articles_that_have_all_three():
    titles = pd.DataFrame({"id": [1, 2, 3], "title": ["A &#8217; B", "None", "x"]})
    texts = pd.DataFrame({"id": [2, 1], "text": ["two", "one"]})
    categories = pd.DataFrame({"id": [3, 2, 1], "category": ["r", "q", "p"]})

    assert join_examples(titles, texts, categories).to_dict("records") == [
        {"id": 1, "text": "A \u2019 B\n\none", "category": "p"},
        {"id": 2, "text": "None\n\ntwo", "category": "q"},
    ]


def test_an_article_that_stands_twice_is_refused():
    titles = pd.DataFrame({"id": [1, 1], "title": ["a", "b"]})
    texts = pd.DataFrame({"id": [1], "text": ["one"]})

    with pytest.raises(pd.errors.MergeError):
        join_examples(titles, texts, pd.DataFrame({"id": [1], "category": ["p"]}))


def test_split_parts_all_articles_and_shares_each_category_out_alike(examples):
    train_examples, test_examples = split_examples(examples, test_share=0.25, seed=3)

    assert sorted([*train_examples["id"], *test_examples["id"]]) == list(examples["id"])
    assert len(test_examples) == 150
    shares = test_examples["category"].value_counts() / examples["category"].value_counts()
    assert shares.between(0.23, 0.27).all()
    for part in (train_examples, test_examples):
        assert part["id"].is_monotonic_increasing
        assert list(part.index) == list(range(len(part)))


def test_split_depends_on_the_seed_alone(examples):
    again = split_examples(examples, seed=3)[1]

    assert again.equals(split_examples(examples, seed=3)[1])
    assert not again.equals(split_examples(examples, seed=4)[1])


def test_a_category_with_one_article_is_refused_by_name(examples):
    lonely = examples.assign(category=["rare", *["common"] * (len(examples) - 1)])

    with pytest.raises(ValueError, match=r"^category 'rare' has one article only; at least two are needed$"):
        split_examples(lonely)


def test_the_sample_can_be_learnt_but_not_by_heart(examples):
    train_examples, test_examples = split_examples(examples)

    predictions = predict(train(train_examples, regularisation=0.1), test_examples)
    metrics, _ = evaluate(predictions)

    assert list(predictions["id"]) == list(test_examples["id"])
    assert predictions["confidence"].between(1 / 6, 1).all()
    assert 0.8 < metrics["accuracy"] < 0.95
    assert 0.8 < metrics["f1"] < 0.95


def test_training_and_predicting_again_gives_the_same(examples):
    train_examples, test_examples = split_examples(examples)

    first, second = (predict(train(train_examples), test_examples) for _ in range(2))

    assert first.equals(second)


@pytest.mark.slow
def test_a_model_has_the_same_bytes_in_another_process(examples, tmp_path):
    train_examples, test_examples = split_examples(examples)
    train_examples.to_parquet(tmp_path / "train.parquet")
    code = (
        "import joblib, pandas; from news.classifier import train;"
        "joblib.dump(train(pandas.read_parquet('train.parquet')), 'model.joblib')"
    )
    pipelines = str(Path(news.__file__).parents[1])

    def train_elsewhere(seed: str) -> bytes:
        variables = os.environ | {"PYTHONPATH": pipelines, "PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=variables, check=True, timeout=120)
        return (tmp_path / "model.joblib").read_bytes()

    first = train_elsewhere("1")

    assert first == train_elsewhere("2")
    assert predict(joblib.load(tmp_path / "model.joblib"), test_examples)["confidence"].mean() > 0.2


PREDICTIONS = pd.DataFrame(
    {
        "id": [1, 2, 3, 4],
        "category": ["a", "a", "b", "c"],
        "predicted": ["a", "b", "b", "d"],
        "confidence": 0.5,
    }
)


def test_metrics_are_counted_over_all_categories_true_or_predicted():
    metrics, _ = evaluate(PREDICTIONS)

    assert metrics == {
        "accuracy": 0.5,
        "f1": pytest.approx((2 / 3 + 2 / 3) / 4),
        "f1_by_category": {"a": pytest.approx(2 / 3), "b": pytest.approx(2 / 3), "c": 0.0, "d": 0.0},
        "test_articles": 4,
    }


def test_the_picture_has_the_same_bytes_each_time():
    def draw() -> bytes:
        stream = io.BytesIO()
        evaluate(PREDICTIONS)[1].savefig(stream, format="png")
        return stream.getvalue()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first = draw()

    assert first.startswith(b"\x89PNG")
    assert first == draw()
