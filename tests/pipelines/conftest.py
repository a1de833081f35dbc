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
