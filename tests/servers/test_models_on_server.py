"""Models on a tracking server: registered over HTTP, read without MLflow, served by MLflow."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
import uuid
from importlib.metadata import distribution
from pathlib import Path

import pytest
from services import Service, free_port

pytestmark = pytest.mark.servers

STEPS = """
import pandas as pd
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline

from shapes import Doubler


def table(rows: int) -> pd.DataFrame:
    return pd.DataFrame({"a": [float(n) for n in range(rows)], "y": [3.0 * n for n in range(rows)]})


def train(table: pd.DataFrame):
    return make_pipeline(Doubler(), LinearRegression(fit_intercept=False)).fit(table[["a"]], table["y"])


def predict(model, rows: int) -> list:
    return [round(float(value), 6) for value in model.predict(table(rows)[["a"]])]
"""

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
name: {name}
mlflow: {{tracking_uri: "{uri}"}}
steps:
  table: {{call: 'steps:table', params: {{rows: 6}}, outputs: {{table: table.csv}}}}
  train:
    call: steps:train
    inputs: {{table: table}}
    outputs:
      model: {{file: model/, flavor: sklearn, register: {{name: {name}, alias: champion}}}}
"""

READER = """\
pipespec: 1
name: {name}-reader
mlflow: {{tracking_uri: "{uri}"}}
steps:
  predict:
    call: steps:predict
    inputs: {{model: {{model: {name}@champion}}}}
    params: {{rows: 4}}
    outputs: {{values: values.json}}
"""


@pytest.fixture
def name():
    return f"model-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def trained(empty_project, server, name):
    """A pipeline that registered a model on the server, and another project that reads it."""
    empty_project.write("steps.py", STEPS)
    empty_project.write("shapes.py", SHAPES)
    empty_project.write("pipeline.yaml", PIPELINE.format(name=name, uri=server.url))
    empty_project.write("reader.yaml", READER.format(name=name, uri=server.url))
    answer = empty_project.pipespec("run", "pipeline.yaml")
    assert answer.code == 0, answer.err
    assert f"registered: 'train.model' is version 1 of '{name}', alias 'champion'" in answer.out
    return empty_project


@pytest.fixture
def served(trained, server, name):
    """MLflow's own scoring server, in a folder where no module of the project is."""
    folder = trained.folder.parent / "serving"
    folder.mkdir()
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", f"models:/{name}@champion"]
    command += ["--env-manager", "local", "--port", str(port), "--host", "127.0.0.1"]
    # MLflow starts uvicorn by its name.
    programs = next(
        file for file in distribution("uvicorn").files or () if file.parts[-2:] == ("bin", "uvicorn")
    )
    path = f"{Path(programs.locate()).resolve().parent}{os.pathsep}{os.environ['PATH']}"
    environment = {"MLFLOW_TRACKING_URI": server.url, "MLFLOW_DISABLE_TELEMETRY": "true", "PATH": path}
    service = Service(command, folder=folder, port=port, path="/ping", environment=environment)
    service.start()
    yield service
    service.kill()


def test_a_registered_model_is_served_by_mlflow(served):
    asked = {"dataframe_split": {"columns": ["a"], "data": [[1.0], [5.0]]}}
    request = urllib.request.Request(
        f"{served.url}/invocations", json.dumps(asked).encode(), {"Content-Type": "application/json"}
    )

    with urllib.request.urlopen(request, timeout=60) as answer:
        predicted = json.load(answer)["predictions"]

    assert predicted == pytest.approx([3.0, 15.0])


def test_a_model_on_a_server_is_read_by_name_and_planned_without_mlflow(trained, name):
    assert trained.ran(file="reader.yaml") == {"predict"}
    assert trained.ran(file="reader.yaml") == set()
    values = trained.pipespec("get", "reader.yaml", "predict.values", "-")
    assert json.loads(values.out) == [0.0, 3.0, 6.0, 9.0], values.err

    watched = (
        "import sys; from pipespec.cli import main\n"
        "try: main(['plan', 'reader.yaml'])\n"
        "finally: sys.stderr.write(f\"mlflow: {'mlflow' in sys.modules}\")"
    )
    planned = subprocess.run(
        [sys.executable, "-c", watched],
        cwd=trained.folder,
        env=trained.environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert planned.stderr.endswith("mlflow: False"), planned.stderr
    assert f"uses model '{name}@champion': version 1, run " in planned.stdout


def test_a_model_that_others_registered_is_read_by_its_content(trained, server, name):
    code = f"""
import mlflow, mlflow.sklearn
from sklearn.linear_model import LinearRegression
import pandas as pd
mlflow.set_experiment("{name}-by-hand")
table = pd.DataFrame({{"a": [0.0, 1.0], "y": [0.0, 5.0]}})
with mlflow.start_run():
    mlflow.sklearn.log_model(
        LinearRegression(fit_intercept=False).fit(table[["a"]], table["y"]),
        name="hand",
        registered_model_name="{name}",
        pip_requirements=["scikit-learn"],
    )
mlflow.MlflowClient().set_registered_model_alias("{name}", "champion", 2)
"""
    environment = trained.environment(MLFLOW_TRACKING_URI=server.url)
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr

    assert trained.ran(file="reader.yaml") == {"predict"}

    values = trained.pipespec("get", "reader.yaml", "predict.values", "-")
    assert json.loads(values.out) == [0.0, 5.0, 10.0, 15.0], values.err
    assert trained.ran(file="reader.yaml") == set()


def test_a_registry_of_its_own_is_used_and_one_that_is_away_is_made_up_for(trained, tmp_path, name):
    trained.edit("pipeline.yaml", f"name: {name}, alias", f"name: {name}-elsewhere, alias")
    away = trained.pipespec("run", "pipeline.yaml", MLFLOW_REGISTRY_URI=f"http://127.0.0.1:{free_port()}")

    assert away.code == 3
    assert f"not registered: 'train.model' as '{name}-elsewhere': " in away.out

    again = trained.pipespec("run", "pipeline.yaml", MLFLOW_REGISTRY_URI=f"sqlite:///{tmp_path}/registry.db")
    assert again.code == 0, again.err
    assert f"registered: 'train.model' is version 1 of '{name}-elsewhere'" in again.out
    assert (tmp_path / "registry.db").exists()
