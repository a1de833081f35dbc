"""What an invocation's run in MLflow contains besides its steps: the origin of its code, its values and its packages.

Takes a pipeline and what is known about it. Returns a `NewInvocation`, which contains no secrets or passwords.
"""

from __future__ import annotations

import os
import platform
import socket
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Final

from pipespec.document.nodes import JSON
from pipespec.document.password_masking import without_passwords, without_receivers
from pipespec.frozen_values import frozen
from pipespec.plan.provenance import GitProvenance, PatchProvenance, Provenance, render_provenance
from pipespec.project.git_state import ask_git, git_facts
from pipespec.project.installed_packages import frozen_packages, package_versions
from pipespec.project.uncommitted import PATCH_LIMIT, Uncommitted, uncommitted
from pipespec.spec.pipeline_spec import PipelineSpec
from pipespec.tracking.params_of_steps import params_of_steps
from pipespec.tracking.record_names import PACKAGES_FILE, PATCH_FILE, PROVENANCE_FILE, dotted_params
from pipespec.tracking.started_run import NewInvocation
from pipespec.tracking.writing.recorder import user_name

__all__ = ["PipelineOrigin", "about", "new_invocation"]

_CUT: Final = b"\n... cut after %d MiB\n" % (PATCH_LIMIT >> 20)


@frozen
class PipelineOrigin:
    """From what a pipeline was compiled: its layers, the values that they set, and the files that were read.

    `counted` has the content of these by absolute path. `clean` removes the values of secrets from content.
    """

    layers: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)
    counted: Mapping[str, bytes | None] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    clean: Callable[[bytes], bytes] = bytes
    is_sweep: bool = False

    def shown(self, text: str) -> str:
        """Return a text without secrets and passwords."""
        cleaned = self.clean(text.encode("utf-8", "replace")).decode("utf-8", "replace")
        return without_receivers(without_passwords(cleaned))


def about() -> dict[str, JSON]:
    """Return what each step's manifest contains about its environment: Python's version, and that of pipespec or its runtime."""
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
    origin: PipelineOrigin | None = None,
) -> NewInvocation:
    """Describe what makes a run repeatable. `files` are what was run, `source` names the pipeline's file.

    `params` are those of the pipeline as MLflow has them, `label` and `swept` distinguish this invocation from others.
    """
    origin = origin or PipelineOrigin()
    command = origin.shown(command)
    git, patch = _git(spec, origin)
    packages = "".join(f"{without_passwords(line)}\n" for line in frozen_packages())
    told: dict[str, str | bytes] = {
        **files,
        PACKAGES_FILE: packages,
        "pipespec/command.txt": command + "\n",
        PROVENANCE_FILE: render_provenance(_provenance(spec, command, git, origin)),
    }
    if patch:
        told[PATCH_FILE] = patch
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
        git_branch=None if git is None else git.branch,
        git_remote=None if git is None else git.remote,
    )


def _provenance(
    spec: PipelineSpec, command: str, git: GitProvenance | None, origin: PipelineOrigin
) -> Provenance:
    system = os.uname()  # `platform.platform` starts a program
    told = about()
    return Provenance(
        file=os.path.relpath(spec.file, spec.root),
        command=command,
        pipespec=str(told["pipespec"]),
        python=str(told["python"]),
        platform=f"{system.sysname} {system.release} {system.machine}",
        host=socket.gethostname(),
        user=user_name(),
        git=git,
        layers=tuple(map(origin.shown, origin.layers)),
        origins={path: origin.shown(place) for path, place in origin.values.items()},
        secrets=origin.secrets,
        is_sweep=origin.is_sweep,
    )


def _git(spec: PipelineSpec, origin: PipelineOrigin) -> tuple[GitProvenance | None, bytes]:
    """Return what git knows about the project, with the patch of what is not committed."""
    facts = git_facts(spec.root)
    if facts is None:
        return None, b""
    settings = spec.root / "pyproject.toml"  # the folder of this file is the project root
    counted = {**origin.counted, **({str(settings): settings.read_bytes()} if settings.is_file() else {})}
    found = uncommitted(spec.root, counted, origin.clean)
    remote = ask_git(spec.root, "config", "--get", "remote.origin.url")
    git = GitProvenance(
        facts.commit,
        facts.branch,
        None if remote is None else without_passwords(remote.decode("utf-8", "replace").strip()),
        found.folder,
        _patch(found),
    )
    return git, found.patch if found.is_whole else found.patch + _CUT


def _patch(found: Uncommitted) -> PatchProvenance:
    return PatchProvenance(
        found.digest,
        len(found.patch),
        found.is_whole,
        found.untracked,
        {one.path: one.why for one in found.left_out},
        tuple(one.path for one in found.left_out if one.counts),
    )


def _params(spec: PipelineSpec, own: Mapping[str, str]) -> Mapping[str, str]:
    """Return the pipeline's params and, by step, the params that only steps have. They contain no passwords."""
    of_steps = params_of_steps((step.id, dotted_params(step.param_values)) for step in spec.steps.values())
    beside = {
        name: value
        for name, value in of_steps.items()
        if not _is_same(value, own.get(name.partition(".")[2]))
    }
    return {name: without_passwords(value) for name, value in {**beside, **own}.items()}


def _is_same(value: str, of_pipeline: str | None) -> bool:
    """Return whether a step's param is the pipeline's param of the same name.

    Values of a sweep are compared without spaces between them.
    """
    return of_pipeline is not None and value.replace(", ", ",") == of_pipeline.replace(", ", ",")
