"""Names of classes for steps: `train[depth=4]` -> `TrainDepth4`. Pure; the same for the same steps in any order.

Every name is an identifier, and not a keyword or a name that the module uses. If two steps would have the same name,
some digits of the hash of their id are appended to the names of all of them.
"""

from __future__ import annotations

import hashlib
import json
import keyword
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from pipespec.document.nodes import JSON
from pipespec.spec.pipeline_spec import StepSpec

__all__ = ["class_names"]

_LONGEST: Final = 64
_WORD: Final = re.compile(r"[A-Za-z0-9]+")


def class_names(steps: Iterable[StepSpec], *, taken: Collection[str]) -> Mapping[str, str]:
    """Return a name for each step by its id. None of them is in `taken`."""
    wanted = {step.id: _wanted(step) for step in steps}
    count = Counter(name.lower() for name in (*wanted.values(), *taken))
    return {
        step: name if count[name.lower()] == 1 and len(name) <= _LONGEST else _with_digits(name, step)
        for step, name in wanted.items()
    }


def _wanted(step: StepSpec) -> str:
    name = "".join(word[0].upper() + word[1:] for word in _WORD.findall(step.name))
    if not name or name[0].isdigit() or keyword.iskeyword(name):
        name = f"Step{name}"
    return name + "".join(_axis(axis) + _value(value) for axis, value in step.variant)


def _axis(axis: str) -> str:
    return "".join(word[0].upper() + word[1:] for word in _WORD.findall(axis))


def _value(value: JSON) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    joined = "_".join(_WORD.findall(text)) or "_"
    return f"_{joined}" if text.startswith("-") else joined[0].upper() + joined[1:]


def _with_digits(name: str, step: str) -> str:
    return f"{name[:_LONGEST].rstrip('_')}_{hashlib.sha256(step.encode()).hexdigest()[:8]}"
