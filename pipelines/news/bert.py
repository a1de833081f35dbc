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
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoModelForSequenceClassification, AutoTokenizer, PreTrainedModel

__all__ = ["encode", "fine_tune", "predict"]


def encode(examples: pd.DataFrame, checkpoint: str, max_tokens: int = 256) -> pd.DataFrame:
    """Return `id`, `category` and `tokens`: what the model reads in place of `text`, cut at `max_tokens` numbers.

    The model must be able to take so many.
    """
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    encoded = tokenizer(list(examples["text"]), truncation=True, max_length=max_tokens)
    return examples[["id", "category"]].assign(tokens=encoded["input_ids"])


def fine_tune(
    examples: pd.DataFrame,
    weights: Path,
    checkpoint: str,
    *,
    epochs: int = 3,
    learning_rate: float = 5e-5,
    batch_size: int = 16,
    seed: int = 0,
) -> dict[str, float]:
    """Train on the columns `tokens` and `category`, and write model and tokeniser to the folder `weights`.

    Returns the mean loss over each epoch, as `loss_1`, `loss_2` and so on.
    """
    torch.manual_seed(seed)
    categories = sorted(set(examples["category"]))
    model = AutoModelForSequenceClassification.from_pretrained(
        checkpoint,
        id2label=dict(enumerate(categories)),
        label2id={category: number for number, category in enumerate(categories)},
    ).to(_device())
    texts = list(examples["tokens"])
    labels = torch.tensor([categories.index(category) for category in examples["category"]], device=_device())
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
    model.train()
    losses = {}
    for epoch in range(1, epochs + 1):
        total = 0.0
        order = torch.randperm(len(texts)).tolist()
        for start in range(0, len(texts), batch_size):
            rows = order[start : start + batch_size]
            loss = model(**_batch(model, [texts[row] for row in rows]), labels=labels[rows]).loss
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        losses[f"loss_{epoch}"] = total / len(texts)
    model.save_pretrained(weights)
    AutoTokenizer.from_pretrained(checkpoint).save_pretrained(weights)
    return losses


def predict(weights: Path, examples: pd.DataFrame, batch_size: int = 64) -> pd.DataFrame:
    """Return `id`, `category`, `predicted` and `confidence` (0 to 1, four digits), as the other classifier does."""
    model = AutoModelForSequenceClassification.from_pretrained(weights).to(_device()).eval()
    texts = list(examples["tokens"])
    batches = [texts[start : start + batch_size] for start in range(0, len(texts), batch_size)]
    shares = torch.cat([_shares(model, batch) for batch in batches])
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


def _batch(model: PreTrainedModel, texts: Sequence[Sequence[int]]) -> dict[str, torch.Tensor]:
    """Return texts as one table, the shorter ones filled up, with a mask that says where they end."""
    rows = [torch.as_tensor(text) for text in texts]
    tokens = pad_sequence(rows, batch_first=True, padding_value=model.config.pad_token_id)
    mask = pad_sequence([torch.ones_like(row) for row in rows], batch_first=True)
    return {"input_ids": tokens.to(_device()), "attention_mask": mask.to(_device())}


@torch.no_grad()
def _shares(model: PreTrainedModel, texts: Sequence[Sequence[int]]) -> torch.Tensor:
    logits: torch.Tensor = model(**_batch(model, texts)).logits
    return logits.softmax(dim=1).cpu()
