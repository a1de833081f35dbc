"""The workload of `race.py` in plain Luigi, with files for targets: `luigi_files.py`, with STEPS in the environment.

Luigi knows by a target's name alone what is done, so it has no round with a changed param.
"""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

import luigi


class Step(luigi.Task):
    number = luigi.IntParameter()

    def requires(self):
        return Step(self.number - 1) if self.number % 3 else []

    def output(self):
        return luigi.LocalTarget(f"out/{self.number}.json")

    def run(self):
        if self.number % 3:
            json.loads(Path(self.input().path).read_text())
        with self.output().open("w") as file:
            json.dump({"v": self.number + self.number % 20}, file)


class Everything(luigi.WrapperTask):
    def requires(self):
        return [Step(number) for number in range(int(os.environ["STEPS"]))]


if __name__ == "__main__":
    logging.disable()
    luigi.build([Everything()], local_scheduler=True, workers=1)
