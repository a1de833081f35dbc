"""Pass inputs, params and outputs as arguments of a program: as options, or where a template names them.

Takes the values by name, and returns texts. Refuses a name in a template that the step does not have.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipespec.document.wording import did_you_mean, quote
from pipespec.document.yaml.plain_scalars import spell
from pipespec.frozen_values import frozen
from pipespec.spec.library_steps import TEMPLATE
from pipespec.step.failure import StepError

__all__ = ["Values"]


@frozen
class Values:
    """The values of a step, by kind and name."""

    inputs: Mapping[str, Any]
    params: Mapping[str, Any]
    outputs: Mapping[str, Path]

    def options(self) -> list[str]:
        """Return all values as options: inputs, params and outputs, each sorted by name.

        `--name value`; only `--name` for true, nothing for false and null; for a list, one option for each item.
        """
        return [
            word
            for kind in (self.inputs, self.params, self.outputs)
            for name in sorted(kind)
            for word in _option(name, kind[name])
        ]

    def filled(self, templates: Sequence[object]) -> list[str]:
        """Return arguments with the values that they name.

        An argument that is exactly a list becomes one argument for each item.

        Raises:
            StepError: for a name that does not exist.
        """
        return [word for template in templates for word in self._words(str(_text(template)))]

    def text(self, template: object) -> str:
        """Return one text with the values that it names. Raises the same errors as `filled`."""
        return TEMPLATE.sub(lambda found: _text(self._value(found)), _text(template))

    def _words(self, template: str) -> list[str]:
        whole = TEMPLATE.fullmatch(template)
        if whole is not None and (several := _several(self._value(whole))) is not None:
            return [_text(item) for item in several]
        return [self.text(template)]

    def value(self, kind: str, name: str, written: str) -> Any:
        """Return one value, of `inputs`, `params` or `outputs`. Raises the same errors as `filled`, with the text `written`."""
        values: Mapping[str, Any] = getattr(self, kind)
        if name not in values:
            hint = did_you_mean(name, values)
            raise StepError(
                "binding", f"{quote(written)} is not one of the step's {kind}{f'; {hint}' if hint else ''}"
            )
        return values[name]

    def _value(self, found: re.Match[str]) -> Any:
        return self.value(found[1], found[2], found[0])


def _option(name: str, value: Any) -> Iterator[str]:
    several = _several(value)
    if several is not None:
        for item in several:
            yield from _option(name, item)
    elif value is True:
        yield f"--{name}"
    elif value is not False and value is not None:
        text = _text(value)
        yield from (f"--{name}={text}",) if text.startswith("-") else (f"--{name}", text)


def _several(value: Any) -> list[Any] | None:
    """Return the items of a list, and the paths of an input with several variants."""
    if isinstance(value, Mapping) and value and all(isinstance(item, Path) for item in value.values()):
        return [*value.values()]
    return [*value] if isinstance(value, list | tuple) else None


def _text(value: Any) -> str:
    """Format a value as in YAML; a mapping as JSON, and null as an empty text."""
    if value is None:
        return ""
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return spell(value) if isinstance(value, bool | int | float | str) else str(value)
