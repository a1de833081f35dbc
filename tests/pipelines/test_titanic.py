import io
from pathlib import Path

import pandas as pd
import pytest

import titanic
from titanic.sample import write_passengers
from titanic.steps import evaluate, make_features, pick_best, predict, split_rows, train

SAMPLE = Path(titanic.__file__).with_name("passengers.csv")


@pytest.fixture(scope="module")
def features():
    return make_features(pd.read_csv(SAMPLE))


def test_the_passenger_list_in_the_repository_is_what_the_script_prints():
    printed = io.StringIO()
    write_passengers(printed)

    assert printed.getvalue() == SAMPLE.read_text(encoding="utf-8")


def test_features_count_the_family_and_read_the_title():
    passengers = pd.read_csv(SAMPLE).head(2)
    passengers["Name"] = ["Núñez, the Countess. of (X)", "O'Dea, Mr. Bruno"]

    assert make_features(passengers).to_dict("records") == [
        {
            "Survived": row.Survived,
            "Pclass": row.Pclass,
            "Age": row.Age,
            "Fare": row.Fare,
            "family": row.SibSp + row.Parch + 1,
            "Sex": row.Sex,
            "Embarked": row.Embarked,
            "title": title,
        }
        for row, title in zip(passengers.itertuples(), ("other", "Mr"), strict=True)
    ]


def test_split_parts_all_rows(features):
    parts = split_rows(features, test_share=0.2, seed=1)

    assert sorted([*parts["train"].index, *parts["test"].index]) == list(features.index)
    assert len(parts["test"]) == 100
    assert parts["test"]["Survived"].mean() == pytest.approx(features["Survived"].mean(), abs=0.01)


def test_the_same_seed_trains_the_same_forest_whatever_the_number_of_processes(features):
    parts = split_rows(features, test_share=0.25, seed=0)

    model, scores = train(parts["train"], depth=3, trees=10, seed=0)
    again, same_scores = train(parts["train"], depth=3, trees=10, seed=0, n_jobs=2)

    assert scores == same_scores
    assert model.predict_proba(parts["test"]) == pytest.approx(again.predict_proba(parts["test"]), rel=1e-12)


def test_the_most_accurate_model_is_picked_and_the_first_by_name_of_equals():
    scores = {"b": {"accuracy": 0.8}, "c": {"accuracy": 0.7}, "a": {"accuracy": 0.8}}

    assert pick_best({"a": "A", "b": "B", "c": "C"}, scores) == ("A", {"variant": "a", "accuracy": 0.8})


def test_a_forest_beats_guessing_on_rows_that_it_has_not_seen(features):
    parts = split_rows(features, test_share=0.25, seed=0)
    model, _ = train(parts["train"], depth=4, trees=50, seed=0)

    predictions = predict(model, parts["test"])
    metrics = evaluate(predictions)

    assert list(predictions.columns) == ["Survived", "predicted", "share"]
    assert list(predictions["Survived"]) == list(parts["test"]["Survived"])
    assert list(predictions["predicted"]) == list(model.predict(parts["test"]))
    assert predictions["share"].between(0.5, 1).all()
    assert metrics.keys() == {"accuracy", "f1"}
    assert metrics["accuracy"] > 0.7 > 1 - features["Survived"].mean()


@pytest.mark.data
def test_the_real_list_is_read_by_the_same_functions(shared_data):
    parts = split_rows(
        make_features(pd.read_csv(shared_data / "titanic/titanic.csv")), test_share=0.25, seed=0
    )
    model, scores = train(parts["train"], depth=4, trees=100, seed=0)

    assert 0.78 < scores["accuracy"] < 0.88
    assert 0.75 < evaluate(predict(model, parts["test"]))["accuracy"] < 0.90
