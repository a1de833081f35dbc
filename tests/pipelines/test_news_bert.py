import hashlib
from pathlib import Path

import pandas as pd
import pytest

from news.sample import make_articles
from news.text import strip_html

pytestmark = pytest.mark.bert

pytest.importorskip("torch", reason="torch is not installed: pip install -e '.[bert]'")
pytest.importorskip("transformers", reason="transformers is not installed: pip install -e '.[bert]'")


@pytest.fixture(scope="module")
def examples(checkpoint):
    from news.bert import encode

    rows = make_articles(300)
    texts = pd.DataFrame(
        {
            "id": [row.id for row in rows],
            "text": [f"{row.title}\n\n{strip_html(row.body_html)}" for row in rows],
            "category": [row.category for row in rows],
        }
    )
    return encode(texts, str(checkpoint), max_tokens=128)


def _digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_texts_become_numbers_up_to_a_length_and_keep_their_order(examples):
    assert list(examples.columns) == ["id", "category", "tokens"]
    assert list(examples["id"]) == [row.id for row in make_articles(300)]
    assert {len(tokens) for tokens in examples["tokens"]} <= set(range(3, 129))
    assert len({tokens[0] for tokens in examples["tokens"]}) == 1  # each begins with the same mark


def test_a_fine_tuned_model_predicts_better_than_guessing(tmp_path, examples, checkpoint):
    from news.bert import fine_tune, predict

    losses = fine_tune(examples, tmp_path, str(checkpoint), epochs=8, learning_rate=2e-3)
    predictions = predict(tmp_path, examples)

    assert list(losses) == [f"loss_{epoch}" for epoch in range(1, 9)]
    assert losses["loss_8"] < 0.8 * losses["loss_1"]
    assert list(predictions.columns) == ["id", "category", "predicted", "confidence"]
    assert list(predictions["id"]) == list(examples["id"])
    assert (predictions["category"] == predictions["predicted"]).mean() > 0.4
    assert predictions["confidence"].between(1 / 6, 1).all()


def test_the_same_seed_writes_the_same_files_and_another_does_not(tmp_path, examples, checkpoint):
    from news.bert import fine_tune

    folders = [tmp_path / name for name in ("first", "second", "third")]
    for folder, seed in zip(folders, (0, 0, 1), strict=True):
        folder.mkdir()
        fine_tune(examples[:64], folder, str(checkpoint), epochs=1, seed=seed)
    first, second, third = map(_digests, folders)

    assert {"config.json", "model.safetensors", "tokenizer.json"} <= first.keys()
    assert first == second
    assert first["model.safetensors"] != third["model.safetensors"]


def test_predictions_do_not_depend_on_the_batches(tmp_path, examples, checkpoint):
    from news.bert import fine_tune, predict

    fine_tune(examples[:64], tmp_path, str(checkpoint), epochs=1)

    one_by_one = predict(tmp_path, examples[:10], batch_size=1)

    assert one_by_one["predicted"].equals(predict(tmp_path, examples[:10])["predicted"])
