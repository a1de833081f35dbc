"""Makes the examples' functions importable, as their pipelines do."""

import re
import sys
from pathlib import Path

import pytest

PIPELINES = Path(__file__).parents[2] / "pipelines"

if str(PIPELINES) not in sys.path:
    sys.path.insert(0, str(PIPELINES))


@pytest.fixture
def articles_sql() -> str:
    return (PIPELINES / "news/articles.sql").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    """A BERT of two layers that knows nothing yet, with the sample's words as its vocabulary."""
    torch = pytest.importorskip("torch", reason="torch is not installed: pip install -e '.[bert]'")
    pytest.importorskip("transformers", reason="transformers is not installed: pip install -e '.[bert]'")
    from transformers import BertConfig, BertModel, BertTokenizerFast

    from news.sample import make_articles
    from news.text import strip_html

    folder = tmp_path_factory.mktemp("checkpoint")
    texts = [strip_html(row.title + row.body_html) for row in make_articles(300)]
    words = sorted({word for text in texts for word in re.findall(r"\w+|[^\w\s]", text.lower())})
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    torch.set_num_threads(1)  # more of them cost more than they bring to a model so small
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=128,
    )
    BertModel(config).save_pretrained(folder)
    return folder
