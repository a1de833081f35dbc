"""What an invocation's run in MLflow tells beside its steps: packages, git state, command line.

Takes a pipeline and what is told of it; gives a `NewInvocation`. Secrets and passwords stand in none of it.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from typing import Final

from pipespec.document.nodes import JSON
from pipespec.document.password_masking import without_passwords
from pipespec.project.git_state import git_facts
from pipespec.project.installed_packages import installed_packages, package_versions
from pipespec.spec.pipeline_spec import PipelineSpec
from pipespec.tracking.params_of_steps import params_of_steps
from pipespec.tracking.record_names import dotted_params
from pipespec.tracking.started_run import NewInvocation

__all__ = ["PACKAGES", "PATCH", "about", "new_invocation"]

PACKAGES: Final = "pipespec/packages.txt"
PATCH: Final = "pipespec/git.patch"


def about() -> dict[str, JSON]:
    """Return what each step's manifest says of its surroundings: Python's version, and that of pipespec or its runtime."""
    ours = __name__.partition(".")[0].replace("_", "-")
    return {"python": platform.python_version(), "pipespec": package_versions({ours})[ours]}


def new_invocation(
    spec: PipelineSpec,
    *,
    command: str,
    source: str,
    files: Mapping[str, str],
    tags: Mapping[str, str],
    params: Mapping[str, str] | None = None,
    label: str = "",
    swept: str = "",
) -> NewInvocation:
    """Say what makes a run repeatable; `files` say what was run, `source` names the pipeline's file.

    `params` are those of the pipeline as MLflow has them, `label` and `swept` tell this invocation from others.
    """
    git = git_facts(spec.root, with_patch=True)
    packages = "".join(f"{name}=={version}\n" for name, version in sorted(installed_packages().items()))
    command = without_passwords(command)
    told = {**files, PACKAGES: packages, "pipespec/command.txt": command + "\n"}
    if git is not None and git.patch:
        told[PATCH] = f"{git.patch}\n... cut after 1 MiB\n" if git.is_cut else git.patch
    return NewInvocation(
        pipeline=spec.name,
        command=command,
        files=told,
        params=_params(spec, params or {}),
        tags={**spec.mlflow.tags, **tags},
        description=spec.description,
        label=label,
        swept=swept,
        source=source,
        git_commit=None if git is None else git.commit,
    )


def _params(spec: PipelineSpec, own: Mapping[str, str]) -> Mapping[str, str]:
    """Return the pipeline's params and, by step, those that steps have beside them; passwords stand in none."""
    of_steps = params_of_steps((step.id, dotted_params(step.param_values)) for step in spec.steps.values())
    beside = {
        name: value
        for name, value in of_steps.items()
        if not _is_same(value, own.get(name.partition(".")[2]))
    }
    return {name: without_passwords(value) for name, value in {**beside, **own}.items()}


def _is_same(value: str, of_pipeline: str | None) -> bool:
    """Say whether a step's param is the pipeline's of the same name; the values of a sweep are listed with or without blanks."""
    return of_pipeline is not None and value.replace(", ", ",") == of_pipeline.replace(", ", ",")
