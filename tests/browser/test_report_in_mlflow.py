"""The report in MLflow's own pages, which show an artifact of HTML in a frame that may run scripts and nothing else."""

import json
import re
import urllib.request

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.servers]

PATIENCE = 60_000


def test_the_report_opens_in_mlflows_page_of_the_invocation(own_project, mlflow_on_sqlite, browser):
    store = mlflow_on_sqlite.url
    answer = own_project.pipespec(
        "run", "pipeline.yaml", "--format", "json", "--set", f"+mlflow.tracking_uri={store}"
    )
    assert answer.code == 0, answer.err
    invocation = answer.json["invocation"]
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(PATIENCE)
    told = []
    page.on("console", lambda message: told.append(message.text))

    page.goto(f"{store}/#/experiments/{experiment_of(store, invocation)}/runs/{invocation}")
    page.get_by_role("tab", name="Artifacts").click()
    page.get_by_text("pipespec", exact=True).last.click()
    page.get_by_text("report.html", exact=True).click()

    frame = page.locator("iframe.mlflow-html-iframe")
    assert frame.get_attribute("sandbox") == "allow-scripts"
    report = frame.content_frame
    name = (own_project.folder / "pipeline.yaml").read_text().partition("name: ")[2].partition("\n")[0]
    assert report.locator("h1").inner_text() == f"{name} ✓ succeeded"
    assert report.locator("#graph .node").count() == 3
    assert report.get_by_role("row", name="total 30").count() == 1
    assert report.locator("#outputs .card").count() == 3
    assert report.get_by_text('"total": 30').count() == 1  # fetched from the server
    report.get_by_role("link", name="Steps").click()
    report.locator("#graph input").fill("numbers")
    report.locator("#graph input").press("Enter")
    assert report.locator(".graph-panel h2").inner_text() == "numbers"
    assert report.locator(".graph-panel a").get_attribute("href").startswith(f"{store}/#/experiments/")
    assert not [text for text in told if "Security Policy" in text or "sandbox" in text]
    page.context.close()


def experiment_of(store, run):
    with urllib.request.urlopen(f"{store}/api/2.0/mlflow/runs/get?run_id={run}", timeout=30) as answer:
        return json.load(answer)["run"]["info"]["experiment_id"]


def test_links_and_the_switch_that_is_named_lead_to_runs_rather_than_to_language_models(
    own_project, mlflow_on_sqlite, browser
):
    store = mlflow_on_sqlite.url
    tracked = ("--set", f"+mlflow.tracking_uri={store}")
    own_project.run(*tracked)
    graph = own_project.pipespec("graph", "pipeline.yaml", "--status", "--format", "json", *tracked)
    link = next(step["run"]["url"] for step in graph.json["steps"] if step["step"] == "total")
    name = (own_project.folder / "pipeline.yaml").read_text().partition("name: ")[2].partition("\n")[0]
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(PATIENCE)
    sections = page.get_by_role("navigation")

    page.goto(link)
    sections.get_by_text("Runs", exact=True).wait_for()
    assert sections.get_by_text("Prompts", exact=True).count() == 0

    page.goto(store)
    page.get_by_text("Model training", exact=True).click()
    page.goto(f"{store}/#/experiments")
    page.get_by_role("link", name=f"{name}/total", exact=True).click()
    sections.get_by_text("Runs", exact=True).wait_for()
    assert sections.get_by_text("Prompts", exact=True).count() == 0
    page.get_by_role("link", name=re.compile("^total ")).last.click()
    page.get_by_text("pipespec.seconds", exact=True).first.wait_for()
    page.context.close()
