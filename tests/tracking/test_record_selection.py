"""Which run counts for a key where what runs touched is looked at: the newest whose witness holds."""

from dataclasses import dataclass

from pipespec.plan.witness import (
    BrokenWitness,
    Touched,
    Trace,
    TraceChange,
    Witness,
    WitnessChange,
    encode_witness,
)
from pipespec.tracking import record_names
from pipespec.tracking.reading.record_selection import RecordSelection
from pipespec.tracking.run_facts import RunFacts, encode_outputs

KEY = "a" * 64


@dataclass
class Now:
    """Files by name with their digest now."""

    files: dict

    def changes(self, witness):
        return [
            WitnessChange(each.path, each.trace, TraceChange.CHANGED, each.digest)
            for each in witness.touched
            if self.files.get(each.path) != each.digest
        ]


def run(name, generation, ended, **touched):
    witness = Witness(tuple(Touched(path, Trace.FILE, digest) for path, digest in touched.items()))
    tags = {
        record_names.KEY: KEY,
        record_names.MANIFEST: "m",
        record_names.OUTPUTS: encode_outputs({}),
        record_names.GENERATION: str(generation),
        record_names.STEP: "s",
        **({record_names.WITNESS: encode_witness(witness, 8_000)} if touched else {}),
    }
    return KEY, RunFacts(name, "FINISHED", 0.0, ended, f"s3://bucket/{name}", tags)


def chosen(candidates, **files):
    selection = RecordSelection("http://127.0.0.1", None, Now(files))
    found = selection.choose([KEY], candidates)
    return found[KEY].run_id if found else None, selection.broken([KEY])


def test_the_newest_run_whose_witness_holds_counts():
    runs = [run("old", 0, 1.0, a="1"), run("new", 1, 2.0, a="2"), run("other", 2, 3.0, a="2", b="1")]

    assert chosen(runs, a="1")[0] == "old"
    assert chosen(runs, a="2")[0] == "new"
    assert chosen(runs, a="2", b="1")[0] == "other"


def test_where_none_holds_the_newest_says_why():
    runs = [run("old", 0, 1.0, a="1"), run("new", 1, 2.0, a="2")]

    assert chosen(runs, a="3") == (
        None,
        {KEY: BrokenWitness("new", (WitnessChange("a", Trace.FILE, TraceChange.CHANGED, "2"),))},
    )
    assert chosen(runs, a="1")[1] == {}


def test_a_run_that_touched_nothing_more_counts_whatever_changed():
    assert chosen([run("plain", 0, 1.0)], a="9") == ("plain", {})


def test_a_witness_that_cannot_be_read_makes_a_run_lost_and_never_complete():
    key, facts = run("spoilt", 0, 1.0)
    facts.tags[record_names.WITNESS] = "{"
    selection = RecordSelection("http://127.0.0.1", None, Now({}))

    assert selection.choose([KEY], [(key, facts)]) == {}
    assert list(selection.lost([KEY])) == [KEY]
