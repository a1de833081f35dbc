"""Variables of the environment as a pipeline sees them: their text, or None.

For MLflow, a variable that is empty counts as not set: a CI system passes an empty text for a secret that it does not
have. MLflow's variables mean the same here. For all others, an empty text is a text.
"""

from __future__ import annotations

import os

__all__ = ["variable"]


def variable(name: str) -> str | None:
    """Return the text of a variable, or None if it is not set."""
    value = os.environ.get(name)
    return None if not value and name.startswith("MLFLOW_") else value
