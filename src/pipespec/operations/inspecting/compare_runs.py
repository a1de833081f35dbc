"""`compare`: the newest runs of a step, the invocations of a pipeline, the points of a sweep, or named runs.

Takes an open session and words. Returns a `RunComparison`. The number of requests to the store does not depend on the
number of runs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from pipespec.document.nodes import JSON
from pipespec.engine.final_metrics import final_metrics
from pipespec.errors import UsageError
from pipespec.frozen_values import frozen
from pipespec.operations.inspecting.baselines import Subject, find_baseline, marked_baseline
from pipespec.operations.planning.named_run import find_run, is_run, require_ours
from pipespec.operations.planning.open_store import store_name
from pipespec.operations.planning.pipeline_session import PipelineSession
from pipespec.plan.records import duration, own_metrics
from pipespec.plan.run_comparison import ComparedRun, DeltaBounds, RunComparison, deltas_to_judge
from pipespec.plan.step_selection import select
from pipespec.spec.pipeline_spec import StepSpec
from pipespec.tracking import record_names
from pipespec.tracking.artifacts import read
from pipespec.tracking.run_facts import RunFacts

__all__ = ["bounds_of_all", "compare_runs", "compared_run"]

_LOOKED_AT: Final = 20
"""Number of runs that are read for each run that is shown, if only some variants are requested."""


@frozen
class _Found:
    """Runs of one subject, with the bounds for their metrics."""

    subject: Subject
    runs: tuple[ComparedRun, ...]
    checks: Mapping[str, DeltaBounds]


def compare_runs(
    session: PipelineSession,
    words: Sequence[str],
    *,
    baseline: str | None = None,
    latest: int = 10,
    points: bool = False,
    bounds: Mapping[str, DeltaBounds] | None = None,
) -> RunComparison:
    """Compare the `latest` runs of a step, or of invocations if no step is given, or the runs named by `run:ID`.

    With `points`, those of the newest sweep, or of the invocation that is named. `bounds` override those of the spec.

    Raises:
        UsageError: for words that mean nothing, and a baseline that does not exist.
        StoreUnavailableError: if the store cannot be read.
    """
    found = _found(session, words, latest, points=points)
    if not found.runs:
        raise UsageError(f"there are no {found.subject}; run it first")
    base: RunFacts | None
    if baseline is not None:
        base = find_baseline(baseline, found.subject, session.ledger, session.spec.root)
    else:
        base = marked_baseline(found.subject, session.ledger)
    asked = bounds or {}
    judged = deltas_to_judge(found.checks, asked)
    if asked and base is None:
        raise UsageError(
            f"there is no baseline of {found.subject} to judge by; name one with '--baseline', or set one with"
            " 'pipespec baseline set RUN'"
        )
    made = RunComparison(
        str(found.subject) if not points else f"points of a sweep of pipeline '{found.subject.pipeline}'",
        found.runs,
        store_name(session.spec.mlflow.tracking_uri, session.spec.root),
        None if base is None else compared_run(base),
        judged,
    )
    _require_metrics(made, asked)
    return replace(made, notes=tuple(_notes(made)))


def _require_metrics(found: RunComparison, asked: Mapping[str, DeltaBounds]) -> None:
    missing = [name for name in deltas_to_judge({}, asked) if name not in found.metrics]
    if missing:
        known = ", ".join(f"'{name}'" for name in found.metrics) or "none"
        raise UsageError(f"no run has a metric '{missing[0]}'; there are: {known}")


def _notes(found: RunComparison) -> Iterable[str]:
    if found.bounds and found.baseline is None:
        yield (
            "no baseline is set, so min_delta and max_delta of 'checks' are not judged; set one with"
            " 'pipespec baseline set RUN'"
        )
    elif found.baseline is not None:
        for name in found.bounds:
            if name not in found.baseline.metrics:
                yield f"the baseline has no metric '{name}', so its bounds are not judged"


def _found(session: PipelineSession, words: Sequence[str], latest: int, *, points: bool) -> _Found:
    named = [word for word in words if is_run(word)]
    if named and len(named) < len(words):
        raise UsageError("steps and runs cannot be compared with each other; name only one of both")
    if points:
        return _points(session, words)
    if named:
        return _named(session, named)
    if words:
        return _of_steps(session, words, latest)
    subject = Subject(session.spec.name)
    runs = session.ledger.invocations(subject.pipeline, latest)
    return _Found(subject, tuple(map(compared_run, runs)), bounds_of_all(session.spec.steps.values()))


def _named(session: PipelineSession, words: Sequence[str]) -> _Found:
    runs = [find_run(word, session.ledger) for word in words]
    for run in runs:
        require_ours(run)
    subject = Subject.of(runs[0])
    steps = [step for step in session.spec.steps.values() if step.name == subject.step]
    checks = bounds_of_all(session.spec.steps.values()) if subject.step is None else _checks(steps)
    return _Found(subject, tuple(map(compared_run, runs)), checks)


def _of_steps(session: PipelineSession, words: Sequence[str], latest: int) -> _Found:
    spec = session.spec
    steps = [spec.steps[step] for step in select(spec, words)]
    names = list(dict.fromkeys(step.name for step in steps))
    if len(names) != 1:
        raise UsageError(
            f"'{' '.join(words)}' means {len(names)} steps: {', '.join(names[:5])}; runs of one step at a time are compared"
        )
    everything = [step.id for step in spec.steps.values() if step.name == names[0]]
    is_all = len(steps) == len(everything) or any(step.deferred for step in steps)
    read = session.ledger.step_runs(names[0], spec.name, latest if is_all else latest * _LOOKED_AT)
    wanted = {step.id for step in steps}
    runs = read if is_all else [run for run in read if run.tags.get(record_names.STEP) in wanted][:latest]
    return _Found(Subject(spec.name, names[0]), tuple(map(compared_run, runs)), _checks(steps))


def _points(session: PipelineSession, words: Sequence[str]) -> _Found:
    """Return the points of a sweep as runs: its values as params, with the metrics of its last steps."""
    ledger, subject = session.ledger, Subject(session.spec.name)
    if len(words) > 1 or (words and not is_run(words[0])):
        raise UsageError("--points takes at most one invocation, written as run:ID")
    candidates = [find_run(words[0], ledger)] if words else ledger.invocations(subject.pipeline, 100)
    sweep = next((run for run in candidates if _is_sweep(run)), None)
    if sweep is None:
        what = f"run {candidates[0].run_id[:8]} is no sweep" if words else "no invocation of it is a sweep"
        raise UsageError(f"pipeline '{subject.pipeline}' has no points: {what}; see 'pipespec run --sweep'")
    places = _places(_artifact(session, sweep, record_names.SWEEP_FILE))
    run_of = _runs_of(_artifact(session, sweep, record_names.RUN_FILE))
    if not places or not run_of:
        raise UsageError(f"what run {sweep.run_id[:8]} kept of its points no longer exists in MLflow")
    facts = ledger.runs(list(run_of.values()))
    runs = (
        _point(sweep, at, {own: facts.get(run_of.get(whole, "")) for own, whole in place.items()})
        for at, place in places
    )
    return _Found(subject, tuple(runs), bounds_of_all(session.spec.steps.values()))


def _places(kept: Mapping[str, JSON]) -> list[tuple[dict[str, JSON], dict[str, JSON]]]:
    """Return the coordinates of each point, and its steps: the id of each at the point and in the merged pipeline."""
    told = kept.get("points")
    found = (
        [(one.get("point"), one.get("steps")) for one in told if isinstance(one, dict)]
        if isinstance(told, list)
        else []
    )
    return [(at, place) for at, place in found if isinstance(at, dict) and isinstance(place, dict)]


def _runs_of(kept: Mapping[str, JSON]) -> dict[JSON, str]:
    """Return the run of each step of an invocation that has one."""
    told = kept.get("steps")
    found = [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []
    return {str(one.get("step")): str(one["run_id"]) for one in found if one.get("run_id")}


def _point(sweep: RunFacts, at: Mapping[str, JSON], steps: Mapping[str, RunFacts | None]) -> ComparedRun:
    made = {own: run.metrics for own, run in steps.items() if run is not None}
    params = {name.removeprefix("params."): str(value) for name, value in at.items()}
    label = " ".join(f"{name}={value}" for name, value in params.items())
    state = "FINISHED" if len(made) == len(steps) else "FAILED"
    return replace(compared_run(sweep), label=label, params=params, metrics=final_metrics(made), status=state)


def _is_sweep(run: RunFacts) -> bool:
    return any(tag.startswith(record_names.SWEEP) for tag in run.tags)


def _artifact(session: PipelineSession, run: RunFacts, name: str) -> Mapping[str, JSON]:
    try:
        content = json.loads(read(run.artifact_uri, name, session.ledger.tracking_uri))
    except (FileNotFoundError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def compared_run(run: RunFacts) -> ComparedRun:
    """Return what is compared of a run."""
    metrics = own_metrics(run.metrics)
    if run.ended is not None:
        metrics["seconds"] = duration(run.metrics, run.started, run.ended)
    step = run.tags.get(record_names.STEP, "")
    return ComparedRun(
        run.run_id,
        run.tags.get("mlflow.runName", ""),
        step.removeprefix(record_names.declared(step)),
        run.status,
        run.started,
        run.ended,
        run.own_params,
        metrics,
        run.experiment_id,
        run.tags.get("mlflow.source.git.commit", ""),
    )


def _checks(steps: Iterable[StepSpec]) -> Mapping[str, DeltaBounds]:
    return {
        name: DeltaBounds(bounds.least_delta, bounds.most_delta)
        for step in steps
        for name, bounds in step.checks.items()
    }


def bounds_of_all(steps: Iterable[StepSpec]) -> Mapping[str, DeltaBounds]:
    """Return the bounds of some steps, by the names that metrics have in an invocation's run."""
    named: dict[str, list[tuple[str, DeltaBounds]]] = {}
    for step in steps:
        for name, bounds in _checks((step,)).items():
            named.setdefault(name, []).append((step.id, bounds))
    return {
        name if len(found) == 1 else f"{step}.{name}": bounds
        for name, found in named.items()
        for step, bounds in found
    }
