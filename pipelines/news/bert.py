"""Fine-tunes a BERT model to tell categories, and predicts with it: the one module here that needs torch.

`checkpoint` is a folder with a model and its tokeniser, or a name on the model hub; what the hub gives for a
name can change, a folder's content cannot be seen in a step's params: name the version in the name.
On a CPU, the same seed and the same number of threads give the same weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import torch
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BatchEncoding,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

__all__ = ["fine_tune", "predict"]


def fine_tune(
    examples: pd.DataFrame,
    weights: Path,
    checkpoint: str,
    *,
    epochs: int = 3,
    learning_rate: float = 5e-5,
    batch_size: int = 16,
    max_tokens: int = 256,
    seed: int = 0,
) -> dict[str, float]:
    """Train on the columns `text` and `category`, and write model and tokeniser to the folder `weights`.

    Returns the mean loss over each epoch, as `loss_1`, `loss_2` and so on. Texts are cut at `max_tokens`,
    which the model must be able to take.
    """
    torch.manual_seed(seed)
    categories = sorted(set(examples["category"]))
    tokenizer = AutoTokenizer.from_pretrained(checkpoint, model_max_length=max_tokens)
    model = AutoModelForSequenceClassification.from_pretrained(
        checkpoint,
        id2label=dict(enumerate(categories)),
        label2id={category: number for number, category in enumerate(categories)},
    ).to(_device())
    texts = list(examples["text"])
    labels = torch.tensor([categories.index(category) for category in examples["category"]], device=_device())
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
    model.train()
    losses = {}
    for epoch in range(1, epochs + 1):
        total = 0.0
        order = torch.randperm(len(texts)).tolist()
        for start in range(0, len(texts), batch_size):
            rows = order[start : start + batch_size]
            batch = _encode(tokenizer, [texts[row] for row in rows])
            loss = model(**batch, labels=labels[rows]).loss
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        losses[f"loss_{epoch}"] = total / len(texts)
    model.save_pretrained(weights)
    tokenizer.save_pretrained(weights)
    return losses


def predict(weights: Path, examples: pd.DataFrame, batch_size: int = 64) -> pd.DataFrame:
    """Return `id`, `category`, `predicted` and `confidence` (0 to 1, four digits), as the other classifier does."""
    tokenizer = AutoTokenizer.from_pretrained(weights)
    model = AutoModelForSequenceClassification.from_pretrained(weights).to(_device()).eval()
    texts = list(examples["text"])
    batches = [texts[start : start + batch_size] for start in range(0, len(texts), batch_size)]
    shares = torch.cat([_shares(model, _encode(tokenizer, batch)) for batch in batches])
    confidence, best = shares.max(dim=1)
    return pd.DataFrame(
        {
            "id": examples["id"],
            "category": examples["category"],
            "predicted": [model.config.id2label[number] for number in best.tolist()],
            "confidence": confidence.double().numpy().round(4),
        }
    )


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _encode(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> BatchEncoding:
    batch: BatchEncoding = tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
    return batch.to(_device())


@torch.no_grad()
def _shares(model: PreTrainedModel, batch: BatchEncoding) -> torch.Tensor:
    logits: torch.Tensor = model(**batch).logits
    return logits.softmax(dim=1).cpu()
