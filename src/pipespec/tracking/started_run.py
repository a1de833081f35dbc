"""What the recorder gets when a run starts, and what it returns: plain frozen values that can be pickled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from pipespec.document.nodes import JSON
from pipespec.frozen_values import frozen
from pipespec.plan.records import StepRecord
from pipespec.tracking.run_datasets import RunDataset

__all__ = ["NewAttempt", "NewInvocation", "PreparedResult", "StartedRun"]


@frozen
class NewAttempt:
    """What is known about an execution of a step before it starts."""

    pipeline: str
    step: str
    """The id with its variant."""
    call: str
    experiment: str
    key: str | None
    """64 hex digits; None for a step without identity."""
    params: Mapping[str, JSON] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    """From the spec: `mlflow.tags`, and `pipespec.tag.<word>` = 1 for each tag of the step."""
    description: str | None = None
    label: str = ""
    """A few words that distinguish the invocation from others: part of the run's name."""
    invocation: str | None = None
    """The run id of the invocation."""
    source: str = ""
    """The pipeline's file, for `mlflow.source.name`."""
    git_commit: str | None = None
    git_branch: str | None = None
    git_remote: str | None = None
    """The URL from which the repository was cloned, without a password."""


@frozen
class NewInvocation:
    """What is known about an invocation before its first step starts.

    `files` are stored as its artifacts: name (`pipespec/pipeline.yaml`, `pipespec/packages.txt`, `pipespec/git.patch`,
    ...) -> content. `command` is the command line with masked secrets.
    """

    pipeline: str
    command: str
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    """What was set, by names and values as in MLflow."""
    tags: Mapping[str, str] = field(default_factory=dict)
    description: str | None = None
    label: str = ""
    """A few words that distinguish it from other invocations: part of the names of its runs."""
    swept: str = ""
    """What its sweeps vary, in a few words: part of the name of its own run."""
    source: str = ""
    git_commit: str | None = None
    git_branch: str | None = None
    git_remote: str | None = None


@frozen
class StartedRun:
    """A run that was created and is RUNNING. `started` is in POSIX seconds.

    `artifact_uri` is where a worker puts the step's files. Pass it to `artifacts.upload`.
    """

    run_id: str
    experiment_id: str
    artifact_uri: str
    started: float
    step: str = ""
    key: str | None = None


@frozen
class PreparedResult:
    """A result whose files are all stored. `record` is how it will be read after `tags` and the run's end are written."""

    record: StepRecord
    tags: Mapping[str, str]
    params: Mapping[str, str] = field(default_factory=dict)
    """Those of the steps upstream."""
    datasets: tuple[RunDataset, ...] = ()
