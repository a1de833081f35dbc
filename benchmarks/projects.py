"""Projects to measure with: pipelines of any length, and stores in which all their steps are complete.

    python benchmarks/projects.py FOLDER --steps 1000 [--shape mixed|chain|fan] [--complete] [--others 100000]

The store is MLflow's own, empty; its rows are then written by SQL, for 10,000 runs through the client take an
hour. The tags are those that pipespec writes, the keys those of its planner: what reads them sees no difference.
"""

from __future__ import annotations

import argparse
import hashlib
import sqlite3
import uuid
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

__all__ = ["write_pipeline"]

FUNCTIONS = 20
CONTENT = b'{"v": 1}'
READ = {f"data/part{number}.txt": f"part {number}".encode() for number in range(5)}
"""Files that each run read by itself, as its witness says."""


def write_pipeline(folder: Path, steps: int, shape: str = "mixed", seconds: float = 0.0) -> Path:
    """Write a project; `mixed` has chains of three, `chain` one of all steps, `fan` many that read the first one."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in READ.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    (folder / "pyproject.toml").write_text('[project]\nname = "measured"\nversion = "0"\n')
    pause = f"    time.sleep({seconds})\n" if seconds else ""
    functions = (
        f"def f{i}(a: int, b: str, up: dict | None = None) -> dict:\n"
        f'    """Do nearly nothing."""\n{pause}    return {{"v": a + {i}}}\n'
        for i in range(FUNCTIONS)
    )
    (folder / "steps.py").write_text("\n\n".join(["import time\n" if seconds else "", *functions]).lstrip())
    file = folder / "pipeline.yaml"
    file.write_text("\n".join(["pipespec: 1", "name: measured", "steps:", *_steps(steps, shape)]) + "\n")
    return file


def _steps(count: int, shape: str) -> Iterator[str]:
    for i in range(count):
        yield f"  s{i}:\n    call: steps:f{i % FUNCTIONS}"
        if i and (shape == "chain" or (shape == "mixed" and i % 3)):
            yield f"    inputs: {{up: s{i - 1}.out}}"
        elif i and shape == "fan":
            yield "    inputs: {up: s0.out}"
        yield f'    params: {{a: {i}, b: "x{i}"}}\n    outputs: {{out: out.json}}'


def complete(file: Path) -> None:
    """Write a finished run of each step into the project's store."""
    from pipespec.api import load
    from pipespec.operations.planning.gather_facts import gather_facts
    from pipespec.plan.planner import decide, needed
    from pipespec.plan.records import OutputRecord, StepRecord

    spec = load(file).spec
    modules = load(file).source.modules
    order = needed(spec)
    facts = gather_facts(spec, [spec.steps[step] for step in order], modules, results={})
    output = OutputRecord(hashlib.sha256(CONTENT).hexdigest(), len(CONTENT), 1, "out.json")
    records: dict[str, StepRecord] = {}
    for step in order:
        key = decide(spec.steps[step], facts, _Nothing(), records).key
        records[step] = StepRecord(
            uuid.uuid4().hex, step, key.hex, {"out": output}, 0, 1.7e9, 1.7e9 + 1, "", {}
        )
    store = _open_store(file.parent)
    with store:
        _write_runs(store, "measured", records.values(), file.parent / "mlartifacts")
    store.close()


def add_history(folder: Path, runs: int) -> None:
    """Write runs of one step of the pipeline into its store, each of which read what the run before it made, with a param and a metric."""
    from pipespec.plan.records import OutputRecord, StepRecord

    ids = [uuid.uuid4().hex for _ in range(runs)]
    records = (
        StepRecord(
            ids[i],
            "s0",
            _digest(f"key of {ids[i]}"),
            {"out": OutputRecord(_digest(ids[i]), len(CONTENT), 1, "out.json")},
            0,
            1.6e9 + i,
            1.6e9 + i,
            "",
            {},
        )
        for i in range(runs)
    )
    before = dict(zip(ids[1:], ids, strict=False))
    store = _open_store(folder)
    with store:
        _write_runs(store, "measured", records, None, before)
        for i, run_id in enumerate(ids):
            store.execute("INSERT INTO params VALUES ('a', ?, ?)", (str(i), run_id))
            store.execute("INSERT INTO latest_metrics VALUES ('accuracy', ?, 0, 0, 0, ?)", (i / runs, run_id))
    store.close()
    (folder / "last.txt").write_text(ids[-1])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def add_others(folder: Path, runs: int) -> None:
    """Write runs of other pipelines into the project's store, as large as ours, in 200 experiments."""
    from pipespec.plan.records import OutputRecord, StepRecord

    output = OutputRecord(hashlib.sha256(CONTENT).hexdigest(), len(CONTENT), 1, "out.json")
    keys = (hashlib.sha256(str(i).encode()).hexdigest() for i in range(runs))
    records = (
        StepRecord(uuid.uuid4().hex, f"t{i % 200}", key, {"out": output}, 0, 1.6e9 + i, 1.6e9 + i, "", {})
        for i, key in enumerate(keys)
    )
    store = _open_store(folder)
    with store:
        _write_runs(store, "others", records, None)
    store.close()


class _Nothing:
    """Records that have nothing complete."""

    def complete(self, _keys):
        return {}

    def lost(self, _keys):
        return {}

    def broken(self, _keys):
        return {}

    def finished_before(self, _steps):
        return frozenset()


def _open_store(folder: Path) -> sqlite3.Connection:
    from pipespec.tracking.writing.recorder import Recorder

    Recorder.open("sqlite:///mlflow.db", root=folder).close()
    return sqlite3.connect(folder / "mlflow.db")


def _write_runs(
    store: sqlite3.Connection,
    pipeline: str,
    records: Iterable,
    artifacts: Path | None,
    before: Mapping[str, str] | None = None,
) -> None:
    from pipespec.plan.witness import Touched, Trace, Witness
    from pipespec.tracking import record_names
    from pipespec.tracking.started_run import NewAttempt
    from pipespec.tracking.writing.run_tags import attempt_tags, publication_tags

    touched = [
        Touched(name, Trace.FILE, hashlib.sha256(content).hexdigest()) for name, content in READ.items()
    ]
    witness = Witness(tuple(touched))
    experiments: dict[str, int] = {}
    first = store.execute("SELECT max(experiment_id) + 1 FROM experiments").fetchone()[0]
    for record in records:
        name = f"{pipeline}/{record.step}"
        if name not in experiments:
            experiments[name] = first + len(experiments)
            place = f"{artifacts}/{record.step}" if artifacts else f"/nowhere/{record.step}"
            store.execute(
                "INSERT INTO experiments VALUES (?, ?, ?, 'active', 0, 0, 'default')",
                (experiments[name], name, f"file://{place}"),
            )
        folder = f"{artifacts or '/nowhere'}/{record.step}/{record.run_id}/artifacts"
        store.execute(
            "INSERT INTO runs VALUES (?, ?, 'UNKNOWN', '', '', 'me', 'FINISHED', ?, ?, '', 'active', ?, ?, NULL)",
            (
                record.run_id,
                record.step,
                int(record.started * 1e3),
                int(record.ended * 1e3),
                f"file://{folder}",
                experiments[name],
            ),
        )
        new = NewAttempt(pipeline, record.step, "steps:f", name, record.key, source="pipeline.yaml")
        tags = attempt_tags(new, owner="{}", user="me", when="2026-01-31 12:00:00", in_experiment=False)
        tags = {tag: value for tag, value in tags.items() if ".claim." not in tag}
        read = (before or {}).get(record.run_id)
        inputs = {"up": {"run_id": read, "output": "out", "digest": _digest(read)}} if read else {}
        tags |= publication_tags(
            record.key, 0, record.outputs, hashlib.sha256(b"{}").hexdigest(), witness=witness, inputs=inputs
        )
        store.executemany(
            "INSERT INTO tags VALUES (?, ?, ?)",
            [(record_names.stored(tag), value, record.run_id) for tag, value in tags.items()],
        )
        metrics = [("pipespec.seconds", 0.1), ("pipespec.peak_bytes", 2.3e7)]
        store.executemany(
            "INSERT INTO latest_metrics VALUES (?, ?, 0, 0, 0, ?)",
            [(*metric, record.run_id) for metric in metrics],
        )
        if artifacts:
            Path(folder, "pipespec").mkdir(parents=True)
            Path(folder, "pipespec", "step.json").write_text("{}")
            Path(folder, "out.json").write_bytes(CONTENT)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--shape", choices=["mixed", "chain", "fan"], default="mixed")
    parser.add_argument("--complete", action="store_true")
    parser.add_argument("--others", type=int, default=0)
    parser.add_argument("--history", type=int, default=0)
    asked = parser.parse_args()
    file = write_pipeline(asked.folder.absolute(), asked.steps, asked.shape)
    if asked.complete:
        complete(file)
    if asked.others:
        add_others(file.parent, asked.others)
    if asked.history:
        add_history(file.parent, asked.history)


if __name__ == "__main__":
    main()
