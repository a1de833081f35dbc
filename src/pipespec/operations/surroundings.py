"""What an invocation's run in MLflow tells beside its steps: packages, git state, command line.

Takes a pipeline and what is told of it; gives a `NewInvocation`. Secrets and passwords stand in none of it.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from typing import Final

from pipespec.document.nodes import JSON
from pipespec.document.passwords import without_passwords
from pipespec.project.git import git_facts
from pipespec.project.packages import installed_packages, package_versions
from pipespec.spec.model import PipelineSpec
from pipespec.tracking.model import NewInvocation

__all__ = ["PACKAGES", "PATCH", "about", "new_invocation"]

PACKAGES: Final = "pipespec/packages.txt"
PATCH: Final = "pipespec/git.patch"


def about() -> dict[str, JSON]:
    """Return what each step's manifest says of its surroundings: Python's version, and that of pipespec or its runtime."""
    ours = __name__.partition(".")[0].replace("_", "-")
    return {"python": platform.python_version(), "pipespec": package_versions({ours})[ours]}


def new_invocation(
    spec: PipelineSpec, *, command: str, source: str, files: Mapping[str, str], tags: Mapping[str, str]
) -> NewInvocation:
    """Say what makes a run repeatable; `files` say what was run, `source` names the pipeline's file."""
    git = git_facts(spec.root, with_patch=True)
    packages = "".join(f"{name}=={version}\n" for name, version in sorted(installed_packages().items()))
    command = without_passwords(command)
    told = {**files, PACKAGES: packages, "pipespec/command.txt": command + "\n"}
    if git is not None and git.patch:
        told[PATCH] = git.patch
    return NewInvocation(
        pipeline=spec.name,
        command=command,
        files=told,
        tags={**spec.mlflow.tags, **tags},
        description=spec.description,
        source=source,
        git_commit=None if git is None else git.commit,
    )
