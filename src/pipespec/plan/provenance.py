"""Where an invocation's results come from, beside its steps: code, layers, surroundings; as `pipespec/provenance.json` keeps it.

Pure. Takes what was found out when the first step executed; gives JSON, and reads it back for `reproduce`. Refuses what is not as
it was written.
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
    """What of the uncommitted changes is in the patch; paths start at the top of the repository.

    `is_whole` is False where it was too large, or git did not answer in time. `left_out` has, by path, why a change is
    not in it; `counted` those of these paths that the pipeline was made of.
    """

    digest: str
    bytes: int
    is_whole: bool = True
    untracked: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    counted: tuple[str, ...] = ()


@frozen
class GitProvenance:
    """The commit that was checked out; `folder` is the project's root in the repository, empty for its top."""

    commit: str
    branch: str | None
    remote: str | None
    folder: str
    patch: PatchProvenance


@frozen
class Provenance:
    """What is known of an invocation; `git` is None for a project without a commit.

    `file` is the pipeline's, relative to the project's root. `layers` are files and options, the lowest first; `origins` says, by
    path, which include, overlay or option set a value that the file itself does not.
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
    """The names of those that the pipeline refers to."""
    is_sweep: bool = False


def render_provenance(provenance: Provenance) -> str:
    """Return the text of the artifact."""
    return json.dumps({"version": _VERSION, **asdict(provenance)}, indent=2, ensure_ascii=False) + "\n"


def parse_provenance(text: str | bytes) -> Provenance:
    """Return what `render_provenance` wrote.

    Raises:
        ValueError: where it was written by a later version, or changed by hand.
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
