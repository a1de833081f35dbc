"""What of a project goes to machines that do not see it: with git, and without."""

from __future__ import annotations

import subprocess

import pytest

from pipespec.project.travelling_files import travelling_files

FILES = (
    ".env",
    ".pipespec/logs/a.log",
    "data/houses.csv",
    "mlflow.db",
    "mlruns/1/model.joblib",
    "news.db",
    "news/__pycache__/text.cpython-311.pyc",
    "news/text.py",
    "pipeline.yaml",
)


@pytest.fixture
def root(tmp_path):
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def test_without_git_all_but_hidden_files_and_what_tools_make(root):
    assert travelling_files(root) == ("data/houses.csv", "news.db", "news/text.py", "pipeline.yaml")


def test_with_git_what_it_knows_or_would_add(root):
    (root / ".gitignore").write_text("data/\nmlflow.db\nmlruns/\n__pycache__/\nnews.db\n")
    subprocess.run(["git", "init", "-q", root], check=True)
    subprocess.run(["git", "-C", root, "add", "-f", "news.db"], check=True)

    assert travelling_files(root) == (".gitignore", "news.db", "news/text.py", "pipeline.yaml")
