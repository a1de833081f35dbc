"""What a run records of where it comes from: by the files of an invocation, tags, and datasets as MLflow shows them."""

import json
import os
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("libraries_loaded")

STEPS = """
from helper import SCALE


def total(rows: list, extra: list) -> int:
    return SCALE * (len(rows) + len(extra))
"""
QUERY = "SELECT 1 AS a -- as it is written\n"
MADE = """\
pipespec: 1
steps:
  rows:
    description: One row.
    call: pipespec.steps:sql
    params: {query: rows.sql, url: "sqlite:///{inputs.database}"}
    inputs: {database: {file: shop.sqlite}}
    outputs: {rows: rows.csv}
"""
PIPELINE = """\
pipespec: 1
name: shop
description: Counts.
params: {count: 1, other: 1}
steps:
  total:
    call: steps:total
    inputs:
      rows: {pipeline: made.yaml, output: rows.rows}
      extra: {file: data/extra.json}
    outputs: {total: total.json}
"""


def git(folder, *arguments):
    options = ["-c", "user.name=A", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"]
    command = ["git", "-C", str(folder), *options, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def shop(empty_project):
    project = empty_project
    project.write("steps.py", STEPS)
    project.write("helper.py", "SCALE = 1\n")
    project.write("rows.sql", QUERY)
    project.write("shop.sqlite", "")
    project.write("made.yaml", MADE)
    project.write("pipeline.yaml", PIPELINE)
    project.write("data/extra.json", "[1, 2]")
    return project


def artifact(project, run_id, name):
    (row,) = project.query("SELECT artifact_uri FROM runs WHERE run_uuid = ?", run_id)
    return Path(row[0].removeprefix("file://"), "pipespec", name)


def run(project, *arguments):
    answer = project.pipespec("run", *arguments, "--format", "json")
    assert answer.code == 0, answer.err
    return answer.json["invocation"], {step["step"]: step["run_id"] for step in answer.json["steps"]}


def datasets(project, run_id):
    """As MLflow's page shows them: name, source, context."""
    return project.query(
        "SELECT d.name, d.dataset_source_type, d.dataset_source, t.value FROM inputs i JOIN input_tags t USING (input_uuid)"
        " JOIN datasets d ON d.dataset_uuid = i.source_id WHERE i.destination_id = ? ORDER BY i.rowid",
        run_id,
    )


def test_a_run_tells_what_it_was_made_of(shop):
    shop.write(".gitignore", "/mlflow.db\n/mlartifacts\n/.pipespec\n__pycache__\n")
    git(shop.folder, "init")
    git(shop.folder, "remote", "add", "origin", "https://ada:pass@host.test/shop.git")
    git(shop.folder, "add", ".")
    git(shop.folder, "commit", "-m", "First")
    shop.write("prod.yaml", "params: {other: 2}\n")
    shop.write("notes.txt", "of no step")
    _, made = run(shop, "made.yaml")
    invocation, steps = run(shop, "pipeline.yaml", "-f", "prod.yaml", "--set", "params.count=5")

    told = json.loads(artifact(shop, invocation, "provenance.json").read_text())
    assert told.pop("host")
    assert told.pop("platform").startswith(os.uname().sysname)
    assert told.pop("git") == {
        "commit": git(shop.folder, "rev-parse", "HEAD"),
        "branch": "main",
        "remote": "https://ada:***@host.test/shop.git",
        "folder": "",
        "patch": {
            "digest": told_digest(artifact(shop, invocation, "git.patch")),
            "bytes": artifact(shop, invocation, "git.patch").stat().st_size,
            "is_whole": True,
            "untracked": ["prod.yaml"],
            "left_out": {},
            "counted": [],
        },
    }
    command = told.pop("command")
    assert command.endswith("pipeline.yaml -f prod.yaml --set params.count=5 --format json")
    assert {name: bool(told.pop(name)) for name in ("pipespec", "python", "user")} == dict.fromkeys(
        ("pipespec", "python", "user"), True
    )
    assert told == {
        "version": 1,
        "file": "pipeline.yaml",
        "layers": ["pipeline.yaml", "prod.yaml", "--set params.count=5"],
        "origins": {"params.count": "--set params.count=5", "params.other": "prod.yaml:1 (overlay)"},
        "secrets": [],
        "is_sweep": False,
    }
    packages = artifact(shop, invocation, "packages.txt").read_text().splitlines()
    assert any(line.startswith("luigi==") for line in packages)
    tags = dict(shop.query("SELECT key, value FROM tags WHERE run_uuid = ?", steps["total"]))
    assert {name: value for name, value in tags.items() if name.startswith("mlflow.source.")} == {
        "mlflow.source.name": "pipeline.yaml",
        "mlflow.source.type": "LOCAL",
        "mlflow.source.git.commit": git(shop.folder, "rev-parse", "HEAD"),
        "mlflow.source.git.branch": "main",
        "mlflow.source.git.repoURL": "https://ada:***@host.test/shop.git",
    }
    assert artifact(shop, made["rows"], "rows.sql").read_text() == QUERY
    note = "SELECT value FROM tags WHERE key = 'mlflow.note.content' AND run_uuid = ?"
    assert [shop.query(note, run_id) for run_id in (made["rows"], invocation)] == [
        [("One row.",)],
        [("Counts.",)],
    ]
    extra = ("data/extra.json", "local", '{"uri": "data/extra.json"}', "input")
    rows = ("rows.rows of made.yaml", "local", f'{{"uri": "runs:/{made["rows"]}/rows.csv"}}', "input")
    total = ("total.total", "local", f'{{"uri": "runs:/{steps["total"]}/total.json"}}', "output")
    assert datasets(shop, steps["total"]) == [rows, extra, total]
    assert datasets(shop, invocation) == [rows, extra]


def told_digest(path):
    import hashlib

    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_without_git_everything_else_is_told(shop):
    run(shop, "made.yaml")
    invocation, steps = run(shop, "pipeline.yaml")

    told = json.loads(artifact(shop, invocation, "provenance.json").read_text())
    assert (told["git"], told["file"]) == (None, "pipeline.yaml")
    assert not artifact(shop, invocation, "git.patch").exists()
    assert len(datasets(shop, steps["total"])) == 3
