"""MLflow's own comparison of a pipeline's runs: params beside metrics, and few tags; and our pages of comparison and lineage."""

import json
import re
import shutil
import urllib.request
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.servers]

PIPELINES = Path(__file__).parents[2] / "pipelines"
PATIENCE = 60_000
VALUES = (1, 2, 3, 4, 5)


def asked(store, path, **body):
    request = urllib.request.Request(
        f"{store}/api/2.0/mlflow/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def finished(store, name):
    """An experiment and its runs, by its name."""
    with urllib.request.urlopen(
        f"{store}/api/2.0/mlflow/experiments/get-by-name?experiment_name={quote(name)}", timeout=30
    ) as answer:
        experiment = json.load(answer)["experiment"]["experiment_id"]
    found = asked(store, "runs/search", experiment_ids=[experiment], max_results=100)
    return experiment, [run["info"]["run_id"] for run in found["runs"]]


@pytest.fixture(scope="module")
def window(browser):
    context = browser.new_context(viewport={"width": 1500, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    yield page
    context.close()


def test_mlflow_compares_runs_of_five_values_by_param_and_metric(own_project, mlflow_on_sqlite, window):
    store = mlflow_on_sqlite.url
    text = (own_project.folder / "pipeline.yaml").read_text()
    name = re.search(r"name: (\w+)", text)[1]
    count = "params: {count: 5"
    assert count in text
    for value in VALUES:
        own_project.write("pipeline.yaml", text.replace(count, f"params: {{count: {value}"))
        own_project.run("--set", f"+mlflow.tracking_uri={store}")

    for experiment_name, param in ((name, "count"), (f"{name}/total", "numbers.count")):
        experiment, runs = finished(store, experiment_name)
        assert len(runs) == len(VALUES)
        window.goto("about:blank")  # the page reads its address when it is loaded
        window.goto(
            f"{store}/#/compare-runs?runs={quote(json.dumps(runs))}&experiments={quote(json.dumps([experiment]))}"
        )
        window.get_by_text("Comparing 5 Runs").wait_for()
        plot = window.locator(".parcoords, .js-plotly-plot").first
        plot.wait_for()
        axes = set(plot.locator(".axis-title").all_text_contents())
        assert {param, "total"} <= axes
        shown = window.locator("body").inner_text()
        assert set(re.findall(r"\bpipespec\.[a-z]+\b", shown)) <= {
            "pipespec.pipeline", "pipespec.step", "pipespec.key", "pipespec.manifest", "pipespec.upstream", "pipespec.command",
            "pipespec.seconds", "pipespec.peak",
        }  # fmt: skip
        assert "mlflow.pipespec" not in shown


def test_mlflow_compares_the_points_of_a_sweep_of_the_news_pipeline_by_param_and_metric(
    new_project_at, tmp_path, mlflow_on_sqlite, window
):
    project, store, name = new_project_at(tmp_path / "project"), mlflow_on_sqlite.url, f"news-{uuid4().hex}"
    shutil.copytree(
        PIPELINES, project.folder / "pipelines", ignore=shutil.ignore_patterns("__pycache__", "*.db")
    )
    sweep = f"steps.train.params.regularisation={','.join(f'0.{value}' for value in VALUES)}"
    settings = ("--set", f"+mlflow.tracking_uri={store}", "--set", f"+name={name}")

    ran = project.pipespec("run", "pipelines/news.yaml", "-j", "2", "--sweep", sweep, *settings)

    assert ran.code == 0, ran.err
    experiment, runs = finished(store, f"{name}/evaluation")
    assert len(runs) == len(VALUES)
    window.goto("about:blank")
    window.goto(
        f"{store}/#/compare-runs?runs={quote(json.dumps(runs))}&experiments={quote(json.dumps([experiment]))}"
    )
    window.get_by_text("Comparing 5 Runs").wait_for()
    plot = window.locator(".parcoords, .js-plotly-plot").first
    plot.wait_for()
    assert {"train.regularisation", "accuracy"} <= set(plot.locator(".axis-title").all_text_contents())
    table = window.locator("body").inner_text()
    for value in VALUES:
        assert f"0.{value}" in table
    assert {"train.regularisation", "accuracy", "f1"} <= set(re.split(r"\s+", table))


def test_our_page_of_a_comparison_is_a_table_and_a_plot(shop_pages, open_page):
    for dark in (False, True):
        opened = open_page(shop_pages / "compare.html", dark=dark)
        assert opened.page.locator("tbody tr").count() == 3
        assert opened.page.locator("svg path").count() == 3
        opened.assert_quiet()
    lineage = open_page(shop_pages / "lineage.html")
    lineage.page.locator(".node").first.wait_for()
    assert lineage.page.locator(".node").count() == 3
    lineage.assert_quiet()


@pytest.fixture
def shop_pages(project):
    """Pages of a pipeline that ran with three values."""
    text = (project.folder / "pipeline.yaml").read_text()
    for value in (1, 2, 3):
        project.write("pipeline.yaml", text.replace("count: 5", f"count: {value}"))
        project.run()
    assert project.pipespec("compare", "pipeline.yaml", "total", "--html", "compare.html").code == 0
    run_id = project.pipespec("compare", "pipeline.yaml", "total", "--format", "json").json["runs"][0][
        "run_id"
    ]
    made = project.pipespec("lineage", run_id, "--format", "html", "-o", "lineage.html")
    assert made.code == 0, made.err
    return project.folder
