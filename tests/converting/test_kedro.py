"""A Kedro project of every kind of node and dataset becomes steps that call its functions; Kedro itself tells what is in it."""

import sys
from pathlib import Path

import pytest

from pipespec import api
from pipespec.errors import UsageError
from pipespec.views.diagnostic_view import render_text

FILES = {
    "pyproject.toml": '[tool.kedro]\npackage_name = "houses"\nproject_name = "Houses"\nkedro_init_version = "KEDRO"\nsource_dir = "src"\n',
    "conf/base/catalog.yml": (
        "raw:\n  type: pandas.CSVDataset\n  filepath: data/raw.csv\n  load_args: {sep: ';'}\n"
        "large:\n  type: pandas.ParquetDataset\n  filepath: data/large.parquet\n"
        "frame:\n  type: spark.SparkDataset\n  filepath: data/frame\n  credentials: dev\n"
        "scores:\n  type: tracking.MetricsDataset\n  filepath: data/scores.json\n"
    ),
    "conf/base/parameters.yml": "least: 60\nmodel: {depth: 2}\n",
    "conf/local/credentials.yml": "dev: {key: x}\n",
    "src/houses/__init__.py": "",
    "src/houses/settings.py": "",
    "src/houses/nodes.py": (
        "def clean(table, least): return table[table['area'] >= least]\n"
        "def halve(table, parameters): return {'one': table, 'two': table}\n"
        "def both(*tables): return len(tables)\n"
        "def score(large, one): return {'n': len(large) + len(one)}\n"
    ),
    "src/houses/pipeline_registry.py": (
        "from functools import partial\n"
        "from kedro.pipeline import node, pipeline\n"
        "from houses import nodes\n"
        "def register_pipelines():\n"
        "    made = pipeline([\n"
        "        node(nodes.clean, ['raw', 'params:least'], 'large', name='clean_node', tags=['prepare', 'a.b']),\n"
        "        node(nodes.halve, dict(table='large', parameters='parameters'), dict(one='one', two='frame')),\n"
        "        node(nodes.score, dict(large='large', one='one'), 'scores', name='score'),\n"
        "        node(nodes.both, ['large', 'one'], 'count', name='count'),\n"
        "        node(lambda table: table, 'large', 'copy', name='copy'),\n"
        "        node(partial(nodes.clean, least=3), 'large', 'less', name='less'),\n"
        "    ])\n"
        "    return {'__default__': made, 'small': made.only_nodes('clean_node')}\n"
    ),
}
EXPECTED = """\
# Converted from a Kedro project by 'pipespec convert'.
pipespec: 1
name: houses
include: [{params: conf/base/parameters.yml}]
steps:
  clean:
    call: houses.nodes:clean
    inputs: {table: {file: data/raw.csv, load: {sep: ";"}}}
    params: {least: "${params.least}"}
    outputs: {large: large.parquet}
    tags: [prepare]
  halve:
    call: houses.nodes:halve
    inputs: {table: clean.large}
    params: {parameters: {least: "${params.least}", model: "${params.model}"}}
    outputs: {one: one.pkl, two: frame.pkl}
  score:
    call: houses.nodes:score
    inputs: {large: clean.large, one: halve.one}
    outputs: {scores: scores.json}
    metrics: scores
"""


@pytest.fixture(scope="module")
def kedro_project(tmp_path_factory):
    kedro = pytest.importorskip("kedro")
    folder = tmp_path_factory.mktemp("kedro") / "houses"
    for name, text in FILES.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text.replace("KEDRO", kedro.__version__))
    (folder / "data").mkdir()
    (folder / "data" / "raw.csv").write_text("area;price\n50;1\n80;2\n")
    return folder


@pytest.mark.slow
def test_a_kedro_project_becomes_steps_that_call_its_functions(kedro_project, monkeypatch):
    monkeypatch.chdir(kedro_project)

    found = api.convert_kedro(Path())

    # Kedro sorts nodes that do not depend on each other as it likes
    assert sorted(found.text.splitlines()) == sorted(EXPECTED.splitlines())
    said = [
        line for line in render_text(found.leftovers, found.sources).splitlines() if "[not-converted]" in line
    ]
    assert said == [
        "conf/base/catalog.yml:8:1: advice[not-converted]: the dataset 'frame' of type 'spark.SparkDataset' is saved as .pkl",
        "conf/base/catalog.yml:8:1: advice[not-converted]: 'credentials' of the dataset 'frame'",
        "pyproject.toml:1:1: advice[not-converted]: the node 'less': its function is a partial, which has no name",
        "src/houses/nodes.py:3:1: advice[not-converted]: the node 'count': its argument 'tables' collects several datasets",
        "src/houses/pipeline_registry.py:10:1: advice[not-converted]: the node 'copy': its function is a lambda, which has no name",
    ]
    (kedro_project / "pipeline.yaml").write_text(found.text)
    assert [
        one.code for one in api.validate(["pipeline.yaml"]).diagnostics if one.severity.value == "error"
    ] == []
    report = api.load(
        "pipeline.yaml", overrides=[f"mlflow.tracking_uri=sqlite:///{kedro_project}/mlflow.db"]
    ).run()
    assert [result.state.value for result in report.steps] == ["ran", "ran", "ran"]


@pytest.mark.slow
def test_a_pipeline_that_is_not_there_is_told_with_those_that_are(kedro_project):
    with pytest.raises(
        UsageError,
        match="Kedro cannot read the project: there is no pipeline 'large'; there are: __default__, small",
    ):
        api.convert_kedro(kedro_project, pipeline="large")


def test_what_is_no_kedro_project_and_a_python_without_kedro_are_told(tmp_path):
    with pytest.raises(UsageError, match="is no Kedro project: it has no pyproject"):
        api.convert_kedro(tmp_path)
    (tmp_path / "pyproject.toml").write_text("[tool.kedro]\n")
    bare = tmp_path / "bare"
    bare.write_text(f'#!/bin/sh\nexec {sys._base_executable} -S -E "$@"\n')
    bare.chmod(0o755)
    with pytest.raises(UsageError, match="has no Kedro; name the Python that has it: --python"):
        api.convert_kedro(tmp_path, python=str(bare))
    with pytest.raises(UsageError, match="cannot be asked about the project"):
        api.convert_kedro(tmp_path, python=str(tmp_path / "no-python"))
