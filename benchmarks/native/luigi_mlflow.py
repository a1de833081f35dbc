"""The workload of `race.py` in the class that teams write by hand: a Luigi task with an MLflow run for each step.

`luigi_mlflow.py`, with STEPS and CHANGED in the environment. A task is complete when MLflow has a finished run with its
key, a digest of its params and of its upstream's key.
"""

from __future__ import annotations

import functools
import hashlib
import json
import logging
import os
import tempfile
from pathlib import Path

import luigi
import mlflow

STEPS, CHANGED = int(os.environ["STEPS"]), int(os.environ.get("CHANGED", "-1"))


class Recorded(luigi.Target):
    def __init__(self, step, key):
        self.step, self.key = step, key

    def exists(self):
        return self.run_id() is not None

    def run_id(self):
        wanted = f"tags.key = '{self.key}' and attributes.status = 'FINISHED'"
        found = mlflow.search_runs([experiment(self.step)], wanted, max_results=1, output_format="list")
        return found[0].info.run_id if found else None

    def read(self):
        return json.loads(
            Path(
                mlflow.artifacts.download_artifacts(run_id=self.run_id(), artifact_path="out.json")
            ).read_text()
        )


class Step(luigi.Task):
    number = luigi.IntParameter()

    def params(self):
        return {"a": -1 if self.number == CHANGED else self.number, "b": f"x{self.number}"}

    def key(self):
        above = Step(self.number - 1).key() if self.number % 3 else ""
        return hashlib.sha256(json.dumps([self.params(), above]).encode()).hexdigest()

    def requires(self):
        return Step(self.number - 1) if self.number % 3 else []

    def output(self):
        return Recorded(f"s{self.number}", self.key())

    def run(self):
        with mlflow.start_run(experiment_id=experiment(f"s{self.number}"), run_name=f"s{self.number}"):
            mlflow.log_params(self.params())
            if self.number % 3:
                self.input().read()
            with tempfile.TemporaryDirectory() as folder:
                made = Path(folder, "out.json")
                made.write_text(json.dumps({"v": self.params()["a"] + self.number % 20}))
                mlflow.log_artifact(str(made))
            mlflow.set_tag("key", self.key())


class Everything(luigi.WrapperTask):
    def requires(self):
        return [Step(number) for number in range(STEPS)]


@functools.cache
def experiment(step):
    found = mlflow.get_experiment_by_name(f"measured/{step}")
    return found.experiment_id if found else mlflow.create_experiment(f"measured/{step}")


if __name__ == "__main__":
    logging.disable()
    mlflow.set_tracking_uri("sqlite:///mlflow.db")
    luigi.build([Everything()], local_scheduler=True, workers=1)
