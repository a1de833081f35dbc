"""Compare results that were produced again with the recorded ones: by digest and, if that differs, by their numbers.

Takes both records of a step and a tolerance. Returns a `StepRepeat`. Numbers within text (JSON, CSV, YAML, plain text)
are compared one by one, and the text between them must be equal. Other files are the same, or different.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from pipespec.frozen_values import frozen
from pipespec.plan.records import StepRecord, own_metrics
from pipespec.plan.reproduction import MetricRepeat, OutputRepeat, Repeat, StepRepeat, worst
from pipespec.step.content_digest import walk_files

__all__ = ["NewResult", "compared_step", "is_close"]

_NUMBER: Final = re.compile(
    r"(?<![\w.])[-+]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|(?:nan|inf(?:inity)?)\b)", re.IGNORECASE
)
"""A number that is not the end of a word."""
_LARGEST: Final = 64 << 20
"""Maximum size in bytes of a file whose numbers are compared."""


@frozen
class NewResult:
    """The result of running a step again. Without a record, it has an error."""

    record: StepRecord | None
    error: str | None = None


def compared_step(
    step: str,
    recorded: StepRecord,
    new: NewResult,
    tolerance: float,
    local: Callable[[StepRecord, str], Path],
) -> StepRepeat:
    """Compare a step's results. `local` returns a local path of an output; it is called only for outputs that differ."""
    now = new.record
    return StepRepeat(
        step,
        recorded.run_id,
        None if now is None else now.run_id,
        is_same_key=now is None or now.key == recorded.key,
        error=new.error,
        seconds=None if now is None else now.seconds,
        outputs=tuple(_output(name, recorded, now, tolerance, local) for name in recorded.outputs),
        metrics=_metrics(
            own_metrics(recorded.metrics), {} if now is None else own_metrics(now.metrics), tolerance
        ),
    )


def is_close(one: float, other: float, tolerance: float) -> bool:
    """Return whether two numbers differ by no more than the tolerance. For numbers beyond 1, it is relative to the larger one."""
    if not (math.isfinite(one) and math.isfinite(other)):
        return _distance(one, other) == 0.0
    return abs(one - other) <= tolerance * max(1.0, abs(one), abs(other))


def _distance(one: float, other: float) -> float:
    """Return the difference of two numbers. It is zero between two NaN, and infinite between NaN and any other number."""
    if one == other or (math.isnan(one) and math.isnan(other)):
        return 0.0
    return abs(one - other) if math.isfinite(one) and math.isfinite(other) else math.inf


def _metrics(
    recorded: Mapping[str, float], now: Mapping[str, float], tolerance: float
) -> tuple[MetricRepeat, ...]:
    return tuple(
        MetricRepeat(name, _number(value, now.get(name), tolerance), value, now.get(name))
        for name, value in recorded.items()
    )


def _number(recorded: float, now: float | None, tolerance: float) -> Repeat:
    if now is None:
        return Repeat.MISSING
    if is_close(recorded, now, 0.0):
        return Repeat.SAME
    return Repeat.CLOSE if is_close(recorded, now, tolerance) else Repeat.DIFFERENT


def _output(
    name: str,
    recorded: StepRecord,
    now: StepRecord | None,
    tolerance: float,
    local: Callable[[StepRecord, str], Path],
) -> OutputRepeat:
    then = recorded.outputs[name].digest
    if now is None or name not in now.outputs:
        return OutputRepeat(name, Repeat.MISSING, then)
    found = now.outputs[name].digest
    if found == then:
        return OutputRepeat(name, Repeat.SAME, then, found)
    repeat, detail = _content(local(recorded, name), local(now, name), tolerance)
    return OutputRepeat(name, repeat, then, found, detail)


def _content(one: Path, other: Path, tolerance: float) -> tuple[Repeat, str]:
    """Compare two files, or all files of two folders, and name the first that differs."""
    if not one.is_dir():
        return _file(one, other, tolerance)
    before, after = dict(walk_files(one)), dict(walk_files(other))
    for name in sorted(before.keys() ^ after.keys()):
        return Repeat.DIFFERENT, f"'{name}' is {'not there any more' if name in before else 'new'}"
    found = {name: _file(before[name], after[name], tolerance) for name in sorted(before)}
    repeat = worst(tuple(repeat for repeat, _ in found.values()))
    name, detail = next((name, detail) for name, (each, detail) in found.items() if each is repeat)
    return repeat, f"'{name}'" + (f": {detail}" if detail else "")


def _file(one: Path, other: Path, tolerance: float) -> tuple[Repeat, str]:
    if max(one.stat().st_size, other.stat().st_size) > _LARGEST:
        return Repeat.DIFFERENT, ""
    before, after = one.read_bytes(), other.read_bytes()
    if before == after:
        return Repeat.SAME, ""
    try:
        return _text(before.decode(), after.decode(), tolerance)
    except UnicodeDecodeError:
        return Repeat.DIFFERENT, ""


def _text(one: str, other: str, tolerance: float) -> tuple[Repeat, str]:
    """Compare the numbers of two texts. The text between them must be equal."""
    if "\0" in one or _NUMBER.sub("0", one) != _NUMBER.sub("0", other):
        return Repeat.DIFFERENT, ""
    pairs = list(zip(map(float, _NUMBER.findall(one)), map(float, _NUMBER.findall(other)), strict=True))
    largest = max((_distance(before, after) for before, after in pairs), default=0.0)
    is_within = all(is_close(before, after, tolerance) for before, after in pairs)
    detail = (
        f"numbers differ by up to {largest:.3g}" if largest else "equal numbers are written in another way"
    )
    return Repeat.CLOSE if is_within and tolerance else Repeat.DIFFERENT, detail
