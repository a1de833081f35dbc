"""One spelling for each store, wherever the command is started."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipespec.errors import UsageError
from pipespec.tracking import tracking_uri

ROOT = Path("/projects/news")


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        (None, "sqlite:////projects/news/mlflow.db"),
        ("", "sqlite:////projects/news/mlflow.db"),
        ("sqlite:///mlflow.db", "sqlite:////projects/news/mlflow.db"),
        ("sqlite:///../shared/./mlflow.db", "sqlite:////projects/shared/mlflow.db"),
        ("sqlite:////abs/mlflow.db", "sqlite:////abs/mlflow.db"),
        ("sqlite+pysqlite:///x.db", "sqlite:////projects/news/x.db"),
        ("sqlite:///x.db?timeout=30", "sqlite:////projects/news/x.db?timeout=30"),
        ("http://host:5000", "http://host:5000"),
        ("postgresql://user@host/db", "postgresql://user@host/db"),
        ("databricks", "databricks"),
        ("databricks-uc", "databricks-uc"),
        ("plugin:anything", "plugin:anything"),
        ("mlruns", "file:///projects/news/mlruns"),
        ("./mlruns", "file:///projects/news/mlruns"),
        ("file:mlruns", "file:///projects/news/mlruns"),
        ("file:///abs/mlruns", "file:///abs/mlruns"),
    ],
)
def test_a_store_has_one_spelling(text, uri):
    assert tracking_uri.resolve_uri(text, ROOT) == uri
    assert tracking_uri.resolve_uri(uri, Path("/elsewhere")) == uri


@pytest.mark.parametrize("text", ["sqlite://", "sqlite:///", "sqlite:///:memory:"])
def test_a_store_in_memory_is_refused(text):
    with pytest.raises(UsageError, match="is in memory"):
        tracking_uri.resolve_uri(text, ROOT)


@pytest.mark.parametrize("name", ["what?", "100%"])
def test_a_path_that_no_uri_can_spell_is_refused(name):
    with pytest.raises(UsageError, match="do not support"):
        tracking_uri.resolve_uri(None, ROOT / name)


def test_artifacts_are_beside_the_database_unless_a_server_decides():
    assert tracking_uri.artifact_root("sqlite:////data/x.db", ROOT) == Path("/data/mlartifacts")
    assert tracking_uri.artifact_root("postgresql://host/db", ROOT) == ROOT / "mlartifacts"
    assert tracking_uri.artifact_root("http://host", ROOT) is None
    assert tracking_uri.artifact_root("databricks://profile", ROOT) is None


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("news/train", "news-train"),
        ("../../etc", "etc"),
        ("a b\nc", "a-b-c"),
        ("日本", "experiment"),
        ("x" * 100, "x" * 80),
    ],
)
def test_an_experiments_folder_is_one_plain_name(name, slug):
    assert tracking_uri.experiment_slug(name) == slug


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("http://ada:secret@host:5000/path@x", "http://host:5000/path@x"),
        ("postgresql+psycopg://ada:p@ss@host/db", "postgresql+psycopg://host/db"),
        ("sqlite:////home/ada@host/x.db", "sqlite:////home/ada@host/x.db"),
        ("http://[", "http://["),
    ],
)
def test_no_password_is_shown(uri, shown):
    assert tracking_uri.shown(uri) == shown


def test_two_spellings_of_one_store_are_known(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path)
    one = f"sqlite:///{tmp_path}/mlflow.db"
    assert tracking_uri.same_store(one, "sqlite:///mlflow.db", tmp_path)
    assert tracking_uri.same_store(one, "sqlite:///link/mlflow.db", tmp_path)
    assert not tracking_uri.same_store(one, "sqlite:///other.db", tmp_path)
    assert tracking_uri.same_store("http://host:5000/", "http://host:5000", tmp_path)
    assert not tracking_uri.same_store(one, "http://host:5000", tmp_path)
