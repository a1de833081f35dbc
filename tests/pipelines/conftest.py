"""Makes the examples' functions importable, as their pipelines do."""

import os
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
def shared_data() -> Path:
    """The folder of the corpora: `PIPESPEC_TEST_DATA`, or `shared/data` beside the repository."""
    folder = Path(os.environ.get("PIPESPEC_TEST_DATA") or Path(__file__).parents[3] / "shared/data")
    if not folder.is_dir():
        pytest.skip(f"the corpora are not here: {folder} (PIPESPEC_TEST_DATA names another folder)")
    return folder


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    """A BERT of two layers that knows nothing yet, with a vocabulary made from the sample."""
    torch = pytest.importorskip("torch", reason="torch is not installed: pip install -e '.[bert]'")
    pytest.importorskip("transformers", reason="transformers is not installed: pip install -e '.[bert]'")
    from tokenizers import BertWordPieceTokenizer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    from news.sample import make_articles
    from news.text import strip_html

    folder = tmp_path_factory.mktemp("checkpoint")
    pieces = BertWordPieceTokenizer()
    texts = [strip_html(row.title + row.body_html) for row in make_articles(300)]
    pieces.train_from_iterator(texts, vocab_size=600, show_progress=False)
    pieces.save_model(str(folder))
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=pieces.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=128,
    )
    BertModel(config).save_pretrained(folder)
    return folder
