"""Outputs that are MLflow models: saved with what inference needs, registered once, read by name."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("libraries_loaded")]

STEPS = """
import pandas as pd
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline

from shapes import Doubler


def table(rows: int) -> pd.DataFrame:
    return pd.DataFrame({"a": [float(n) for n in range(rows)], "b": [1.0] * rows, "y": [3.0 * n for n in range(rows)]})


def train(table: pd.DataFrame, intercept: bool):
    return make_pipeline(Doubler(), LinearRegression(fit_intercept=intercept)).fit(table[["a", "b"]], table["y"])


def predict(model, table: pd.DataFrame) -> list:
    return [round(float(value), 6) for value in model.predict(table[["a", "b"]])]


def files(model: "pathlib.Path") -> list:
    return sorted(path.name for path in model.iterdir())
""".replace("import pandas", "import pathlib\n\nimport pandas", 1)

SHAPES = """
from sklearn.base import BaseEstimator, TransformerMixin


class Doubler(TransformerMixin, BaseEstimator):
    def fit(self, x, y=None):
        self.feature_names_in_ = x.columns.to_numpy()
        return self

    def transform(self, x):
        return x * 2
"""

PIPELINE = """\
pipespec: 1
name: news
params: {intercept: false}
steps:
  table: {call: 'steps:table', params: {rows: 6}, outputs: {table: table.csv}}
  train:
    call: steps:train
    inputs: {table: table}
    params: {intercept: "${params.intercept}"}
    outputs:
      model: {file: model/, flavor: sklearn, register: {name: news-classifier, alias: champion}}
  predict:
    call: steps:predict
    inputs: {model: train.model, table: table}
    outputs: {values: values.json}
  files: {call: 'steps:files', inputs: {model: train.model}, outputs: {names: names.json}}
"""

READER = """\
pipespec: 1
name: reader
steps:
  table: {call: 'steps:table', params: {rows: 3}, outputs: {table: table.csv}}
  predict:
    call: steps:predict
    inputs: {model: {model: news-classifier@champion}, table: table}
    outputs: {values: values.json}
"""

SCHEMAS = Path(__file__).parents[2] / "schemas"
VERSIONS = "select version, run_id from model_versions where current_stage != 'Deleted_Internal' and name = ? order by version"


@pytest.fixture(scope="module")
def trained(tmp_path_factory, new_project_at):
    """Both pipelines, which ran once; only to be read and copied."""
    project = new_project_at(tmp_path_factory.mktemp("models") / "project")
    project.write("steps.py", STEPS)
    project.write("shapes.py", SHAPES)
    project.write("pipeline.yaml", PIPELINE)
    project.write("reader.yaml", READER)
    answer = project.pipespec("run", "pipeline.yaml", "--format", "json")
    assert answer.code == 0, answer.err
    project.write("first.json", answer.out)
    project.run(file="reader.yaml")
    return project


@pytest.fixture
def models(trained, tmp_path):
    return trained.copied_to(tmp_path / "project")


def versions(project, name="news-classifier"):
    return [version for version, _ in project.query(VERSIONS, name)]


def alias(project, name="news-classifier"):
    return dict(project.query("select alias, version from registered_model_aliases where name = ?", name))


def tags(project, version):
    return dict(
        project.query(
            "select key, value from model_version_tags where name = 'news-classifier' and version = ?",
            version,
        )
    )


def validate(answer, schema):
    Draft202012Validator(json.loads((SCHEMAS / f"{schema}.schema.json").read_text())).validate(answer)


def client(project):
    import mlflow

    return mlflow.MlflowClient(f"sqlite:///{project.folder}/mlflow.db")


def test_a_returned_object_is_a_model_with_what_inference_needs(trained):
    folder = next((trained.folder / "mlartifacts/news-train").glob("*/artifacts/model"))
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    described = (folder / "MLmodel").read_text()
    needed = [line.partition("==")[0] for line in (folder / "requirements.txt").read_text().split()]

    assert files == [
        "MLmodel",
        "code/shapes.py",
        "code/steps.py",
        "conda.yaml",
        "model.pkl",
        "python_env.yaml",
        "requirements.txt",
    ]
    assert (folder / "code/shapes.py").read_text() == SHAPES
    assert re.findall(r'"name": "(\w+)"', described) == ["a", "b"]
    assert needed == ["mlflow", "cloudpickle", "pandas", "scikit-learn"]


def test_a_model_is_registered_once_and_what_it_came_of_is_told(trained):
    told = json.loads((trained.folder / "first.json").read_text())
    run_id = next(step["run_id"] for step in told["steps"] if step["step"] == "train")
    key = next(step["key"] for step in told["steps"] if step["step"] == "train")

    validate(told, "run")
    assert told["registered"] == [
        {
            "step": "train",
            "output": "model",
            "name": "news-classifier",
            "version": 1,
            "alias": "champion",
            "new": True,
            "problem": None,
        }
    ]
    assert trained.query(VERSIONS, "news-classifier") == [(1, run_id)]
    assert alias(trained) == {"champion": 1}
    found = tags(trained, 1)
    assert (found["pipespec.step"], found["pipespec.key"], found["pipespec.invocation"]) == (
        "train",
        key,
        told["invocation"],
    )


def test_a_step_gets_the_object_or_the_folder_as_it_is_annotated(trained):
    values = next((trained.folder / "mlartifacts/news-predict").glob("*/artifacts/values.json"))
    names = next((trained.folder / "mlartifacts/news-files").glob("*/artifacts/names.json"))
    read_by_name = next((trained.folder / "mlartifacts/reader-predict").glob("*/artifacts/values.json"))

    assert json.loads(values.read_text()) == [0.0, 3.0, 6.0, 9.0, 12.0, 15.0]
    assert json.loads(read_by_name.read_text()) == [0.0, 3.0, 6.0]
    assert json.loads(names.read_text())[:2] == ["MLmodel", "code"]


def test_a_step_that_reads_a_model_can_be_called(trained, tmp_path):
    answer = trained.pipespec("call", "reader.yaml", "predict", "--out", str(tmp_path / "out"))

    assert answer.code == 0, answer.err
    assert json.loads((tmp_path / "out/values.json").read_text()) == [0.0, 3.0, 6.0]


def test_python_gets_the_object_back_and_the_record_stays_as_it_is(trained):
    code = """
import pipespec
from pathlib import Path
step = pipespec.load("pipeline.yaml")["train"]
print(type(step.load("model")).__name__, step.load("model", Path).name)
from mlflow.pyfunc import PyFuncModel
print(type(step.load("model", PyFuncModel)).__name__)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=trained.folder,
        env=trained.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )

    assert (done.returncode, done.stdout) == (0, "Pipeline model\nPyFuncModel\n"), done.stderr
    assert set(trained.run("--verify").values()) == {"reused"}


def test_the_same_object_gives_the_same_bytes_and_a_new_version_runs_what_reads_the_alias(models):
    assert models.ran("train", "--force", "train") == {"train"}

    assert versions(models) == [1, 2]
    assert tags(models, 1)["pipespec.digest"] == tags(models, 2)["pipespec.digest"]
    assert models.ran() == set()  # what reads the step reads the same content
    answer = models.pipespec("plan", "reader.yaml")
    assert "input model: 'news-classifier@champion' is version 2 now, it was 1" in answer.out
    assert re.search(
        r"^uses model 'news-classifier@champion': version 2, run [0-9a-f]{8}$", answer.out, re.MULTILINE
    )
    models.edit("reader.yaml", "news-classifier@champion", "news-classifier/1")
    assert models.planned("reader.yaml") == {"table": "reuse", "predict": "reuse"}


def test_a_reused_step_is_registered_without_running_again(models):
    models.edit("pipeline.yaml", "name: news-classifier, alias: champion", "name: other, alias: prod")

    assert models.ran() == set()

    assert (versions(models, "other"), alias(models, "other")) == ([1], {"prod": 1})
    models.edit("pipeline.yaml", "alias: prod", "alias: stage")
    assert models.ran() == set()
    assert (versions(models, "other"), alias(models, "other")) == ([1], {"prod": 1, "stage": 1})


def test_what_people_do_in_the_registry_stays_and_a_deleted_version_is_registered_again(models):
    models.ran("train", "--force", "train")
    client(models).set_registered_model_alias("news-classifier", "champion", "1")

    assert models.ran() == set()
    assert (versions(models), alias(models)) == ([1, 2], {"champion": 1})

    client(models).delete_model_version("news-classifier", "2")
    assert models.ran() == set()
    assert (versions(models), alias(models)) == ([1, 3], {"champion": 3})


def test_a_registry_that_is_away_loses_nothing_and_the_next_run_registers(models):
    models.edit("pipeline.yaml", "name: news-classifier, alias: champion", "name: other")
    models.write("notes.db", "these are notes")

    away = models.pipespec("run", "pipeline.yaml", MLFLOW_REGISTRY_URI="sqlite:///notes.db")

    assert away.code == 3
    line = next(line for line in away.out.splitlines() if line.startswith("not registered"))
    assert line.startswith("not registered: 'train.model' as 'other': the tracking store")
    assert line.endswith("; its run is recorded, and the next run registers it")
    assert models.ran() == set()
    assert versions(models, "other") == [1]


def test_a_model_is_registered_only_when_no_step_below_it_failed(models):
    models.edit("pipeline.yaml", "name: news-classifier, alias: champion", "name: other")
    models.edit(
        "steps.py",
        "    return sorted(path.name",
        "    raise ValueError('too bad')\n    return sorted(path.name",
    )

    failed = models.pipespec("run", "pipeline.yaml")

    assert failed.code == 1
    assert (
        "not registered: 'train.model' as 'other': step 'files', which depends on it, failed\n" in failed.out
    )
    assert versions(models, "other") == []
    models.edit("steps.py", "    raise ValueError('too bad')\n", "")
    assert models.ran() == set()
    assert versions(models, "other") == [1]


def test_lineage_starts_from_a_model_and_names_the_versions_that_came_of_runs(trained):
    answer = trained.pipespec("lineage", "pipeline.yaml", "models:/news-classifier@champion")

    assert answer.code == 0, answer.err
    shape = re.sub(r"run [0-9a-f]{8}  [\w ]+?(?=  |$)", "RUN", answer.out, flags=re.MULTILINE)
    lines = shape.splitlines()
    assert (lines[:6], set(lines[6:9])) == (
        [
            "news/train  RUN  registered: news-classifier/1 @champion",
            "",
            "made of:",
            "  news/table  RUN  (table)",
            "",
            "used by:",
        ],
        {"  news/predict  RUN  (model)", "  news/files  RUN  (model)", "  reader/predict  RUN  (model)"},
    )
    drawn = trained.pipespec("lineage", "pipeline.yaml", "models:/news-classifier/1", "--format", "mermaid")
    assert "<br>news-classifier/1 #64;champion" in drawn.out
    told = trained.pipespec("lineage", "pipeline.yaml", "models:/news-classifier/1", "--format", "json").json
    validate(told, "lineage")
    assert [run["models"] for run in told["runs"] if "models" in run] == [["news-classifier/1 @champion"]]
    unnamed = trained.pipespec("lineage", "pipeline.yaml", "models:/news-classifier")
    hint = (
        "'models:/news-classifier@champion', 'models:/news-classifier/3' or 'models:/news-classifier/latest'"
    )
    why = f"error: 'models:/news-classifier' names no version of the model; write {hint}\n"
    assert (unnamed.code, unnamed.err) == (2, why)


def test_gc_keeps_what_a_registered_model_came_of(models):
    models.edit("pipeline.yaml", "intercept: false", "intercept: true")
    models.edit("pipeline.yaml", ", register: {name: news-classifier, alias: champion}", "")

    told = models.pipespec(
        "gc", "pipeline.yaml", "--older-than", "0s", "--keep-last", "0", "--format", "json"
    )

    assert told.code == 0, told.err
    assert {run["step"] for run in told.json["unreached"]} == {"predict", "files"}


@pytest.mark.parametrize(
    ("flavor", "returned", "why"),
    [
        (
            "xgboost",
            "1",
            "output 'model': flavor 'xgboost' needs the package 'xgboost', which is not installed",
        ),
        (
            "sklearn",
            "__import__('threading').Lock()",
            "output 'model': flavor 'sklearn' does not take this value of type '_thread.lock'",
        ),
        ("pyfunc", "3", "output 'model': flavor 'pyfunc' does not take this value of type 'int'"),
    ],
)
def test_what_a_flavor_does_not_take_fails_the_step_in_one_line(empty_project, flavor, returned, why):
    empty_project.write("steps.py", f"def make():\n    return [{returned}][0]\n")
    empty_project.write(
        "pipeline.yaml",
        f"pipespec: 1\nsteps:\n  make: {{call: 'steps:make', outputs: {{model: {{file: model/, flavor: {flavor}}}}}}}\n",
    )

    answer = empty_project.pipespec("run", "pipeline.yaml", "--format", "json")

    assert answer.code == 1
    assert answer.json["steps"][0]["error"].startswith(why)
    assert "Traceback" not in answer.err


EXAMPLES = """
import pandas as pd
from sklearn.dummy import DummyClassifier


def words() -> pd.DataFrame:
    return pd.DataFrame({"text": ["a", "b", "c", "d", "e", "f", "g"], "label": [1, 0, 1, 1, 0, 1, 1]})


def train(words: pd.DataFrame):
    return DummyClassifier().fit(words["text"].to_numpy().reshape(-1, 1), words["label"]), words[["text"]]


def numbers() -> list:
    return [1, 2, 3]


def misfit(numbers: list):
    class Shy(DummyClassifier):
        def predict(self, x):
            raise ValueError("not these")

    return Shy()
"""


def test_the_example_that_a_user_chooses_is_saved_and_must_fit(empty_project):
    empty_project.write("steps.py", EXAMPLES)
    empty_project.write(
        "pipeline.yaml",
        """\
pipespec: 1
steps:
  words: {call: 'steps:words', outputs: {words: words.csv}}
  train:
    call: steps:train
    inputs: {words: words}
    outputs: {model: {file: model/, flavor: sklearn, example: shown}, shown: shown.csv}
  numbers: {call: 'steps:numbers', outputs: {numbers: numbers.json}}
  misfit:
    call: steps:misfit
    inputs: {numbers: numbers}
    outputs: {model: {file: model/, flavor: sklearn, example: numbers}}
""",
    )

    answer = empty_project.pipespec("run", "pipeline.yaml", "--keep-going", "--format", "json")

    ended = {step["step"]: (step["state"], step["error"]) for step in answer.json["steps"]}
    assert ended["train"] == ("ran", None)
    assert ended["misfit"] == (
        "failed",
        "output 'model': the example does not fit the model: ValueError: not these",
    )
    folder = next((empty_project.folder / "mlartifacts").glob("*-train/*/artifacts/model"))
    assert json.loads((folder / "input_example.json").read_text()) == {
        "columns": ["text"],
        "data": [["a"], ["b"], ["c"], ["d"], ["e"]],
    }
    assert '"name": "text"' in (folder / "MLmodel").read_text()
