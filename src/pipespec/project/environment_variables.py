"""Variables of the environment as a pipeline sees them: what is said there, or None.

For MLflow a variable that is empty is one that is not set: a CI system hands over an empty text for a secret that it does
not have. Its variables mean the same here; for all others an empty text is a text.
"""

from __future__ import annotations

import os

__all__ = ["variable"]


def variable(name: str) -> str | None:
    """Return the text of a variable, or None where it is not set."""
    value = os.environ.get(name)
    return None if not value and name.startswith("MLFLOW_") else value
