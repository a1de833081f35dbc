"""What plain Luigi does with as many tasks: file targets, local scheduler, one worker.

    python benchmarks/luigi_reference.py TASKS FOLDER [--write]

With `--write` the targets are made first, quickly, so that nothing is to do.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import luigi

TASKS, FOLDER = int(sys.argv[1]), Path(sys.argv[2])


class Step(luigi.Task):
    number = luigi.IntParameter()

    def requires(self):
        return Step(self.number - 1) if self.number % 3 else []

    def output(self):
        return luigi.LocalTarget(str(FOLDER / f"{self.number}.json"))

    def run(self):
        Path(self.output().path).write_text("{}")


class Everything(luigi.WrapperTask):
    def requires(self):
        return [Step(number) for number in range(TASKS)]


if __name__ == "__main__":
    logging.disable()
    if "--write" in sys.argv:
        FOLDER.mkdir(parents=True, exist_ok=True)
        for number in range(TASKS):
            (FOLDER / f"{number}.json").write_text("{}")
    luigi.build([Everything()], local_scheduler=True, workers=1)
