"""Suggest how to write a value of the wrong kind. For example, `outputs: r2.png` becomes `{r2: r2.png}`.

Takes the path and the value that the schema refused. Returns the value to write, with the user's own names, or None if
nothing is likely.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from pipespec.document.nodes import JSON, Node, plain
from pipespec.document.yaml.plain_scalars import spell
from pipespec.python.callable_ref import PROGRAMS
from pipespec.spec.file_formats import suffix_of
from pipespec.spec.file_wording import as_input, flow_text
from pipespec.spec.schema.json_schema import kind_of

__all__ = ["likely_place", "likely_shape", "value_text"]

_LONGEST: Final = 160
"""Maximum number of characters of a value that a hint shows."""
_ASSIGNED: Final = re.compile(r"(call|inputs|outputs|params)\s*=\s*")
_COMPARED: Final = re.compile(r"([<>]=?)\s*(-?[0-9.]+(?:e-?[0-9]+)?)")
_MOST: Final = 4
"""Maximum number of entries that a hint shows. A longer list would not explain more."""


def likely_shape(path: Sequence[str | int], node: Node, kinds: frozenset[str]) -> str | None:
    """Return how to write a value so that it is of one of the wanted `kinds`, as JSON Schema names them."""
    shape = _likely(path, plain(node), kinds)
    return shape if shape is not None and len(shape) <= _LONGEST else None


def value_text(path: Sequence[str | int], node: Node, kinds: frozenset[str]) -> str | None:
    """Return how to write a value at another key with these kinds; None if it has no place there."""
    value = plain(node)
    text = _flow(value) if kind_of(node) in kinds else likely_shape(path, node, kinds)
    return text if value not in (None, "", [], {}) and text is not None and len(text) <= _LONGEST else None


def likely_place(path: Sequence[str | int], node: Node) -> str | None:
    """Return a hint for a value that has no place at its key, whatever its form: where it belongs, and how it is written there."""
    value = plain(node)
    match path:
        case ("steps", str(), "inputs", str(name)) if isinstance(value, int | float):
            return f"a value is a param: write params: {{{name}: {spell(value)}}}"
        case ("steps", str(), "seed") if isinstance(value, int | float):
            return f"a seed of your own is a param: write params: {{seed: {spell(value)}}}"
        case ("steps", str(), "matrix"):
            return _axis(value)
        case ("steps", str(), "metrics") if not _texts(value):
            return "write metrics: scores, if the output 'scores' contains the numbers"
        case ("steps", str(), "inputs", str(), "files") if isinstance(value, list) and _texts(value):
            return f"write one pattern, {_pattern(_texts(value)) or '{files: data/*.csv}'}, or an input for each file"
        case ("steps", str(), "call") if isinstance(value, list):
            return f"{PROGRAMS}, with params: {{command: {_flow(value)}}}"
        case ("defaults",) if isinstance(value, list):
            return "a file to start from is named by include: [base.yaml]"
        case _:
            return None


def _likely(path: Sequence[str | int], value: JSON, kinds: frozenset[str]) -> str | None:
    match path:
        case ("steps",) if isinstance(value, list):
            return _steps(value)
        case ("steps", str()) if isinstance(value, str) and (key := _ASSIGNED.match(value)):
            return f"{{{key[1]}: {flow_text(value[key.end() :])}}}"
        case ("steps", str()) if isinstance(value, str) and ":" in value:
            return f"{{call: {flow_text(value)}}}"
        case ("steps", str(), key, *below) | ("defaults", key, *below) if below or key in _KEYS:
            return _in_step(str(key), below, value, kinds)
        case ("notify",) if isinstance(value, str | dict):
            return f"[{{url: {flow_text(value)}}}]" if isinstance(value, str) else f"[{_flow(value)}]"
        case _:
            return _one_more_or_less(value, kinds)


def _in_step(key: str, below: Sequence[str | int], value: JSON, kinds: frozenset[str]) -> str | None:
    if not below:
        texts = _texts(value)
        return _KEYS[key](value, texts) if key in _KEYS else _one_more_or_less(value, kinds)
    if len(below) == 1 and key in ("inputs", "outputs") and isinstance(value, list):
        texts = _texts(value)
        if len(texts) == 1:
            return (as_input(texts[0]) if key == "inputs" else None) or flow_text(texts[0])
        return _pattern(texts) if key == "inputs" else None
    if len(below) == 1 and key == "checks":
        return _bounds(value)
    if len(below) == 1 and key == "matrix" and isinstance(value, dict):
        return f"[{', '.join(map(_flow, value.values()))}]" if value else None
    return _one_more_or_less(value, kinds)


def _bounds(value: JSON) -> str | None:
    """Return the bounds that a number, a pair of them or a comparison stands for: `>= 0.5` is `{min: 0.5}`."""
    match value:
        case bool():
            return None
        case int() | float():
            return f"{{min: {spell(value)}}}"
        case [int() | float() as least, int() | float() as most]:
            return f"{{min: {spell(least)}, max: {spell(most)}}}"
        case str() if found := _COMPARED.fullmatch(value.strip()):
            return f"{{{'min' if found[1].startswith('>') else 'max'}: {found[2]}}}"
        case _:
            return None


def _checks(value: JSON, texts: Sequence[str]) -> str | None:
    """Take a list of comparisons apart: `[r2 > 0.5]` is `{r2: {min: 0.5}}`."""
    parts = [re.match(r"([\w.]+)\s*(.+)", text) for text in texts]
    bounds = {part[1]: _bounds(part[2]) for part in parts if part is not None}
    if texts and len(bounds) == len(texts) and None not in bounds.values():
        return _mapping({name: bound or "" for name, bound in bounds.items()})
    return _joined(value)


def _axis(value: JSON) -> str | None:
    """Name the axis that a list of values lacks; nothing says which argument of the function was meant."""
    values: list[JSON] = value if isinstance(value, list) else [value]
    if any(isinstance(one, dict | list) for one in values) or not values:
        return None
    shown = _flow(values) if isinstance(value, list) else "[4, 8]"
    name = value if isinstance(value, str) and value.isidentifier() else "name"
    return f"write {{{name}: {shown}}}, where {name!r} is an argument of the function"


def _inputs(_: JSON, texts: Sequence[str]) -> str | None:
    return _mapping(
        {_name(text, of_output=not as_input(text)): as_input(text) or flow_text(text) for text in texts}
    )


def _outputs(_: JSON, texts: Sequence[str]) -> str | None:
    return _mapping({_name(text): flow_text(text) for text in texts})


def _params(value: JSON, texts: Sequence[str]) -> str | None:
    if texts and isinstance(value, list):
        return _mapping({_name(text, of_output=True): f'"${{params.{text}}}"' for text in texts})
    return _joined(value)


def _resources(_: JSON, texts: Sequence[str]) -> str | None:
    return _mapping(dict.fromkeys(map(_name, texts), "1"))


def _retry(value: JSON, _: Sequence[str]) -> str | None:
    is_count = isinstance(value, int) and not isinstance(value, bool)
    return f"{{times: {value}}}" if is_count else None


def _timeout(value: JSON, _: Sequence[str]) -> str | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return f"{spell(value)}s" if is_number else None


_KEYS: Final[Mapping[str, Callable[[JSON, Sequence[str]], str | None]]] = {
    "checks": _checks,
    "inputs": _inputs,
    "outputs": _outputs,
    "params": _params,
    "resources": _resources,
    "retry": _retry,
    "timeout": _timeout,
}


def _one_more_or_less(value: JSON, kinds: frozenset[str]) -> str | None:
    """Put a single value into a list, or take a single value out of one."""
    if "array" in kinds and isinstance(value, str | int | float):
        return f"[{_flow(value)}]"
    if "string" in kinds and len(texts := _texts(value)) == 1 and isinstance(value, list):
        return flow_text(texts[0])
    return _joined(value) if "object" in kinds else None


def _steps(value: list[JSON]) -> str | None:
    """Name the steps in a list by the key that other tools use for names."""
    names = [str(one.get("name") or one.get("id") or "") for one in value if isinstance(one, dict)]
    if not names or not all(re.fullmatch(r"[A-Za-z_][\w-]*", name) for name in names):
        return "{name: {call: module:function}}"
    return _mapping(dict.fromkeys(names, "{call: module:function}"))


def _joined(value: JSON) -> str | None:
    """Merge a list of mappings with one key each into one mapping: `[{seed: 4}]` becomes `{seed: 4}`."""
    items = value if isinstance(value, list) else []
    if not items or not all(isinstance(item, dict) and len(item) == 1 for item in items):
        return None
    pairs = [pair for item in items if isinstance(item, dict) for pair in item.items()]
    return _mapping({key: _flow(below) for key, below in pairs})


def _mapping(entries: Mapping[str, str]) -> str | None:
    shown = [f"{key}: {value}" for key, value in list(entries.items())[:_MOST]]
    more = ", ..." if len(entries) > _MOST else ""
    return f"{{{', '.join(shown)}{more}}}" if shown else None


def _pattern(files: Sequence[str]) -> str | None:
    """Return the pattern for files in one folder with one suffix."""
    places = {(file.rpartition("/")[0], suffix_of(file)) for file in files}
    if len(places) != 1 or not all(map(as_input, files)):
        return None
    ((folder, suffix),) = places
    return f'{{files: "{folder + "/" if folder else ""}*{suffix}"}}'


def _name(text: str, *, of_output: bool = False) -> str:
    """Derive the name of an argument from the name of a file, or from the last part of a reference."""
    last = text.rpartition(".")[2] if of_output else text.rstrip("/").rpartition("/")[2].partition(".")[0]
    name = re.sub(r"\W+", "_", last, flags=re.ASCII).strip("_") or "name"
    return f"_{name}" if name[0].isdigit() else name


def _texts(value: JSON) -> list[str]:
    """Return a text or a list of texts as texts, and nothing for anything else."""
    items = value if isinstance(value, list) else [value]
    texts = [item for item in items if isinstance(item, str) and item]
    return texts if len(texts) == len(items) else []


def _flow(value: JSON) -> str:
    match value:
        case str():
            return flow_text(value)
        case list():
            return f"[{', '.join(map(_flow, value))}]"
        case dict():
            return f"{{{', '.join(f'{flow_text(key)}: {_flow(below)}' for key, below in value.items())}}}"
        case _:
            return spell(value)
