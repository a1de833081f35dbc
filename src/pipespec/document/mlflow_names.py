"""Convert any text to a name that MLflow accepts: the same rule for params, metrics and tags. Pure."""

from __future__ import annotations

import hashlib
import posixpath
import re
from typing import Final

__all__ = ["NAME_LENGTH", "fit_name"]

NAME_LENGTH: Final = 250

_REFUSED: Final = re.compile(r"[^\w.\- :/]")


def fit_name(name: str) -> str:
    """Return a name that MLflow accepts for a param, metric or tag. Most names are returned unchanged.

    MLflow allows letters, digits and `_-. :/`, 250 characters, and no name that is equivalent to another path.
    """
    fitted = _REFUSED.sub("_", name)
    if posixpath.normpath(fitted) != fitted or fitted.startswith(("/", "..")) or fitted == ".":
        fitted = fitted.replace("/", "_").replace("..", "__").strip() or "_"
        fitted = "_" if fitted == "." else fitted
    if len(fitted) > NAME_LENGTH:
        fitted = f"{fitted[: NAME_LENGTH - 17]}-{hashlib.sha256(name.encode()).hexdigest()[:16]}"
    return fitted
