"""The bare MLflow client calls that write runs like ours, one after the other, into a fresh store.

python benchmarks/mlflow_reference.py STEPS [ADDRESS OF A SERVER]
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag

TAGS = ("pipeline", "step", "call", "invocation", "owner", "lease", "name", "claim")


def write_run(client, number, *, is_local):
    name = f"measured/s{number}"
    known = client.get_experiment_by_name(name)
    place = str(Path(f"files/{number}").absolute()) if is_local else None
    experiment = known.experiment_id if known else client.create_experiment(name, artifact_location=place)
    tags = {f"pipespec.{tag}": f"s{number}" for tag in TAGS} | {
        "mlflow.runName": f"s{number}",
        "mlflow.user": "me",
    }
    run = client.create_run(experiment, tags=tags)
    run_id = run.info.run_id
    client.log_batch(run_id, params=[Param("a", str(number)), Param("b", f"x{number}")])
    content = json.dumps({"v": number}).encode()
    folder = Path(run.info.artifact_uri.removeprefix("file://") if is_local else f"files/{number}")
    (folder / "pipespec").mkdir(parents=True)
    for file in ("out.json", "pipespec/step.json", "pipespec/log.txt"):
        (folder / file).write_bytes(content)
    if not is_local:
        client.log_artifacts(run_id, str(folder))
    now, key = int(time.time() * 1e3), hashlib.sha256(content).hexdigest()
    ended = {
        "pipespec.key": key,
        f"pipespec.key.{key}": "1",
        "pipespec.outputs": "{}",
        "pipespec.manifest": key,
        "pipespec.generation": "0",
    }
    metrics = [Metric("pipespec.seconds", 0.1, now, 0), Metric("pipespec.peak_bytes", 2.3e7, now, 0)]
    client.log_batch(run_id, metrics=metrics, tags=[RunTag(*tag) for tag in ended.items()])
    client.set_terminated(run_id, "FINISHED")
    client.delete_tag(run_id, "pipespec.claim")


if __name__ == "__main__":
    address = sys.argv[2:]
    client = MlflowClient(*address or [f"sqlite:///{Path('mlflow.db').absolute()}"])
    for number in range(int(sys.argv[1])):
        write_run(client, number, is_local=not address)
