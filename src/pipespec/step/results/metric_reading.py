"""Read the numbers of a step's `metrics` output: every numeric leaf under its dotted name.

Takes a `.json` or `.yaml` file. Returns names and numbers. true and false are not numbers. A place in a list is its
position, from 0. A number that MLflow would refuse or change does not fail a step that has done its work, but the log
reports it: characters of a name that MLflow does not accept are replaced, and NaN and infinities are left out (MLflow
has no NaN in its comparisons, and stores infinity as 1.8e308). Refuses two leaves with the same name.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Final

from pipespec.document.mlflow_names import fit_name
from pipespec.document.nodes import JSON
from pipespec.document.wording import quote
from pipespec.spec.file_formats import suffix_of
from pipespec.step import formats
from pipespec.step.failure import StepError

__all__ = ["MAX_METRICS", "read_metrics"]

MAX_METRICS: Final = 10_000


def read_metrics(output: str, place: Path, file: str, part: str | None) -> dict[str, float]:
    """Return the metrics in the output called `output`, which is `file` and is located at `place`.

    `part` is a file in the output, if the output is a directory. A file that is only one number gives one metric, with
    the name of the output.

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
    seen: set[str] = set()
    for leaf, number in _leaves(value, output):
        if leaf in seen:
            raise StepError("metrics", f"{quote(name)} has two numbers that are both called {quote(leaf)}")
        seen.add(leaf)
        if len(seen) > MAX_METRICS:
            raise StepError(
                "metrics",
                f"{quote(name)} has more than {MAX_METRICS} numbers; use a separate output for the metrics",
            )
        if (fit := _float(number)) is None:
            _advise(f"metric {quote(leaf)} is no finite number, and is not recorded")
        else:
            found[_fitted(leaf, found)] = fit
    return found


def _leaves(value: JSON, whole: str) -> Iterator[tuple[str, int | float]]:
    """Yield the numbers in order. Iterative, because the user's value may be deeply nested."""
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


def _float(number: float) -> float | None:
    try:
        value = float(number)
    except OverflowError:
        return None
    return value if math.isfinite(value) else None


def _fitted(leaf: str, taken: Container[str]) -> str:
    """Return a name that MLflow accepts and that no other metric has."""
    name, count = fit_name(leaf), 1
    while name in taken:
        count += 1
        name = fit_name(f"{leaf}_{count}")
    if name != leaf:
        _advise(f"metric {quote(leaf)} is recorded as {quote(name)}: MLflow takes no such name")
    return name


def _advise(text: str) -> None:
    sys.stderr.write(f"pipespec: {text}\n")
