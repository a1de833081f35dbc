"""Pipelines on a Dask cluster of two workers in processes of their own, with records and artifacts on a tracking server."""

from __future__ import annotations

import os
import signal
import time

import pytest
from remote import Records
from services import dask_cluster

pytestmark = pytest.mark.servers

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


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with dask_cluster(tmp_path_factory.mktemp("dask"), (), ()) as started:
        yield started


@pytest.fixture
def elsewhere(tmp_path, tmp_path_factory):
    """A cluster whose workers do not see the project."""
    with dask_cluster(tmp_path_factory.mktemp("far"), (), (), hidden=tmp_path) as started:
        yield started


def require_one_finished_run_each(project, steps, url):
    states = project.pipespec("status", "news.yaml", "--format", "json", MLFLOW_TRACKING_URI=url).json[
        "steps"
    ]
    assert {each["step"]: each["state"] for each in states} == dict.fromkeys(steps, "complete")


def test_the_news_pipeline_runs_once_on_two_workers_that_see_its_folder(news, cluster, mlflow_on_sqlite):
    url = mlflow_on_sqlite.url

    ran = news.ran("--dask", cluster.address, "--force", "*", file="news.yaml", MLFLOW_TRACKING_URI=url)

    assert ran == NEWS
    require_one_finished_run_each(news, NEWS, url)
    assert news.ran("--dask", cluster.address, file="news.yaml", MLFLOW_TRACKING_URI=url) == set()
    assert news.ran(file="news.yaml", MLFLOW_TRACKING_URI=url) == set()


def test_the_news_pipeline_runs_once_on_two_workers_that_get_it_as_an_archive(
    news, elsewhere, mlflow_on_sqlite
):
    url = mlflow_on_sqlite.url

    answer = news.pipespec(
        "run", "news.yaml", "--dask", elsewhere.address, "--force", "*", MLFLOW_TRACKING_URI=url
    )

    assert answer.code == 0, answer.err
    assert "which get the project as an archive of" in answer.err
    assert answer.out.startswith("10 ran, 0 reused")
    require_one_finished_run_each(news, NEWS, url)
    assert news.ran("--dask", elsewhere.address, file="news.yaml", MLFLOW_TRACKING_URI=url) == set()
    assert news.ran(file="news.yaml", MLFLOW_TRACKING_URI=url) == set()


def test_the_news_pipeline_runs_once_with_artifacts_in_s3_and_records_in_postgresql(
    news, tmp_path, tmp_path_factory, bucket, mlflow_on_postgres
):
    """Workers elsewhere have what they need from the archive, the bucket and the server alone."""
    url, name = mlflow_on_postgres.url, f"news-{bucket.name}"
    settings = ("--set", f"name={name}", "--set", f"mlflow.artifact_location={bucket.uri}/team")
    surroundings = {**bucket.environment, "MLFLOW_TRACKING_URI": url}
    folder = tmp_path_factory.mktemp("far")
    with dask_cluster(folder, (), (), hidden=tmp_path, environment=bucket.environment) as cluster:
        answer = news.pipespec("run", "news.yaml", "--dask", cluster.address, *settings, **surroundings)
        again = news.ran("--dask", cluster.address, *settings, file="news.yaml", **surroundings)

    assert answer.code == 0, answer.err
    assert answer.out.startswith("10 ran, 0 reused")
    assert again == set()
    runs = [run for run in Records(url, name).runs() if "pipespec.step" in run["tags"]]
    assert sorted(run["tags"]["pipespec.step"] for run in runs) == sorted(NEWS)
    assert {run["status"] for run in runs} == {"FINISHED"}
    assert all(run["artifact_uri"].startswith(f"{bucket.uri}/team/") for run in runs)
    assert {one.rpartition("/")[2] for one in bucket.sizes("team/")} >= {"ids.csv", "model.joblib"}
    assert news.ran(*settings, file="news.yaml", **surroundings) == set()


def test_a_worker_that_is_killed_during_a_step_leaves_one_record_and_nothing_running(remote, cluster):
    project, records = remote.project, remote.records
    project.edit("pipeline.yaml", "call: steps:squares", "call: steps:squares\n    retry: {times: 1}")
    steps = (project.folder / "steps.py").read_text()
    project.write(
        "steps.py",
        steps.replace('note("squares")', 'note("squares"); Path("worker").write_text(worker())') + WORKER,
    )
    remote.hold()
    process = project.start("run", "pipeline.yaml", "--dask", cluster.address)
    remote.wait_until_held(process)

    (project.folder / "held").unlink()
    os.kill(int((project.folder / "worker").read_text()), signal.SIGKILL)
    remote.wait_until_held(process)
    (project.folder / "hold").unlink()
    _, said = process.communicate(timeout=120)

    assert process.returncode == 0, said
    assert remote.executed == ["numbers", "squares", "squares", "total"]
    assert sorted(run["status"] for run in records.runs("squares")) == ["FAILED", "FINISHED"]
    assert {run["status"] for run in records.runs()} == {"FAILED", "FINISHED"}
    assert project.ran() == set()


WORKER = """

def worker():
    stat = Path(f"/proc/{os.getppid()}/stat").read_text()
    return stat.rpartition(")")[2].split()[1]
"""


def test_a_log_of_a_worker_elsewhere_comes_while_the_step_runs(remote, elsewhere):
    project = remote.project
    steps = (project.folder / "steps.py").read_text()
    # An answer with so long a log is not sent with the end of its task, but fetched.
    wait = 'print("squaring", flush=True); time.sleep(4); print(200_000 * "x")'
    project.write("steps.py", steps.replace('note("squares")', wait))
    process = project.start("run", "pipeline.yaml", "-v", "--dask", elsewhere.address)
    began, came = {}, time.monotonic
    for line in process.stderr:
        if line.startswith("squares | squaring"):
            began["log"] = came()
        if "ran       squares" in line:
            began["ended"] = came()
    process.communicate(timeout=60)

    assert process.returncode == 0
    assert began["ended"] - began["log"] > 1
    log = project.pipespec("logs", "pipeline.yaml", "squares").out
    assert "squaring\n" in log
    assert log.count("x") >= 200_000
    assert not (project.folder / "executed.txt").exists()  # what a step writes beside its outputs stays there


def test_results_that_a_worker_elsewhere_cannot_put_anywhere_fail_its_step(project, elsewhere):
    answer = project.pipespec("run", "pipeline.yaml", "--dask", elsewhere.address)

    assert answer.code == 1
    assert (
        "where results go: use a tracking server that hands out artifacts, or a folder that workers share"
        in answer.err
    )
