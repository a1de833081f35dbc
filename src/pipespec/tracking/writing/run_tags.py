"""The tags of a run of ours: at its start, and when its result is published. Pure; values fit MLflow's limits."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Final

from pipespec.document.nodes import JSON
from pipespec.errors import UsageError
from pipespec.plan.records import OutputRecord
from pipespec.plan.witness import NO_WITNESS, Witness, encode_witness
from pipespec.tracking import record_names
from pipespec.tracking.read_inputs import encode_inputs
from pipespec.tracking.run_facts import encode_outputs
from pipespec.tracking.started_run import NewAttempt, NewInvocation
from pipespec.tracking.writing.store_writer import NOTE

__all__ = [
    "CONTEXT",
    "attempt_tags",
    "context_tags",
    "invocation_tags",
    "pipeline_note",
    "publication_tags",
    "step_note",
]

CONTEXT: Final = "MLFLOW_RUN_CONTEXT"
"""The variable with which a system that starts pipespec, such as a cluster, makes MLflow tag all runs: a mapping in JSON."""

_MOST_LISTS: Final = 50
_LABEL_LENGTH: Final = 80


def context_tags(text: str) -> dict[str, str]:
    """Return the tags that the text of `MLFLOW_RUN_CONTEXT` requests for every run.

    Raises:
        UsageError: if it is not a mapping of texts.
    """
    try:
        tags = json.loads(text) if text else {}
    except ValueError:
        tags = None
    if not isinstance(tags, dict) or not all(isinstance(value, str) for value in tags.values()):
        raise UsageError(
            f'{CONTEXT} is not a JSON mapping of tags, such as {{"cluster": "a1"}}; correct or unset it'
        )
    return tags


def attempt_tags(new: NewAttempt, *, owner: str, user: str, when: str, in_experiment: bool) -> dict[str, str]:
    """Return the tags of a step's run from its start: all but its key, so that a dead run never looks complete.

    `in_experiment` is true where the invocation's run is in the same experiment; only there MLflow's page
    shows one below the other. `when` is the time as the run's name tells it.
    """
    ours = {
        **_ownership(new.pipeline, owner),
        record_names.STEP: new.step,
        record_names.name_tag(record_names.declared(new.step)): "1",
        record_names.CALL: new.call,
    }
    if new.invocation is not None:
        ours[record_names.INVOCATION] = new.invocation
        if in_experiment:
            ours["mlflow.parentRunId"] = new.invocation
    if new.key is not None:
        ours[record_names.key_tag(new.key)] = "1"
    shown = _shown(_run_name(new.step, new.label, when), user, new)
    return _fitted({**new.tags, **shown, **ours})


def invocation_tags(new: NewInvocation, *, owner: str, user: str, when: str) -> dict[str, str]:
    """Return the tags of an invocation's run."""
    ours = {**_ownership(new.pipeline, owner), record_names.COMMAND: new.command}
    shown = _shown(_run_name(new.pipeline, f"{new.label} {new.swept}".strip(), when), user, new)
    return _fitted({**new.tags, **shown, **ours})


def step_note(new: NewAttempt) -> str:
    """Return the description of an experiment that the first run of a step creates, in Markdown."""
    own = record_names.declared(new.step)
    if new.experiment != f"{new.pipeline}/{own}":
        return f"Runs of steps of the pipeline `{new.pipeline}`."
    said = f" {new.description}" if new.description else ""
    return record_names.fit_tag(f"Runs of the step `{own}` of the pipeline `{new.pipeline}`.{said}")


def pipeline_note(new: NewInvocation) -> str:
    """Return the description of the experiment with a pipeline's invocations, in Markdown."""
    said = f" {new.description}" if new.description else ""
    return record_names.fit_tag(
        f"Invocations of the pipeline `{new.pipeline}`: a run for each `pipespec run`, with the params that were set and the "
        f"metrics of the result.{said}"
    )


def _run_name(what: str, label: str, when: str) -> str:
    rest = f"{f' {record_names.cut(label, _LABEL_LENGTH)}' if label else ''} {when}"
    return f"{record_names.cut(what, record_names.NAME_LENGTH - len(rest))}{rest}"


def publication_tags(
    key: str | None,
    generation: int,
    outputs: Mapping[str, OutputRecord],
    manifest_digest: str,
    values: Mapping[str, str] | None = None,
    witness: Witness = NO_WITNESS,
    *,
    inputs: JSON = None,
    upstream: Iterable[str] = (),
) -> dict[str, str]:
    """Return the tags that make a run's result count, once it is FINISHED.

    Outputs whose JSON would exceed MLflow's limit are only in the manifest, never cut. `values` contains the text of
    outputs that are short lists. Those after the first 50 are left out, because a batch contains at most 100 tags. A
    run that used nothing beyond its key has no tag for it. `inputs` are from the manifest. `upstream` are names of
    params of other steps that the run contains; the tag names their steps.
    """
    tags = {record_names.GENERATION: str(generation), record_names.MANIFEST: manifest_digest}
    tags |= {
        record_names.values_tag(output): text for output, text in [*(values or {}).items()][:_MOST_LISTS]
    }
    told = encode_outputs(outputs)
    if len(told) <= record_names.TAG_LENGTH:
        tags[record_names.OUTPUTS] = told
    if (read := encode_inputs(inputs)) is not None:
        tags[record_names.INPUTS] = read
    if upstream:
        steps = dict.fromkeys(name.partition(".")[0] for name in upstream)
        tags[record_names.UPSTREAM] = record_names.fit_tag(", ".join(steps))
    if witness.touched:
        tags[record_names.WITNESS] = encode_witness(witness, record_names.TAG_LENGTH)
    if key is not None:
        tags |= {record_names.KEY: key, record_names.key_tag(key): "1"}
    return {record_names.stored(name): value for name, value in tags.items()}


def _ownership(pipeline: str, owner: str) -> dict[str, str]:
    return {record_names.PIPELINE: pipeline, record_names.OWNER: owner, record_names.LEASE: "0"}


def _shown(run_name: str, user: str, new: NewAttempt | NewInvocation) -> dict[str, str]:
    shown = {
        "mlflow.source.name": new.source,
        "mlflow.source.git.commit": new.git_commit,
        "mlflow.source.git.branch": new.git_branch,
        "mlflow.source.git.repoURL": new.git_remote,
        NOTE: new.description,
    }
    told = {name: value for name, value in shown.items() if value}
    return {"mlflow.runName": run_name, "mlflow.source.type": "LOCAL", "mlflow.user": user, **told}


def _fitted(tags: Mapping[str, str]) -> dict[str, str]:
    # In reverse, so that if two names become equal, the later tag, which is ours, stays.
    fitted: dict[str, str] = {}
    for name, value in [*tags.items()][::-1]:
        fitted.setdefault(record_names.fit_name(record_names.stored(name)), record_names.fit_tag(value))
    return fitted
