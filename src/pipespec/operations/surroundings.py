"""What makes a run repeatable: the resolved document, packages, git state and command line, as its invocation keeps them.

Takes a compiled pipeline and a command line; gives what the tracking store is told of the invocation. Gathering it takes
up to a second: it is asked for when a step executes, or for a report.
"""

from __future__ import annotations

from typing import Final

from pipespec.document.passwords import hide_passwords, without_passwords
from pipespec.operations.compile import Compiled
from pipespec.operations.sweep import Sweep
from pipespec.project.git import git_facts
from pipespec.project.packages import installed_packages
from pipespec.spec.model import PipelineSpec
from pipespec.tracking.model import NewInvocation
from pipespec.views.document import to_yaml
from pipespec.views.relocation import relocated

__all__ = ["PACKAGES", "PATCH", "new_invocation"]

PACKAGES: Final = "pipespec/packages.txt"
PATCH: Final = "pipespec/git.patch"


def new_invocation(compiled: Compiled | Sweep, spec: PipelineSpec, command: str) -> NewInvocation:
    """Say what is recorded of an invocation. Secrets stand in none of it: the document holds only their names."""
    first = compiled.points[0][1] if isinstance(compiled, Sweep) else compiled
    git = git_facts(spec.root, with_patch=True)
    packages = "".join(f"{name}=={version}\n" for name, version in sorted(installed_packages().items()))
    command = without_passwords(command)
    files = {
        "pipespec/pipeline.yaml": to_yaml(hide_passwords(relocated(spec.document, first.place.folders))),
        PACKAGES: packages,
        "pipespec/command.txt": command + "\n",
    }
    tags = dict(spec.mlflow.tags)
    if isinstance(compiled, Sweep):
        files |= compiled.files
        tags |= {name: without_passwords(values) for name, values in compiled.tags.items()}
    if git is not None and git.patch:
        files[PATCH] = git.patch
    return NewInvocation(
        pipeline=spec.name,
        command=command,
        files=files,
        tags=tags,
        description=spec.description,
        source=compiled.name,
        git_commit=None if git is None else git.commit,
    )
