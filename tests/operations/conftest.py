"""A project whose steps execute in this process, and whose records live in memory: a run takes milliseconds."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import textwrap
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from pipespec.document.nodes import plain
from pipespec.engine.manifest_entries import manifest_entries
from pipespec.engine.random_seed import seed_of
from pipespec.operations.compiling.compile_file import compile_file
from pipespec.operations.inspecting.past_runs import explain_step, with_known_causes
from pipespec.operations.inspecting.step_states import states
from pipespec.operations.planning.plan_waves import Planning, Result
from pipespec.plan.plan import Action
from pipespec.plan.planner import decide
from pipespec.plan.records import DeletedRun, OtherResult, OutputRecord
from pipespec.spec.pipeline_spec import DirInput, FileInput, FilesInput, PipelineInput, StepInput
from pipespec.step.step_job import Artifact
from pipespec.tracking import record_names
from pipespec.tracking.run_facts import RunFacts, attempt, complete_record, precedence


@dataclass
class MemoryLedger:
    """The twin of a ledger; `runs` are oldest first, `texts` what outputs hold by (run id, output)."""

    runs: list[RunFacts] = field(default_factory=list)
    outputs: dict[str, dict[str, OutputRecord]] = field(default_factory=dict)
    manifests: dict[str, dict] = field(default_factory=dict)
    texts: dict[tuple[str, str], str] = field(default_factory=dict)
    gone: dict[str, float | None] = field(default_factory=dict)
    tracking_uri: str = "memory://"

    def next_run_id(self):
        return f"{len(self.runs) + 1:08x}" * 4

    def publish(self, tags, texts, manifest, files):
        run_id, number = self.next_run_id(), len(self.runs) + 1
        self.runs.append(
            RunFacts(
                run_id=run_id,
                status="FINISHED",
                started=float(number),
                ended=number + 0.5,
                artifact_uri="",
                tags={**tags, record_names.MANIFEST: "kept"},
            )
        )
        self.outputs[run_id] = {
            name: OutputRecord(hashlib.sha256(text.encode()).hexdigest(), len(text), 1, files[name])
            for name, text in texts.items()
        }
        self.texts.update({(run_id, name): text for name, text in texts.items()})
        self.manifests[run_id] = manifest
        return self.record(self.runs[-1])

    def record(self, run):
        record = complete_record(run)
        return None if record is None else replace(record, outputs=self.outputs[run.run_id])

    def delete(self, run_id, when=None):
        self.gone[run_id] = when

    def complete(self, keys: Collection[str]):
        records = [record for run in self._alive() if (record := self.record(run)) is not None]
        found = {}
        for record in sorted((one for one in records if one.key in keys), key=precedence):
            found.setdefault(record.key, record)
        return found

    def lost(self, keys):
        return {}

    def broken(self, keys):
        return {}

    def finished_before(self, steps):
        return {record_names.declared(run.tags[record_names.STEP]) for run in self._alive()} & set(steps)

    def numbers(self, record, output, part):
        return {}

    def finished_runs(self, step, latest=100):
        found = [run for run in self._alive() if record_names.declared(run.tags[record_names.STEP]) == step]
        return tuple(reversed(found))[:latest]

    def finished_in(self, pipeline, latest=100):
        found = [run for run in self._alive() if run.tags[record_names.PIPELINE] == pipeline]
        return tuple(reversed(found))[:latest]

    def deleted(self, keys):
        return {
            run.tags[record_names.KEY]: DeletedRun(run.run_id, self.gone[run.run_id])
            for run in self.runs
            if run.run_id in self.gone and run.tags[record_names.KEY] in keys
        }

    def deleted_runs(self, run_ids):
        return {one: DeletedRun(one, self.gone[one]) for one in run_ids if one in self.gone}

    def attempts(self, steps, pipeline=None, *, finished=False):
        return {
            run.tags[record_names.STEP]: attempt(run)
            for run in self._alive()
            if run.tags[record_names.STEP] in steps
            and (run.status == "FINISHED" or not finished)
            and pipeline in (None, run.tags[record_names.PIPELINE])
        }

    def run(self, run_id):
        return next((run for run in self._alive() if run.run_id == run_id), None)

    def manifest(self, record):
        return self.manifests[record.run_id]

    def _alive(self):
        return [run for run in self.runs if run.run_id not in self.gone]


class Bench:
    """A project on the disk; `run` executes its steps here, each from freshly read source."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ledger = MemoryLedger()

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.folder / name).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
        self.write(name, text.replace(old, new))

    def planning(self, file="pipeline.yaml", ledger=None):
        compiled = compile_file(file, trusted=True)
        compiled.checked()
        known = ledger or self.ledger
        return Planning(compiled, known, known, read_results=self._results)

    def plan(self, file="pipeline.yaml", ledger=None):
        known = ledger or self.ledger
        return with_known_causes(self.planning(file, known).plan(), known)

    def explain(self, step, file="pipeline.yaml"):
        return explain_step(self.planning(file).plan(), step, self.ledger)

    def states(self, file="pipeline.yaml"):
        return {one.step: one.state for one in states(self.planning(file).plan(), self.ledger)}

    def told(self, step, file="pipeline.yaml"):
        """What a plan says of a step: the action and the reasons."""
        decision = self.plan(file).decisions[step]
        return str(decision.action), [reason.detail for reason in decision.reasons]

    def run(self, file="pipeline.yaml", *, ledger=None, forced=False):
        """Run all steps; gives the step ids that were executed, and what each step's outputs hold now."""
        known = ledger or self.ledger
        planning = self.planning(file, known)
        plan = planning.plan()
        executed, records, texts = set(), {}, {}
        while plan is not None:
            waiting = {step_id for step_id, planned in plan.decisions.items() if planned.step.deferred}
            for step_id, planned in plan.decisions.items():
                if waiting.intersection(plan.pipeline.upstream[step_id]):
                    waiting.add(step_id)
                if step_id in records or step_id in waiting:
                    continue
                above = {
                    one: records[one]
                    for spec in planned.step.inputs.values()
                    if isinstance(spec.source, StepInput)
                    for one in spec.source.producers
                }
                decision = decide(planned.step, plan.facts, known, above, forced=forced)
                record = decision.record
                if record is None:
                    executed.add(step_id)
                    record = self._execute(plan, decision, above, known)
                records[step_id] = record
                texts[step_id] = {name: known.texts[record.run_id, name] for name in record.outputs}
            plan = planning.next_wave(records)
        return executed, texts

    def _execute(self, plan, decision, above, ledger):
        step = decision.step
        arguments = {name: plain(node) for name, node in step.params.items()} | {
            argument: self._loaded(spec.source, plan, above, ledger) for argument, spec in step.inputs.items()
        }
        value = self._function(step.call)(**arguments)
        values = value if len(step.outputs) > 1 else dict.fromkeys(step.outputs, value)
        texts = {name: json.dumps(one, sort_keys=True) for name, one in values.items()}
        tags = {
            record_names.PIPELINE: plan.pipeline.name,
            record_names.STEP: step.id,
            record_names.CALL: str(step.call),
            record_names.KEY: decision.key.hex if decision.key is not None else "",
            **{record_names.values_tag(name): text for name, text in texts.items()},
        }
        manifest = json.loads(
            json.dumps(manifest_entries(plan, decision, above, {}, seed_of(decision, ledger.next_run_id())))
        )
        files = {name: output.file for name, output in step.outputs.items()}
        found = ledger.publish(tags, texts, manifest, files)
        if found is not None:
            return found
        run = ledger.runs[-1]
        with_key = replace(run, tags={**run.tags, record_names.KEY: "none"})
        return replace(complete_record(with_key), outputs=ledger.outputs[run.run_id])

    def _loaded(self, source, plan, above, ledger):
        match source:
            case StepInput():
                values = {
                    json.dumps(plan.pipeline.steps[one].variant): self._value(
                        above[one].run_id, source.output, ledger
                    )
                    for one in source.producers
                }
                return values if source.fan_in else next(iter(values.values()))
            case FileInput(path=path):
                return Path(path).read_text()
            case DirInput(path=path):
                return Path(path)
            case FilesInput():
                base = Path(source.pattern).parent
                return [file.read_text() for file in sorted(base.glob(Path(source.pattern).name))]
            case PipelineInput():
                result = plan.facts.results[source]
                return self._value(result.run_id, result.name, ledger)

    def _value(self, run_id, output, ledger):
        return json.loads(ledger.texts[run_id, output])

    def _function(self, call):
        """Import a module of the project from its source as it stands now, with what it imports in turn."""
        modules = {}

        def load(name):
            if name not in modules:
                file = self.folder / f"{name}.py"
                if not file.exists():
                    return __import__(name)
                modules[name] = module = type(json)(name)
                code = compile(file.read_text(), str(file), "exec")
                builtins = dict(vars(__import__("builtins")))
                builtins["__import__"] = lambda name, *_args, **_kw: load(name)
                module.__dict__["__builtins__"] = builtins
                exec(code, module.__dict__)
            return modules[name]

        return getattr(load(call.module), call.qualname)

    def _results(self, steps):
        found = {}
        for spec in (each for step in steps for each in step.inputs.values()):
            if isinstance(spec.source, PipelineInput):
                plan = self.planning(Path(spec.source.path).name).plan()
                decision = plan.decisions[spec.source.step]
                assert decision.action is Action.REUSE, "the other pipeline has to run first"
                name = spec.source.output or next(iter(decision.step.outputs))
                output = decision.record.outputs[name]
                result = OtherResult(output, decision.step.id, name, decision.record.run_id)
                found[spec.source] = Result(result, Artifact("", output.digest, output.file))
        return found


@pytest.fixture
def bench(tmp_path, monkeypatch) -> Bench:
    made = Bench(tmp_path / "project")
    made.write("pyproject.toml", '[project]\nname = "trial"\nversion = "0.1.0"\n')
    monkeypatch.chdir(made.folder)
    return made


@pytest.fixture(scope="session")
def bench_at(tmp_path_factory):
    """Make projects one after the other, each in a folder of its own, which is the working directory meanwhile."""

    @contextlib.contextmanager
    def make():
        made = Bench(tmp_path_factory.mktemp("random") / "project")
        made.write("pyproject.toml", '[project]\nname = "trial"\nversion = "0.1.0"\n')
        before = Path.cwd()
        os.chdir(made.folder)
        try:
            yield made
        finally:
            os.chdir(before)
            shutil.rmtree(made.folder.parent)

    return make
