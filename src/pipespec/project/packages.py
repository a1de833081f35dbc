"""What is installed, by distribution name; read from metadata, nothing is imported.

`importlib.metadata`, 8 ms, is imported where it is asked: few plans name packages.
"""

from __future__ import annotations

from collections.abc import Collection

__all__ = ["installed_packages", "package_versions"]


def installed_packages() -> dict[str, str]:
    """Return the version of every installed distribution by its name, sorted; takes up to a second."""
    from importlib import metadata  # noqa: PLC0415

    found: dict[str, str] = {}
    for distribution in metadata.distributions():
        try:
            name = distribution.metadata["Name"]
        except KeyError:  # so the backport importlib_metadata, where anything imported it, tells of no name
            continue
        if name:  # a half-deleted package has none
            found.setdefault(name, distribution.version)  # the first on the path is the one that is imported
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
