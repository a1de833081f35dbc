"""From a step of the graph's page to its run in MLflow's own pages, on a real server."""

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.servers]


def test_the_link_of_a_step_opens_its_run_in_mlflow(browser, own_project, mlflow_on_sqlite):
    own_project.edit(
        "pipeline.yaml", "pipespec: 1", f"pipespec: 1\nmlflow: {{tracking_uri: '{mlflow_on_sqlite.url}'}}"
    )
    own_project.run()
    answer = own_project.pipespec(
        "graph", "pipeline.yaml", "--status", "--format", "html", "-o", "graph.html"
    )
    assert answer.code == 0, answer.err

    page = browser.new_page()
    page.goto((own_project.folder / "graph.html").as_uri())
    page.get_by_role("button", name="total, complete").click()
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="in MLflow").click()
    run = opened.value
    run.get_by_text("pipespec.seconds").first.wait_for(timeout=60_000)

    assert run.get_by_text("total", exact=True).count()
    page.context.close()
