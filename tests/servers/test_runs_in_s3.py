"""Runs whose artifacts are in S3: recorded in a file here or on a server, and what is said where S3 cannot be used."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.servers

STEPS = """
import os
import time
from pathlib import Path


def note(step):
    with open("executed.txt", "a") as file:
        file.write(step + "\\n")


def table(rows: int, salt: str) -> list:
    note("table")
    return [salt] * rows


def folder(table: list, pages: Path) -> None:
    note("folder")
    for number, salt in enumerate(table):
        place = pages / str(number % 3) / f"{number}.txt"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(f"{number} {salt}")


def count(pages: Path) -> dict:
    note("count")
    return {"pages": sum(1 for path in pages.rglob("*.txt"))}
"""

PIPELINE = """\
pipespec: 1
name: {name}
mlflow: {{tracking_uri: "{uri}", artifact_location: "{location}"}}
steps:
  table:
    call: steps:table
    params: {{rows: 7, salt: {name}}}
    outputs: {{table: table.json}}
  folder:
    call: steps:folder
    inputs: {{table: table}}
    outputs: {{pages: pages/}}
  count:
    call: steps:count
    inputs: {{pages: {{from: folder.pages, load: path}}}}
    outputs: {{counted: counted.json}}
    metrics: counted
"""
ALL = {"table", "folder", "count"}


class InS3:
    """A project whose artifacts are in a bucket."""

    def __init__(self, project, bucket, uri="sqlite:///mlflow.db") -> None:
        self.project, self.bucket, self.uri = project, bucket, uri
        project.write("steps.py", STEPS)
        self.use(f"{bucket.uri}/team")

    def use(self, location: str) -> None:
        text = PIPELINE.format(name=self.bucket.name, uri=self.uri, location=location)
        self.project.write("pipeline.yaml", text)

    def run(self, **extra: str):
        return self.project.pipespec("run", "pipeline.yaml", **{**self.bucket.environment, **extra})

    def ran(self) -> set[str]:
        return self.project.ran(**self.bucket.environment)

    @property
    def executed(self) -> list[str]:
        file = self.project.folder / "executed.txt"
        return file.read_text().split() if file.exists() else []

    def key_of(self, file: str) -> str:
        (found,) = [key for key in self.bucket.sizes() if key.endswith(f"/artifacts/{file}")]
        return found

    def forget_downloads(self) -> None:
        import shutil

        shutil.rmtree(self.project.folder / ".pipespec" / "downloads")


@pytest.fixture(params=["file", "server"])
def in_s3(request, empty_project, bucket):
    """With records in a file, and on a server whose experiments are in S3."""
    uri = "sqlite:///mlflow.db"
    if request.param == "server":
        uri = request.getfixturevalue("mlflow_on_sqlite").url
    return InS3(empty_project, bucket, uri)


@pytest.fixture
def in_bucket(empty_project, bucket):
    return InS3(empty_project, bucket)


def test_a_pipeline_is_run_reused_read_and_rebuilt_elsewhere(in_s3, tmp_path):
    assert in_s3.ran() == ALL
    assert in_s3.ran() == set()
    keys = [key.partition("/artifacts/")[2] for key in in_s3.bucket.sizes("team/")]
    assert {"table.json", "pages/0/3.txt", "counted.json", "pipespec/step.json", "pipespec/run.json"} <= set(
        keys
    )
    assert not (in_s3.project.folder / "mlartifacts").exists()

    elsewhere = in_s3.project.copied_to(tmp_path / "elsewhere")
    there = InS3(elsewhere, in_s3.bucket, in_s3.uri)
    there.forget_downloads()
    got = elsewhere.pipespec("get", "pipeline.yaml", "folder.pages", "pages", **in_s3.bucket.environment)
    assert got.code == 0, got.err
    assert sorted(path.name for path in (elsewhere.folder / "pages").rglob("*.txt")) == [
        f"{n}.txt" for n in range(7)
    ]
    there.forget_downloads()
    assert elsewhere.ran("--force", "count", **in_s3.bucket.environment) == {"count"}


@pytest.mark.parametrize("damage", ["deleted", "cut short"])
def test_what_was_damaged_behind_our_back_is_noticed_on_use_and_made_again(in_s3, damage):
    assert in_s3.ran() == ALL
    in_s3.forget_downloads()
    key = in_s3.key_of("pages/1/4.txt")
    if damage == "deleted":
        in_s3.bucket.delete(key)
    else:
        in_s3.bucket.put(key, b"")
    in_s3.project.edit("steps.py", '{"pages": sum', '{"more": 1, "pages": sum')

    refused = in_s3.run()

    assert refused.code == 1
    assert "Traceback" not in refused.err
    assert "'pages' differs from what its run recorded" in refused.err + refused.out
    again = in_s3.run()
    assert again.code == 0, again.err
    assert in_s3.executed.count("folder") == 2
    assert in_s3.executed.count("table") == 1
    assert in_s3.ran() == set()


def test_verify_looks_at_the_store_where_the_right_content_is_still_here(in_bucket):
    assert in_bucket.ran() == ALL
    in_bucket.bucket.put(in_bucket.key_of("table.json"), b"[]")
    assert in_bucket.ran() == set()
    said = in_bucket.project.pipespec("doctor", "pipeline.yaml", "--verify", **in_bucket.bucket.environment)
    assert (said.code, said.out.count("altered-artifact")) == (1, 1), said
    assert in_bucket.project.ran("--verify", **in_bucket.bucket.environment) == {"table"}


@pytest.mark.parametrize("location", ["s3://no-such-bucket/team"])
def test_a_bucket_that_is_not_there_is_said_before_any_step_runs(in_s3, location):
    in_s3.use(location)
    answer = in_s3.run()
    assert (answer.code, answer.out, answer.err.count("\n")) == (3, "", 1), answer
    assert "there is no bucket 'no-such-bucket'" in answer.err
    assert in_s3.executed == []


@pytest.fixture
def strict(s3):
    """Let S3 know its users, of whom there are none."""
    import urllib.request

    def reset(count: bytes) -> None:
        request = urllib.request.Request(
            f"{s3.url}/moto-api/reset-auth", count, {"Content-Type": "text/plain"}
        )
        urllib.request.urlopen(request, timeout=10).close()

    reset(b"0")
    yield
    reset(b"1000000000")


def test_wrong_credentials_are_said_before_any_step_runs(in_bucket, strict):
    answer = in_bucket.run(AWS_SECRET_ACCESS_KEY="hush-2718")
    assert (answer.code, answer.out, answer.err.count("\n")) == (3, "", 1), answer
    assert (
        "it does not know the access key; correct AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in answer.err
    )
    assert "hush-2718" not in answer.err
    assert in_bucket.executed == []
    assert {status for (status,) in in_bucket.project.query("select status from runs")} == {"FAILED"}


def test_without_boto3_the_way_out_is_said_before_any_step_runs(in_bucket):
    in_bucket.project.write(
        "hidden/boto3.py", "raise ModuleNotFoundError(\"No module named 'boto3'\", name='boto3')\n"
    )
    answer = in_bucket.run(PYTHONPATH=str(in_bucket.project.folder / "hidden"))
    assert (answer.code, answer.out) == (2, ""), answer
    assert answer.err.rstrip().endswith(
        "needs the package 'boto3', which is not installed; install it with: pip install 'pipespec[s3]'"
    )
    assert answer.err.count("\n") == 1
    assert in_bucket.executed == []
