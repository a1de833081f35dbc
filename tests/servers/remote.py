"""A project whose records are on a server, seen beside it through MLflow's REST API and not through any code of ours."""

from __future__ import annotations

import json
import shutil
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

STEPS = '''
import os
import time
from pathlib import Path

import mlflow


def note(step):
    """One line in a file for each execution; the second says that it ended."""
    with open("executed.txt", "a") as file:
        file.write(step + "\\n")


def numbers(count: int, salt: str) -> list:
    note("numbers")
    mlflow.log_metric("seen", count)
    print("counting to", count)
    return list(range(count))


def squares(numbers: list, salt: str) -> list:
    note("squares")
    if Path("hold").exists():
        Path("held").touch()
        until = time.monotonic() + 120
        while Path("hold").exists() and time.monotonic() < until:
            time.sleep(0.02)
    return [number**2 for number in numbers]


def total(squares: list, salt: str, table: Path) -> dict:
    note("total")
    table.mkdir(exist_ok=True)
    (table / "squares.txt").write_text(" ".join(map(str, squares)))
    return {"total": sum(squares)}
'''

PIPELINE = """\
pipespec: 1
name: {name}
mlflow: {{tracking_uri: "{uri}"}}
params: {{salt: {salt}, count: 5}}
steps:
  numbers:
    call: steps:numbers
    params: {{count: "${{params.count}}", salt: "${{params.salt}}"}}
    outputs: {{numbers: numbers.json}}
  squares:
    call: steps:squares
    inputs: {{numbers: numbers}}
    params: {{salt: "${{params.salt}}"}}
    outputs: {{squares: squares.json}}
  total:
    call: steps:total
    inputs: {{squares: squares}}
    params: {{salt: "${{params.salt}}"}}
    outputs: {{total: total.json, table: table/}}
    metrics: total
"""


def ask(url: str, path: str, body: dict | None = None) -> dict:
    """Ask MLflow's REST API."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        f"{url}/api/2.0/mlflow/{path}", data, {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise AssertionError(error.read().decode()) from error


class Records:
    """What a server has of one pipeline."""

    def __init__(self, url: str, pipeline: str) -> None:
        self.url, self.pipeline = url, pipeline

    def experiments(self) -> list[dict]:
        found = ask(self.url, "experiments/search", {"max_results": 5000, "view_type": "ACTIVE_ONLY"})
        names = (self.pipeline, f"{self.pipeline}/")
        return [one for one in found.get("experiments", []) if one["name"].startswith(names)]

    def runs(self, step: str | None = None) -> list[dict]:
        """Runs of a step, or of all; the invocations' are those of step None."""
        ids = [one["experiment_id"] for one in self.experiments()]
        found = ask(self.url, "runs/search", {"experiment_ids": ids, "max_results": 1000}) if ids else {}
        runs = [_flat(run) for run in found.get("runs", [])]
        return [run for run in runs if step in (None, run["tags"].get("pipespec.step"))]

    def published(self, step: str) -> list[dict]:
        return [
            run for run in self.runs(step) if run["status"] == "FINISHED" and "pipespec.key" in run["tags"]
        ]


def _flat(run: dict) -> dict:
    data = run.get("data", {})
    flat = {
        name: {row["key"]: row["value"] for row in data.get(name, [])}
        for name in ("tags", "params", "metrics")
    }
    return {**run["info"], **flat}


class Remote:
    """The project, its records, and the commands that a user gives."""

    def __init__(self, project, server: str, uri: str | None = None) -> None:
        self.project = project
        self.salt = f"s{uuid.uuid4().hex[:11]}"  # digits and an e would be a number
        self.records = Records(server, f"sums-{self.salt}")
        project.write("steps.py", STEPS)
        self.use(uri or server)

    def use(self, uri: str) -> None:
        text = PIPELINE.format(name=self.records.pipeline, uri=uri, salt=self.salt)
        self.project.write("pipeline.yaml", text)

    @property
    def executed(self) -> list[str]:
        file = self.project.folder / "executed.txt"
        return file.read_text().split() if file.exists() else []

    def hold(self) -> None:
        """Let `squares` wait when it executes."""
        self.project.write("hold", "")

    def wait_until_held(self, process, limit: float = 120) -> None:
        until = time.monotonic() + limit
        while not (self.project.folder / "held").exists():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < until
            time.sleep(0.02)

    def release(self) -> None:
        Path(self.project.folder / "hold").unlink()

    def fresh_clone(self) -> None:
        """As if the repository was cloned just now."""
        shutil.rmtree(self.project.folder / ".pipespec")
