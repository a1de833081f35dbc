"""The news example, as it stands: run once, then changed in the ways that a user changes things."""

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("libraries_loaded")

PIPELINES = Path(__file__).parents[2] / "pipelines"
STEPS = {
    "article_ids",
    "titles",
    "bodies",
    "categories",
    "texts",
    "examples",
    "split",
    "train",
    "predictions",
    "evaluation",
}
READ_TABLE = {"article_ids", "titles", "bodies", "categories"}


def ran(project):
    return project.ran(file="news.yaml")


@pytest.fixture(scope="module")
def finished(tmp_path_factory, new_project_at, libraries_loaded):
    """The example, run once."""
    project = new_project_at(tmp_path_factory.mktemp("news") / "project")
    shutil.copy(PIPELINES / "news.yaml", project.folder)
    shutil.copytree(PIPELINES / "news", project.folder / "news", ignore=shutil.ignore_patterns("__pycache__"))
    assert ran(project) == STEPS
    return project


@pytest.fixture
def news(finished, tmp_path):
    return finished.copied_to(tmp_path / "project")


def test_each_change_reruns_what_reads_it_and_no_more(news):
    assert ran(news) == set()

    news.edit(
        "news/text.py",
        "from __future__ import annotations\n",
        "from __future__ import annotations\n\n# A comment.\n",
    )
    assert ran(news) == set()

    news.edit("news.yaml", "test_share: 0.25", "test_share: 0.3")
    assert ran(news) == {"split", "train", "predictions", "evaluation"}

    query = (news.folder / "news/articles.sql").read_text()
    news.write("news/articles.sql", query + "-- the same articles\n")
    assert ran(news) == {"article_ids"}  # the same ids come out, so the wave stops there

    with sqlite3.connect(news.folder / "news.db") as database:
        row = database.execute("select * from articles order by id limit 1").fetchone()
        columns = [column[1] for column in database.execute("pragma table_info(articles)")]
        new = dict(zip(columns, row, strict=True)) | {"id": 999_999, "published": "2023-05-05"}
        marks = ", ".join("?" for _ in columns)
        database.execute(f"insert into articles values ({marks})", [new[column] for column in columns])
    database.close()
    assert ran(news) == STEPS

    assert ran(news) == set()


def test_helper_function_reruns_its_step_and_what_changes_with_it(news):
    module = (news.folder / "news/text.py").read_text()
    helpers = [line for line in module.splitlines() if line.startswith("def ") and "strip_bodies" not in line]
    name = helpers[0].removeprefix("def ").partition("(")[0]

    news.write(
        "news/text.py",
        module + f"\n\n_before = {name}\n\n\ndef {name}(*args):  # noqa: F811\n    return _before(*args)\n",
    )

    assert ran(news) == {"texts"}


def test_records_are_those_of_an_experiment(news):
    status = news.pipespec("status", "news.yaml", "--format", "json").json
    metrics = next(step["metrics"] for step in status["steps"] if step["step"] == "evaluation")

    assert 0.8 < metrics["accuracy"] <= 1.0
    assert 0.7 < metrics["f1"] <= 1.0
    assert {step["state"] for step in status["steps"]} == {"complete"}
    picture = news.pipespec("get", "news.yaml", "evaluation.confusion", "picture.png")
    assert picture.code == 0, picture.err
    assert (news.folder / "picture.png").read_bytes().startswith(b"\x89PNG")
    got = news.pipespec("get", "news.yaml", "evaluation.metrics", "-")
    assert json.loads(got.out)["accuracy"] == metrics["accuracy"]
