"""What is installed, by distribution name; read from metadata, nothing is imported.

`importlib.metadata`, 8 ms, is imported where it is asked: few plans name packages.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from importlib.metadata import Distribution

__all__ = ["frozen_packages", "installed_packages", "package_versions"]

_FIELD: Final = re.compile(r"^(Name|Version): *(.*\S)", re.MULTILINE)


def installed_packages() -> dict[str, str]:
    """Return the version of every installed distribution by its name, sorted."""
    return {name: version for name, (version, _) in _distributions().items()}


def frozen_packages() -> tuple[str, ...]:
    """Return every installed distribution as `pip freeze` does: `NAME==VERSION`, or `NAME @ URL` where it is not of an index."""
    return tuple(
        f"{name}=={version}" if origin is None else f"{name} @ {origin}"
        for name, (version, origin) in _distributions().items()
    )


def _distributions() -> dict[str, tuple[str, str | None]]:
    """Return the version of each by its name, sorted, and the URL that it was installed from, if it was from one."""
    from importlib import metadata  # noqa: PLC0415

    found: dict[str, tuple[str, str | None]] = {}
    for distribution in metadata.distributions():
        # Parsed as an email, as `distribution.metadata` does it, 300 packages take half a second.
        text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""
        fields = dict(_FIELD.findall(text.partition("\n\n")[0]))
        # A half-deleted package has no name; the first on the path is the one that is imported.
        if {"Name", "Version"} <= fields.keys() and fields["Name"] not in found:
            found[fields["Name"]] = fields["Version"], _direct_url(distribution)
    return dict(sorted(found.items(), key=lambda pair: pair[0].lower()))


def _direct_url(distribution: Distribution) -> str | None:
    """Return where a distribution was installed from as a requirement spells it; None for an index."""
    try:
        told: Any = json.loads(distribution.read_text("direct_url.json") or "null")
    except ValueError:
        return None
    match told:
        case {"url": str(url), "vcs_info": {"vcs": str(vcs), "commit_id": str(commit)}}:
            return f"{vcs}+{url}@{commit}"
        case {"url": str(url)}:
            return url
        case _:
            return None


def package_versions(names: Collection[str]) -> dict[str, str | None]:
    """Return the installed versions of these distributions, None for one that is not installed."""
    return {name: _version(name) for name in sorted(names)}


def _version(name: str) -> str | None:
    from importlib import metadata  # noqa: PLC0415

    try:
        return metadata.version(name)
    except (metadata.PackageNotFoundError, ValueError):
        return None
