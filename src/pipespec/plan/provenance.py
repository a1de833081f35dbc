"""Where an invocation's results come from, besides its steps: code, layers, environment. Kept as `pipespec/provenance.json`.

Pure. Takes what was collected when the first step was executed. Returns JSON, and parses it for `reproduce`. Refuses a
text that is not as it was written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, field
from typing import Any, Final

from pipespec.frozen_values import frozen

__all__ = ["GitProvenance", "PatchProvenance", "Provenance", "parse_provenance", "render_provenance"]

_VERSION: Final = 1


@frozen
class PatchProvenance:
    """Which uncommitted changes are in the patch. Paths start at the top of the repository.

    `is_whole` is False if the patch was too large, or git did not answer in time. `left_out` maps paths to the reason
    why a change is not in the patch; `counted` are those of these paths that the pipeline was made of.
    """

    digest: str
    bytes: int
    is_whole: bool = True
    untracked: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    counted: tuple[str, ...] = ()


@frozen
class GitProvenance:
    """The commit that was checked out. `folder` is the project root in the repository, empty for its top."""

    commit: str
    branch: str | None
    remote: str | None
    folder: str
    patch: PatchProvenance


@frozen
class Provenance:
    """What is known about an invocation. `git` is None for a project without a commit.

    `file` is the pipeline's, relative to the project root. `layers` are files and options, the lowest first. `origins`
    maps paths to the include, overlay or option that set a value, if the file itself did not.
    """

    file: str
    command: str
    pipespec: str
    python: str
    platform: str
    host: str
    user: str
    git: GitProvenance | None = None
    layers: tuple[str, ...] = ()
    origins: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    """The names of the secrets to which the pipeline refers."""
    is_sweep: bool = False


def render_provenance(provenance: Provenance) -> str:
    """Return the text of the artifact."""
    return json.dumps({"version": _VERSION, **asdict(provenance)}, indent=2, ensure_ascii=False) + "\n"


def parse_provenance(text: str | bytes) -> Provenance:
    """Parse what `render_provenance` wrote.

    Raises:
        ValueError: if it was written by a later version, or changed by hand.
    """
    told: Any = json.loads(text)
    try:
        if told.pop("version") != _VERSION:
            raise ValueError("it is of another version of pipespec")
        git = told.pop("git")
        if git is not None:
            patch = git.pop("patch")
            git = GitProvenance(
                **git,
                patch=PatchProvenance(
                    **{
                        **patch,
                        "untracked": tuple(patch["untracked"]),
                        "counted": tuple(patch["counted"]),
                    }
                ),
            )
        told |= {name: tuple(told[name]) for name in ("layers", "secrets")}
        return Provenance(**told, git=git)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"it is not as it was written: {error}") from error
