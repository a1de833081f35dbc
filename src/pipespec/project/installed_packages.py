"""What is installed, by distribution name. It is read from metadata, and nothing is imported.

`importlib.metadata` takes 8 ms to import and is imported only when it is needed: few plans name packages.
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
    """Return every installed distribution as `pip freeze` does: `NAME==VERSION`, or `NAME @ URL` if it does not come from an index."""
    return tuple(
        f"{name}=={version}" if origin is None else f"{name} @ {origin}"
        for name, (version, origin) in _distributions().items()
    )


def _distributions() -> dict[str, tuple[str, str | None]]:
    """Return the version of each by its name, sorted, and the URL from which it was installed, if there is one."""
    from importlib import metadata  # noqa: PLC0415

    found: dict[str, tuple[str, str | None]] = {}
    for distribution in metadata.distributions():
        # Parsed as an email, as in `distribution.metadata`, 300 packages take half a second.
        text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""
        fields = dict(_FIELD.findall(text.partition("\n\n")[0]))
        # A half-deleted package has no name. The first one on the path is the one that is imported.
        if {"Name", "Version"} <= fields.keys() and fields["Name"] not in found:
            found[fields["Name"]] = fields["Version"], _direct_url(distribution)
    return dict(sorted(found.items(), key=lambda pair: pair[0].lower()))


def _direct_url(distribution: Distribution) -> str | None:
    """Return the URL from which a distribution was installed, in the form of a requirement; None for an index."""
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
