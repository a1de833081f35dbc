"""The example pipelines, by the installed command, in a copy of the project."""

import json
import os
import re
import shutil
import sqlite3
import urllib.parse
import urllib.request
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import create_engine
from warm_commands import PIPESPEC

from news.database import insert_articles
from news.load_corpus import load
from news.sample import make_articles

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("libraries_loaded")]

PIPELINES = Path(__file__).parents[2] / "pipelines"
NEWS = {
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
READ_THE_DATABASE = {"article_ids", "titles", "bodies", "categories"}


@dataclass(frozen=True)
class Project:
    folder: Path

    def call(self, *arguments: str, exit_code: int = 0) -> str:
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW", "PIPESPEC"))
        }
        done = PIPESPEC.run(
            arguments,
            cwd=self.folder,
            env=kept | {"MLFLOW_DISABLE_TELEMETRY": "true", "OMP_NUM_THREADS": "1"},
            timeout=280,
        )
        assert done.returncode == exit_code, done.stderr + done.stdout
        return done.stdout

    def run(self, pipeline: str, *arguments: str, exit_code: int = 0) -> dict[str, dict]:
        printed = self.call(
            "run", f"pipelines/{pipeline}", "--format", "json", *arguments, exit_code=exit_code
        )
        return {step["step"]: step for step in json.loads(printed)["steps"]}

    def metrics(self, pipeline: str, step: str, *arguments: str) -> dict[str, float]:
        printed = self.call("status", f"pipelines/{pipeline}", step, "--format", "json", *arguments)
        return next(each["metrics"] for each in json.loads(printed)["steps"] if each["step"] == step)

    def get(self, pipeline: str, output: str, name: str, *arguments: str) -> Path:
        path = self.folder / name
        self.call("get", f"pipelines/{pipeline}", output, str(path), *arguments)
        return path


def new_project(folder: Path) -> Project:
    shutil.copytree(PIPELINES, folder / "pipelines", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "pyproject.toml").touch()
    return Project(folder)


def states(steps: dict[str, dict]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, step in steps.items():
        found.setdefault(step["state"], set()).add(name)
    return found


@pytest.fixture(scope="module")
def first_run(tmp_path_factory, libraries_loaded):
    """A project in which the news pipeline has run once, and what that run said; not to be changed."""
    project = new_project(tmp_path_factory.mktemp("news"))
    return project, project.run("news.yaml", "-j", "2")


@pytest.fixture
def project(first_run, tmp_path):
    """A copy of it, moved to another folder, that a test may change."""
    shutil.copytree(first_run[0].folder, tmp_path / "project")
    return Project(tmp_path / "project")


@pytest.mark.parametrize(
    "pipeline", sorted(path.name for path in PIPELINES.glob("*.yaml") if "." not in path.stem)
)
def test_pipeline_has_neither_mistakes_nor_advice(pipeline, tmp_path):
    printed = new_project(tmp_path).call("validate", f"pipelines/{pipeline}", "--format", "json")

    assert json.loads(printed)["diagnostics"] == []


def test_news_runs_out_of_the_box_and_records_metrics_predictions_and_a_picture(first_run):
    project, steps = first_run

    metrics = project.metrics("news.yaml", "evaluation")
    predictions = pd.read_csv(project.get("news.yaml", "predictions.predictions", "predictions.csv"))
    picture = project.get("news.yaml", "evaluation.confusion", "confusion.png")

    assert states(steps) == {"ran": NEWS}
    assert 0.8 < metrics["accuracy"] < 0.95
    assert 0.8 < metrics["f1"] < 0.95
    assert metrics["f1_by_category.sport"] > 0.7
    assert list(predictions.columns) == ["id", "category", "predicted", "confidence"]
    assert (predictions["category"] == predictions["predicted"]).mean() == pytest.approx(metrics["accuracy"])
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_plan_of_a_new_project_makes_neither_store_nor_database(tmp_path):
    project = new_project(tmp_path)
    before = sorted(tmp_path.rglob("*"))

    project.call("plan", "pipelines/news.yaml")

    after = [path for path in sorted(tmp_path.rglob("*")) if not {"__pycache__", ".pipespec"} & {*path.parts}]
    assert after == before


def test_news_again_reuses_everything_also_after_the_folder_moved(project):
    printed = json.loads(project.call("run", "pipelines/news.yaml", "--format", "json"))

    assert states({step["step"]: step for step in printed["steps"]}) == {"reused": NEWS}
    assert printed["invocation"] is None


def test_another_project_gives_the_same_keys_and_the_same_bytes(first_run, tmp_path):
    project, steps = first_run
    other = new_project(tmp_path)

    others = other.run("news.yaml")

    assert {name: step["key"] for name, step in others.items()} == {
        name: step["key"] for name, step in steps.items()
    }
    for output in ("train.model", "predictions.predictions", "evaluation.confusion"):
        mine, theirs = (each.get("news.yaml", output, output) for each in (project, other))
        assert mine.read_bytes() == theirs.read_bytes(), output


def test_a_new_row_runs_what_depends_on_it(project):
    row = asdict(
        replace(make_articles(1)[0], id=5000, published=make_articles()[0].published.replace(year=2023))
    )
    insert_articles(create_engine(f"sqlite:///{project.folder / 'news.db'}"), [row])

    assert states(project.run("news.yaml")) == {"ran": NEWS}


def test_a_new_row_out_of_scope_stops_where_the_bytes_are_the_same(project):
    row = asdict(
        replace(make_articles(1)[0], id=5000, published=make_articles()[0].published.replace(year=2001))
    )
    insert_articles(create_engine(f"sqlite:///{project.folder / 'news.db'}"), [row])

    assert states(project.run("news.yaml")) == {"ran": READ_THE_DATABASE, "reused": NEWS - READ_THE_DATABASE}


def test_a_param_of_the_classifier_runs_it_and_what_follows(project):
    ran = project.run("news.yaml", "--set", "steps.train.params.regularisation=1.0")

    assert states(ran) == {
        "ran": {"train", "predictions", "evaluation"},
        "reused": NEWS - {"train", "predictions", "evaluation"},
    }


def test_a_comment_in_the_code_runs_nothing_and_a_change_runs_what_calls_it(project):
    code = project.folder / "pipelines/news/text.py"
    code.write_text(code.read_text(encoding="utf-8") + "\n# a remark\n", encoding="utf-8")
    commented = project.run("news.yaml")
    code.write_text(code.read_text(encoding="utf-8").replace('"script", ', ""), encoding="utf-8")
    changed = project.run("news.yaml", "texts")

    assert states(commented) == {"reused": NEWS}
    assert states(changed) == {"ran": {"texts"}, "reused": {"article_ids", "bodies"}}


def test_bounds_that_are_not_met_fail_the_step(project):
    steps = project.run("news.yaml", "--set", "steps.evaluation.checks.accuracy.min=0.99", exit_code=1)

    assert steps["evaluation"]["state"] == "failed"
    assert "accuracy" in steps["evaluation"]["error"]


def test_titanic_runs_a_grid_and_picks_the_best(tmp_path):
    project = new_project(tmp_path)

    steps = project.run("titanic.yaml", "-j", "2")
    again = project.run("titanic.yaml", "--set", "steps.train.params.n_jobs=2")
    choice = json.loads(project.get("titanic.yaml", "best.choice", "choice.json").read_text())
    scores = {
        name: project.metrics("titanic.yaml", name)["accuracy"] for name in steps if name.startswith("train[")
    }

    assert sorted(scores) == [
        "train[depth=2,trees=100]",
        "train[depth=2,trees=20]",
        "train[depth=4,trees=100]",
        "train[depth=4,trees=20]",
        "train[depth=8,trees=100]",
    ]
    assert states(steps).keys() == {"ran"}
    assert states(again).keys() == {"reused"}
    assert scores[f"train[{choice['variant']}]"] == choice["accuracy"] == max(scores.values())


@pytest.mark.servers
def test_titanic_is_watched_in_luigis_page_with_params_states_and_links_to_mlflow(
    tmp_path, luigid, mlflow_on_sqlite
):
    project = new_project(tmp_path)
    name = f"titanic-{luigid.port}"
    watched = ("--scheduler", luigid.url, "--set", f"+mlflow.tracking_uri={mlflow_on_sqlite.url}", "--set")

    steps = project.run("titanic.yaml", "-j", "2", *watched, f"+name={name}")

    asked = urllib.parse.quote(json.dumps({"status": "DONE", "upstream_status": ""}))
    with urllib.request.urlopen(f"{luigid.url}/api/task_list?data={asked}", timeout=30) as answer:
        found = [
            task for task in json.load(answer)["response"].values() if task["params"]["pipeline"] == name
        ]
    tasks = {task["params"].get("step", name): task for task in found}
    assert tasks.keys() == {*steps, name}
    forest = tasks["train[depth=4,trees=20]"]
    assert (forest["name"], forest["status"]) == ("train", "DONE")
    assert {key: forest["params"][key] for key in ("depth", "trees", "seed")} == {
        "depth": "4",
        "trees": "20",
        "seed": "0",
    }
    for step in steps:
        run = re.fullmatch(r"MLflow run ([0-9a-f]{32})", tasks[step]["status_message"])[1]
        server, _, page = tasks[step]["tracking_url"].partition("/#/experiments/")
        assert server == mlflow_on_sqlite.url
        experiment = re.fullmatch(rf"(\d+)/runs/{run}\?workflowType=machine_learning", page)[1]
        with urllib.request.urlopen(f"{server}/api/2.0/mlflow/runs/get?run_id={run}", timeout=30) as answer:
            recorded = json.load(answer)["run"]
        assert (recorded["info"]["experiment_id"], recorded["info"]["status"]) == (experiment, "FINISHED")
        tags = {tag["key"]: tag["value"] for tag in recorded["data"]["tags"]}
        assert tags["pipespec.step"] == step


@pytest.mark.data
def test_titanic_runs_on_the_real_list_by_one_param(tmp_path, shared_data):
    project = new_project(tmp_path)
    real = f"params.passengers={shared_data / 'titanic/titanic.csv'}"

    project.run("titanic.yaml", "-j", "2", "--set", real)

    assert 0.75 < project.metrics("titanic.yaml", "evaluation", "--set", real)["accuracy"] < 0.9


@pytest.mark.data
def test_news_runs_on_the_real_corpus_by_its_params(tmp_path, shared_data):
    project = new_project(tmp_path)
    load(shared_data / "news_digitalgov/articles.jsonl.gz", f"sqlite:///{tmp_path / 'real.db'}")
    real = ("--set", "params.database=sqlite:///real.db", "--set", "params.since=2000-01-01")

    steps = project.run("news.yaml", "-j", "2", *real)
    metrics = project.metrics("news.yaml", "evaluation", *real)

    assert states(steps) == {"ran": NEWS}
    assert 0.55 < metrics["accuracy"] < 0.65
    assert 0.45 < metrics["f1"] < 0.60


@pytest.mark.bert
def test_bert_shares_the_steps_of_the_news_pipeline(project, checkpoint):
    small = ("--set", f"params.bert.checkpoint={checkpoint}", "--set", "params.bert.epochs=1")
    small = (*small, "--set", "params.bert.max_tokens=128")

    steps = project.run("news_bert.yaml", *small)

    bert = {"train_tokens", "test_tokens", "fine_tuning", "bert_predictions", "bert_evaluation"}
    assert states(steps) == {"reused": NEWS, "ran": bert}
    assert 0 < project.metrics("news_bert.yaml", "bert_evaluation", *small)["accuracy"] < 1
    assert project.metrics("news_bert.yaml", "fine_tuning", *small)["loss_1"] > 0


def test_the_store_holds_one_run_for_each_step_and_one_for_the_invocation(first_run):
    project, steps = first_run
    with sqlite3.connect(project.folder / "mlflow.db") as store:
        rows = store.execute(
            "SELECT e.name, r.status FROM runs r JOIN experiments e USING (experiment_id)"
        ).fetchall()

    assert sorted(rows) == sorted([("news", "FINISHED"), *((f"news/{name}", "FINISHED") for name in steps)])
