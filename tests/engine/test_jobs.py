"""What a worker is told: everything, as values."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipespec.engine.manifest_entries import manifest_entries
from pipespec.engine.random_seed import RandomSeed
from pipespec.engine.step_jobs import JobPlace, job_for, planned_code
from pipespec.plan.plan import Facts
from pipespec.plan.records import OutputRecord, StepKey, StepRecord
from pipespec.step.step_job import Artifact, InputJob, OutputJob, result_path

FILE = OutputRecord("1" * 64, 3, 1, "o.json")
TREE = OutputRecord("2" * 64, 9, 2, "folder/")


def record(step, run_id):
    return StepRecord(
        run_id, step, "k" * 64, {"o": FILE, "folder": TREE}, 0, 0.0, 1.0, f"file:///store/{run_id}/artifacts"
    )


class Parts:
    def digest_of_part(self, record, output, part):
        return f"{record.run_id}:{output}:{part}"


class Outside:
    def artifacts(self, source):
        return (Artifact(f"outside:{source.text}", None, source.text),)


@pytest.fixture
def made(engine):
    engine.write("steps.py", "def one(**x): ...\ndef load(path): ...\ndef keep(value, path): ...\n")
    engine.write("data.csv", "")
    engine.write(
        "pipeline.yaml",
        """\
        pipespec: 1
        name: jobs
        steps:
          a: {call: 'steps:one', matrix: {x: [1, 2], y: [3, 4]}, outputs: {o: o.json, folder: folder/}}
          b:
            call: 'steps:one'
            inputs:
              single: a[x=1,y=3].o
              part: a[x=2,y=3].folder/inner/b.csv
              tree: {from: 'a[x=1,y=4].folder', load: path}
              fan: {from: 'a[x=1].o', load: {lines: true}}
              file: {file: data.csv, load: 'steps:load'}
            params: {n: 1, token: '${secret:TOKEN}'}
            outputs: {model: {file: model.bin, save: 'steps:keep'}, table: {file: t.csv, save: {index: true}}}
            metrics: table
        """,
    )
    spec = engine.spec()
    facts = replace(engine.facts(spec), sources={str(engine.root / "steps.py"): b"source"})
    upstream = {step: record(step, f"run{number}") for number, step in enumerate(spec.upstream["b"])}
    return engine, spec, facts, upstream


def make(made, **about):
    engine, spec, facts, upstream = made
    place = JobPlace(
        "sqlite:///x.db",
        "run",
        "7",
        "file:///store/run/artifacts",
        engine.root / "s",
        engine.root / "log",
        engine.root / "d",
    )
    return job_for(
        spec.steps["b"],
        spec,
        facts,
        key=StepKey("0000000f" + "0" * 56, {}),
        seed=RandomSeed(15),
        upstream=upstream,
        external=Outside(),
        parts=Parts(),
        place=place,
        code_files={str(engine.root / "steps.py"): "s" * 64},
        **about,
    )


def test_inputs_say_where_content_is_and_what_it_must_be(made):
    upstream = made[3]
    runs = {step: found.run_id for step, found in upstream.items()}
    single, part, tree = runs["a[x=1,y=3]"], runs["a[x=2,y=3]"], runs["a[x=1,y=4]"]

    assert make(made).inputs == (
        InputJob("single", "one", (Artifact(f"/store/{single}/artifacts/o.json", FILE.digest, "o.json"),)),
        InputJob(
            "part",
            "one",
            (Artifact(f"/store/{part}/artifacts/folder/inner/b.csv", f"{part}:folder:inner/b.csv", "b.csv"),),
        ),
        InputJob(
            "tree", "one", (Artifact(f"/store/{tree}/artifacts/folder/", TREE.digest, "folder"),), load="path"
        ),
        InputJob(
            "fan",
            "fan_in",
            (
                Artifact(f"/store/{single}/artifacts/o.json", FILE.digest, "o.json"),
                Artifact(f"/store/{tree}/artifacts/o.json", FILE.digest, "o.json"),
            ),
            points=((("y", 3),), (("y", 4),)),
            load={"lines": True},
        ),
        InputJob("file", "one", (Artifact("outside:data.csv", None, "data.csv"),), load_call="steps:load"),
    )


def test_planned_code_is_that_of_all_that_a_step_calls(made):
    engine, spec, facts, _ = made

    assert planned_code(spec.steps["b"], facts) == {str(engine.root / "steps.py"): b"source"}
    assert planned_code(spec.steps["b"], replace(facts, sources={})) == {}


def test_a_job_carries_params_outputs_and_places(made):
    engine = made[0]

    job = make(made)

    assert (job.step, job.call, job.root) == ("b", "steps:one", str(engine.root))
    assert job.params == {"n": 1, "token": "${secret:TOKEN}"}
    assert job.outputs == (
        OutputJob("model", "model.bin", save_call="steps:keep"),
        OutputJob("table", "t.csv", save={"index": True}),
    )
    assert job.metrics == ("table", None)
    assert job.seed == 15
    assert job.code_files == {str(engine.root / "steps.py"): "s" * 64}
    assert (job.run_id, job.experiment_id, job.tracking_uri) == ("run", "7", "sqlite:///x.db")
    assert (job.staging, job.log, job.downloads) == tuple(
        str(engine.root / name) for name in ("s", "log", "d")
    )
    assert result_path(job.staging) == engine.root / "s" / "result"


def test_a_manifest_names_the_runs_and_digests_of_all_inputs(made):
    engine, spec, facts, upstream = made
    table = OutputRecord("3" * 64, 0, 1, "data.csv")
    facts = Facts(code=facts.code, files={str(engine.root / "data.csv"): table})

    class Planned:
        pipeline = spec

    Planned.facts = facts

    class Decided:
        step, key, reasons = spec.steps["b"], StepKey("0000000f" + "0" * 56, {"name": "b"}), ()

    found = manifest_entries(Planned, Decided, upstream, {"python": "3.11"}, RandomSeed(15))

    runs = {step: known.run_id for step, known in upstream.items()}
    assert found["python"] == "3.11"
    assert found["parts"] == {"name": "b"}
    assert found["seed"] == 15
    assert found["params"] == {"n": 1, "token": "${secret:TOKEN}"}
    assert found["inputs"] == {
        "single": [
            {
                "step": "a[x=1,y=3]",
                "output": "o",
                "file": FILE.file,
                "run_id": runs["a[x=1,y=3]"],
                "digest": FILE.digest,
            }
        ],
        "part": [
            {
                "step": "a[x=2,y=3]",
                "output": "folder",
                "part": "inner/b.csv",
                "file": TREE.file,
                "run_id": runs["a[x=2,y=3]"],
                "digest": TREE.digest,
            }
        ],
        "tree": [
            {
                "step": "a[x=1,y=4]",
                "output": "folder",
                "file": TREE.file,
                "run_id": runs["a[x=1,y=4]"],
                "digest": TREE.digest,
            }
        ],
        "fan": [
            {"step": step, "output": "o", "file": FILE.file, "run_id": runs[step], "digest": FILE.digest}
            for step in ("a[x=1,y=3]", "a[x=1,y=4]")
        ],
        "file": {"external": "data.csv", "digest": table.digest, "bytes": 0},
    }
