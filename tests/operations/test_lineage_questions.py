"""How many questions `lineage` asks: their number does not grow with the runs, whatever shape they have."""

from collections import Counter

import pytest

from pipespec.operations.inspecting.lineage import lineage
from pipespec.plan.records import OutputRecord
from pipespec.tracking import record_names
from pipespec.tracking.read_inputs import encode_inputs
from pipespec.tracking.run_facts import RunFacts
from pipespec.tracking.writing.run_tags import publication_tags


class Asked:
    """A ledger, and a registry without models, that count what they are asked."""

    tracking_uri = "memory://"

    def __init__(self, runs):
        self._runs = {run.run_id: run for run in runs}
        self.questions = Counter()

    def _count(self, question):
        self.questions[question] += 1

    def run(self, run_id):
        self._count("run")
        return self._runs.get(run_id)

    def runs(self, run_ids):
        self._count("runs")
        return {one: self._runs[one] for one in run_ids if one in self._runs}

    def published(self, _latest=None):
        self._count("published")
        return tuple(self._runs.values())

    def deleted_runs(self, _run_ids):
        self._count("deleted")
        return {}

    def versions(self, _wanted):
        self._count("versions")
        return ()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


def run_id(number):
    return f"{number:032x}"


def made(number, sources):
    """A run that read an output of each of these runs."""
    inputs = {
        f"a{source}": {"run_id": run_id(source), "output": "out", "digest": f"{source:064x}"}
        for source in sources
    }
    tags = publication_tags(
        f"{number:064x}",
        0,
        {"out": OutputRecord(f"{number:064x}", 1, 1, "out.json")},
        "0" * 64,
        inputs=inputs,
    )
    ours = {record_names.PIPELINE: "p", record_names.STEP: f"s{number}"}
    assert not sources or encode_inputs(inputs) is not None
    told = record_names.told({**tags, **ours})
    return RunFacts(run_id(number), "FINISHED", float(number), number + 0.5, "", told)


SHAPES = {
    "a chain, from its last run up": (lambda n: [[i - 1] if i else [] for i in range(n)], -1, "up"),
    "a chain, from its first run down": (lambda n: [[i - 1] if i else [] for i in range(n)], 0, "down"),
    "many that read one, from that down": (lambda n: [[0] if i else [] for i in range(n)], 0, "down"),
    "one that reads many, from it up": (lambda n: [[] for _ in range(n - 1)] + [[*range(n - 1)]], -1, "up"),
    "a chain, from its middle both ways": (lambda n: [[i - 1] if i else [] for i in range(n)], None, "both"),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_lineage_of_50_runs_asks_as_little_as_that_of_100(shape, tmp_path):
    sources, at, way = SHAPES[shape]

    def asked(count):
        ledger = Asked([made(number, read) for number, read in enumerate(sources(count))])
        start = run_id(count // 2 if at is None else at % count)
        found = lineage(
            ledger, start, tmp_path, up=way != "down", down=way != "up", open_registry=lambda: ledger
        )
        assert len(found.runs) == count
        return ledger.questions

    questions = asked(50)
    assert questions == asked(100)
    assert questions["published"] <= 1
    assert questions["run"] == 1
    assert questions["runs"] <= 7
    assert questions["versions"] == 25
    assert questions.total() <= 34
