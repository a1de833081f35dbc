"""The numbers of a step's `metrics` output: every numeric leaf under its dotted name.

Takes a `.json` or `.yaml` file, gives names and numbers; true and false are no numbers, and a place in a
list is its position from 0. Refuses what MLflow would store as something else: NaN and infinities (it has
no NaN in its comparisons, and keeps infinity as 1.8e308), names beyond its alphabet, two leaves of one name.
"""

from __future__ import annotations

import math
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pipespec.document.nodes import JSON
from pipespec.document.wording import quote
from pipespec.spec.suffixes import suffix_of
from pipespec.step import formats
from pipespec.step.failure import StepError

__all__ = ["MAX_METRICS", "read_metrics"]

MAX_METRICS: Final = 10_000
_LONGEST_NAME: Final = 250
_NAME: Final = re.compile(r"[\w.\- :/]+")  # of MLflow


def read_metrics(output: str, place: Path, file: str, part: str | None) -> dict[str, float]:
    """Return the metrics in the output called `output`, which is `file` and stands at `place`.

    `part` is a file in it, where it is a directory. A file that is one number gives one metric, with the
    output's name.

    Raises:
        StepError: of kind `metrics`.
    """
    name = file if part is None else part
    path = place if part is None else place / part
    if suffix_of(name) not in (".json", ".yaml"):
        raise StepError("metrics", f"metrics are read from .json and .yaml, not from {quote(name)}")
    if part is not None and not path.is_file():
        raise StepError("metrics", f"output {quote(output)} has no file {quote(part)}")
    try:
        value = formats.load(path, name, None, {})
    except formats.FormatError as error:
        raise StepError("metrics", str(error)) from error.__cause__
    found: dict[str, float] = {}
    for leaf, number in _leaves(value, output):
        _require(leaf, number)
        if leaf in found:
            raise StepError("metrics", f"{quote(name)} has two numbers that are both called {quote(leaf)}")
        found[leaf] = float(number)
        if len(found) > MAX_METRICS:
            raise StepError(
                "metrics",
                f"{quote(name)} has more than {MAX_METRICS} numbers; name an output of its own for the metrics",
            )
    return found


def _leaves(value: JSON, whole: str) -> Iterator[tuple[str, int | float]]:
    """Yield the numbers in order, iteratively: the value is the user's, and may be deep."""
    waiting: list[tuple[str, JSON]] = [("", value)]
    while waiting:
        name, item = waiting.pop()
        below = f"{name}." if name else ""
        match item:
            case bool():
                continue
            case int() | float():
                yield name or whole, item
            case dict():
                waiting += [(f"{below}{key}", entry) for key, entry in reversed(item.items())]
            case list():
                waiting += [(f"{below}{position}", item[position]) for position in reversed(range(len(item)))]
            case _:
                continue


def _require(name: str, number: float) -> None:
    if isinstance(number, float) and not math.isfinite(number):
        raise StepError("metrics", f"metric {quote(name)} is {number}, which is no number to compare with")
    if isinstance(number, int) and abs(number) > 1e308:
        raise StepError("metrics", f"metric {quote(name)} is too large for a float")
    if len(name) > _LONGEST_NAME:
        raise StepError(
            "metrics", f"the name of metric {quote(name)} has more than {_LONGEST_NAME} characters"
        )
    if not _NAME.fullmatch(name) or not _is_plain(name):
        raise StepError(
            "metrics",
            f"metric {quote(name)}: MLflow takes letters, digits, spaces and '_', '-', '.', ':', '/' in a name",
        )


def _is_plain(name: str) -> bool:
    """Tell whether MLflow takes a name for a path that has one spelling, below where it stands."""
    return posixpath.normpath(name) == name and not name.startswith(("..", "/")) and name != "."
