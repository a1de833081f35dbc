"""What is installed, by distribution name; read from metadata, nothing is imported.

`importlib.metadata`, 8 ms, is imported where it is asked: few plans name packages.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

__all__ = ["installed_packages", "package_versions"]

_FIELD: Final = re.compile(r"^(Name|Version): *(.*\S)", re.MULTILINE)


def installed_packages() -> dict[str, str]:
    """Return the version of every installed distribution by its name, sorted."""
    from importlib import metadata  # noqa: PLC0415

    found: dict[str, str] = {}
    for distribution in metadata.distributions():
        # Parsed as an email, as `distribution.metadata` does it, 300 packages take half a second.
        text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""
        fields = dict(_FIELD.findall(text.partition("\n\n")[0]))
        if "Name" in fields and "Version" in fields:  # a half-deleted package has none
            # The first on the path is the one that is imported.
            found.setdefault(fields["Name"], fields["Version"])
    return dict(sorted(found.items(), key=lambda pair: pair[0].lower()))


def package_versions(names: Collection[str]) -> dict[str, str | None]:
    """Return the installed versions of these distributions, None for one that is not installed."""
    return {name: _version(name) for name in sorted(names)}


def _version(name: str) -> str | None:
    from importlib import metadata  # noqa: PLC0415

    try:
        return metadata.version(name)
    except (metadata.PackageNotFoundError, ValueError):
        return None
