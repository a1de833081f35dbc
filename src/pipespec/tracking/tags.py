"""Which tags a run of ours bears: at its start, and when its result is published. Pure; values fit MLflow's limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pipespec.plan.model import OutputRecord
from pipespec.tracking import names
from pipespec.tracking.model import NewAttempt, NewInvocation
from pipespec.tracking.records import encode_outputs

__all__ = ["attempt_tags", "invocation_tags", "publication_tags"]

_MOST_LISTS: Final = 50


def attempt_tags(new: NewAttempt, *, owner: str, user: str, in_experiment: bool) -> dict[str, str]:
    """Return the tags of a step's run from its start: all but its key, so that a dead run never looks complete.

    `in_experiment` is true where the invocation's run is in the same experiment; only there MLflow's page
    shows one below the other.
    """
    ours = {
        **_ownership(new.pipeline, owner),
        names.STEP: new.step,
        names.name_tag(names.declared(new.step)): "1",
        names.CALL: new.call,
    }
    if new.invocation is not None:
        ours[names.INVOCATION] = new.invocation
        if in_experiment:
            ours["mlflow.parentRunId"] = new.invocation
    if new.key is not None:
        ours[names.claim_tag(new.key)] = "1"
    shown = _shown(names.cut(new.step, names.NAME_LENGTH), new.source, user, new.git_commit, new.description)
    return _fitted({**new.tags, **shown, **ours})


def invocation_tags(new: NewInvocation, *, owner: str, user: str) -> dict[str, str]:
    """Return the tags of an invocation's run."""
    ours = {**_ownership(new.pipeline, owner), names.COMMAND: new.command}
    shown = _shown(new.pipeline, new.source, user, new.git_commit, new.description)
    return _fitted({**new.tags, **shown, **ours})


def publication_tags(
    key: str | None,
    generation: int,
    outputs: Mapping[str, OutputRecord],
    manifest_digest: str,
    values: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return the tags that make a run's result count, once it is FINISHED.

    Outputs whose JSON would pass MLflow's limit are left to the manifest, never cut. `values` has the text of
    outputs that are short lists; those beyond the first 50 are left out, as a batch holds 100 tags.
    """
    tags = {names.GENERATION: str(generation), names.MANIFEST: manifest_digest}
    tags |= {names.values_tag(output): text for output, text in [*(values or {}).items()][:_MOST_LISTS]}
    told = encode_outputs(outputs)
    if len(told) <= names.TAG_LENGTH:
        tags[names.OUTPUTS] = told
    if key is not None:
        tags |= {names.KEY: key, names.key_tag(key): "1"}
    return tags


def _ownership(pipeline: str, owner: str) -> dict[str, str]:
    return {names.PIPELINE: pipeline, names.OWNER: owner, names.LEASE: "0"}


def _shown(
    run_name: str, source: str, user: str, git_commit: str | None, description: str | None
) -> dict[str, str]:
    shown = {"mlflow.runName": run_name, "mlflow.source.type": "LOCAL", "mlflow.user": user}
    if source:
        shown["mlflow.source.name"] = source
    if git_commit:
        shown["mlflow.source.git.commit"] = git_commit
    if description:
        shown["mlflow.note.content"] = description
    return shown


def _fitted(tags: Mapping[str, str]) -> dict[str, str]:
    # In reverse, so that of two names that come to be one, the later, which is ours, stays.
    fitted: dict[str, str] = {}
    for name, value in [*tags.items()][::-1]:
        fitted.setdefault(names.fit_name(name), names.fit_tag(value))
    return fitted
