"""Format values as the text of a pipeline file, as a person would write it: one line for what fits, in the given order.

Readers of YAML 1.1 and 1.2 parse the text to the same values, and every text keeps its content, whatever it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from pipespec.document.nodes import JSON, Scalar
from pipespec.document.yaml.plain_scalars import is_plain_text, spell_float
from pipespec.frozen_values import frozen

__all__ = ["StepText", "escaped", "pipeline_text"]

_WIDTH: Final = 120
_PLAIN: Final = re.compile(
    r"(?:[A-Za-z0-9_./]|--?[A-Za-z])[A-Za-z0-9_./+=@%()-]*(?::[A-Za-z_][A-Za-z0-9_.-]*)?"
)
_PLAIN_REFERENCE: Final = re.compile(r"\$\{[A-Za-z0-9_.-]+\}")
_BLOCK: Final = re.compile(
    r"[^\s\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff][^\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff]*"
)


@frozen
class StepText:
    """One step: its keys, and comment lines above it."""

    name: str
    keys: Mapping[str, JSON]
    comments: Sequence[str] = ()


def pipeline_text(comment: str, top: Mapping[str, JSON], steps: Sequence[StepText]) -> str:
    """Return the text of a pipeline file."""
    lines = [f"# {comment}"]
    for key, value in top.items():
        lines += _entry(key, value, 0)
    lines.append("steps:")
    for step in steps:
        lines += [f"  # {each}" for each in step.comments]
        lines.append(f"  {_scalar(step.name)}:")
        for key, value in step.keys.items():
            lines += _entry(key, value, 4)
    return "\n".join([*lines, ""])


def escaped(value: JSON) -> JSON:
    """Return a value in which `${` is not a reference."""
    match value:
        case str():
            return value.replace("${", "$${")
        case list():
            return [escaped(item) for item in value]
        case dict():
            return {key: escaped(item) for key, item in value.items()}
        case _:
            return value


def _entry(key: str, value: JSON, indent: int) -> Iterator[str]:
    lead = f"{' ' * indent}{_scalar(key)}:"
    one_line = f"{lead} {value if _is_reference(value) else _flow(value)}"
    is_short = len(one_line) <= _WIDTH and not _is_long(value)
    if is_short and not (
        key == "params" and isinstance(value, dict) and "command" in value and len(value) > 1
    ):
        yield one_line
    elif isinstance(value, dict) and value:
        yield lead
        for name, below in value.items():
            yield from _entry(name, below, indent + 2)
    elif isinstance(value, list) and value:
        if any(map(_is_long, value)) or any(isinstance(item, dict | list) for item in value):
            yield lead
            for item in value:
                yield from _item(item, indent + 2)
        else:
            yield from _wrapped(f"{lead} [", [_flow(item) for item in value])
    elif isinstance(value, str) and _is_block(value):
        yield f"{lead} {_mark(value)}"
        yield from _indented(value, indent + 2)
    else:
        yield one_line


def _wrapped(lead: str, words: list[str]) -> Iterator[str]:
    """Format a list in as few lines as it needs."""
    line = lead
    for number, word in enumerate(words):
        last = number == len(words) - 1
        text = f"{word}]" if last else f"{word},"
        if line != lead and len(line) + len(text) + 1 > _WIDTH:
            yield line
            line = " " * (len(lead) - 1)
        line += f" {text}" if line != lead else text
    yield line


def _item(item: JSON, indent: int) -> Iterator[str]:
    if isinstance(item, str) and _is_block(item):
        yield f"{' ' * indent}- {_mark(item)}"
        yield from _indented(item, indent + 2)
    else:
        yield f"{' ' * indent}- {_flow(item)}"


def _is_reference(value: JSON) -> bool:
    return isinstance(value, str) and _PLAIN_REFERENCE.fullmatch(value) is not None


def _is_long(value: JSON) -> bool:
    """Return whether a value is more readable on several lines, even if it is short."""
    match value:
        case str():
            return _is_block(value)
        case list():
            return any(_is_long(item) for item in value)
        case _:
            return False


def _is_block(text: str) -> bool:
    return "\n" in text.rstrip("\n") and _BLOCK.fullmatch(text) is not None


def _mark(text: str) -> str:
    ends = len(text) - len(text.rstrip("\n"))
    return ("|-", "|", "|+")[min(ends, 2)]


def _indented(text: str, indent: int) -> Iterator[str]:
    for line in text.removesuffix("\n").split("\n"):
        yield f"{' ' * indent}{line}" if line else ""


def _flow(value: JSON) -> str:
    match value:
        case dict():
            return f"{{{', '.join(f'{_scalar(key)}: {_flow(item)}' for key, item in value.items())}}}"
        case list():
            return f"[{', '.join(map(_flow, value))}]"
        case _:
            return _scalar(value)


def _scalar(value: Scalar) -> str:
    match value:
        case str():
            return value if _is_plain(value) else _quoted(value)
        case float():
            return spell_float(value)
        case _:
            return json.dumps(value)


def _is_plain(text: str) -> bool:
    return _PLAIN.fullmatch(text) is not None and is_plain_text(text)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=not text.isprintable())
