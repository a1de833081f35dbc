"""Handles an installation with only some of pipespec's packages, if a verb needs a missing one.

Takes the error of an import. Returns the message, with the command that installs what is missing. None if the module
does not belong to a package that pipespec requires.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["missing_package"]

_PACKAGES: Final = {
    "alembic": "mlflow",
    "certifi": "certifi",
    "dotenv": "python-dotenv",
    "jinja2": "jinja2",
    "jsonschema": "jsonschema",
    "luigi": "luigi",
    "markupsafe": "jinja2",
    "mlflow": "mlflow",
    "referencing": "jsonschema",
    "rich": "rich",
    "sqlalchemy": "mlflow",
}
"""The package that contains a module."""


def missing_package(error: ModuleNotFoundError) -> str | None:
    """Say which package is missing, and how to install it; None if the module belongs to another package."""
    name = _PACKAGES.get((error.name or "").partition(".")[0])
    if name is None:
        return None
    return f"this needs the package '{name}', which is not installed beside pipespec: pip install '{_requirement(name)}'"


def _requirement(name: str) -> str:
    """Return a requirement of pipespec as in its metadata."""
    from importlib.metadata import requires

    stated = (each.partition(";")[0].strip() for each in requires("pipespec") or () if "extra ==" not in each)
    return next((each for each in stated if re.match(rf"{name}\b(?!-)", each)), name)
