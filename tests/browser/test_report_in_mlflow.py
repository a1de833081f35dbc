"""The report in MLflow's own pages, which show an artifact of HTML in a frame that may run scripts and nothing else."""

import pytest
from remote import Remote

pytestmark = [pytest.mark.browser, pytest.mark.servers]


def test_the_report_opens_in_mlflows_page_of_the_invocation(project, mlflow_on_sqlite, browser):
    remote = Remote(project, mlflow_on_sqlite.url)
    project.write("pipeline.yaml", project.folder.joinpath("pipeline.yaml").read_text())
    answer = project.pipespec(
        "run", "pipeline.yaml", "--format", "json", "--set", f"+mlflow.tracking_uri={mlflow_on_sqlite.url}"
    )
    assert answer.code == 0, answer.err
    print(remote, answer.out)
