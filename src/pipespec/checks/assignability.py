"""Does a value fit an annotation? Same rule as `step.arguments.param_conversion`, but for trees and source code.

An int fits float. A float, bool or text does not fit int, and a bool does not fit a number. `date`, `Path`, Enums, `Literal`s
and dataclasses are created from JSON values. Every value fits an unknown type.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from typing import Final

from pipespec.document.nodes import JSON, MappingNode, Node, Scalar, ScalarNode, SequenceNode, plain, set_at
from pipespec.document.wording import did_you_mean, listing, quote
from pipespec.errors import Span
from pipespec.frozen_values import frozen
from pipespec.python.signature import Annotation, DataclassDefinition, Definition, EnumDefinition
from pipespec.python.value_limits import broken_limit
from pipespec.spec.file_formats import TYPES, known_type
from pipespec.spec.placeholders import is_open
from pipespec.spec.value_wording import nearest_or_all, shown

__all__ = ["Misfit", "find_misfit"]

_LISTS: Final = frozenset({"list", "tuple", "set", "frozenset"})
_WITH_ITEMS: Final = frozenset(f"collections.abc.{name}" for name in ("Collection", "Iterable", "Sequence"))
"""A text and a mapping have items too, and are passed as they are."""
_MAPPINGS: Final = frozenset({"dict", "collections.abc.Mapping"})
_PATHS: Final = frozenset({"pathlib.Path", "pathlib.PurePath", "pathlib.PosixPath", "pathlib.PurePosixPath"})
_NUMBER: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_GROUPED: Final = re.compile(r"[+-]?\d{1,3}(?:[_, ]\d{3})+(?:\.\d+)?")
_WORDS_OF_YAML_1_1: Final = frozenset({"y", "n", "yes", "no", "on", "off"})


def _is_date(value: str) -> bool:
    return _parses(dt.date.fromisoformat, value)


def _is_datetime(value: str) -> bool:
    return _parses(dt.datetime.fromisoformat, value)


def _is_time(value: str) -> bool:
    return _parses(dt.time.fromisoformat, value)


def _parses(parse: Callable[[str], object], value: str) -> bool:
    try:
        parse(value)
    except ValueError:
        return False
    return True


_SCALARS: Final[Mapping[str, tuple[str, Callable[[Scalar], bool]]]] = {
    "None": ("null", lambda value: value is None),
    "bool": ("true or false", lambda value: isinstance(value, bool)),
    "int": ("a whole number", lambda value: isinstance(value, int) and not isinstance(value, bool)),
    "float": ("a number", lambda value: isinstance(value, int | float) and not isinstance(value, bool)),
    "str": ("text", lambda value: isinstance(value, str)),
    "bytes": ("bytes, which a pipeline file cannot contain", lambda _: False),
    "datetime.date": ("a date such as 2021-10-01", lambda value: isinstance(value, str) and _is_date(value)),
    "datetime.datetime": (
        "a time such as 2021-10-01T12:00:00",
        lambda value: isinstance(value, str) and _is_datetime(value),
    ),
    "datetime.time": ("a time such as 12:00", lambda value: isinstance(value, str) and _is_time(value)),
}


_LIBRARY_TYPES: Final = frozenset(name for name in TYPES if "." in name and name not in _PATHS)
"""Frames, arrays and figures: they are never created from a list or a mapping."""


@frozen
class Misfit:
    """A place where a value does not fit: `expected` says what is needed at `span`, `found` what is there."""

    span: Span
    found: str
    expected: str
    hint: str | None = None
    is_of_input: bool = False
    """No param is of this type: such a value arrives as an input."""


def find_misfit(
    node: Node, annotation: Annotation | None, definitions: Mapping[str, Definition]
) -> Misfit | None:
    """Return the first place at which a value does not fit its annotation, or None if it fits."""
    if annotation is None or is_open(node):  # a secret is only known when the step runs
        return None
    members = annotation.members
    found = [_misfit(node, member, definitions) for member in members]
    if None in found:
        return None
    # In a union, a member that failed inside the value says more than members that failed at its kind.
    deep = [one for one in found if one is not None and one.span != set_at(node)]
    if len(members) == 1 or len(deep) == 1:
        return (deep or found)[0]
    hint = next((one.hint for one in found if one is not None and one.hint is not None), None)
    return Misfit(set_at(node), _told(node), annotation.text, hint)


def _misfit(node: Node, annotation: Annotation, definitions: Mapping[str, Definition]) -> Misfit | None:
    found = _misfit_of_kind(node, annotation, definitions)
    if found is None and annotation.limits and (limit := broken_limit(plain(node), annotation.limits)):
        told = f"a list of {len(node.items)}" if isinstance(node, SequenceNode) else _told(node)
        return Misfit(set_at(node), told, str(limit))
    return found


def _misfit_of_kind(
    node: Node, annotation: Annotation, definitions: Mapping[str, Definition]
) -> Misfit | None:
    name = annotation.name
    definition = definitions.get(name)
    if name in _SCALARS:
        expected, fits = _SCALARS[name]
        if isinstance(node, ScalarNode) and fits(node.value):
            return None
        return Misfit(set_at(node), _told(node), expected, _scalar_hint(node, name))
    if name in _PATHS:
        value = node.value if isinstance(node, ScalarNode) else None
        is_path = isinstance(value, str) and value and "\0" not in value
        return None if is_path else Misfit(set_at(node), _told(node), "a path")
    if name == "typing.Literal":
        return _literal_misfit(node, annotation)
    if name in _LISTS or (name in _WITH_ITEMS and not _has_items(node)):
        return _list_misfit(node, annotation, definitions)
    if name in _MAPPINGS:
        return _mapping_misfit(node, annotation, definitions)
    if isinstance(definition, EnumDefinition):
        return _enum_misfit(node, definition)
    if isinstance(definition, DataclassDefinition):
        return _dataclass_misfit(node, definition, definitions)
    if known_type(name) in _LIBRARY_TYPES and (not isinstance(node, ScalarNode) or node.value is not None):
        hint = "such a value is an input: write inputs: {name: step.output}, or {name: {file: table.csv}}"
        return Misfit(
            set_at(node),
            _told(node),
            f"a {annotation.text}, which no param can contain",
            hint,
            is_of_input=True,
        )
    return None


def _has_items(node: Node) -> bool:
    return isinstance(node, MappingNode) or (isinstance(node, ScalarNode) and isinstance(node.value, str))


def _told(node: Node) -> str:
    if isinstance(node, ScalarNode):
        return "null" if node.value is None else shown(node.value)
    return "a list" if isinstance(node, SequenceNode) else "a mapping"


def _scalar_hint(node: Node, name: str) -> str | None:
    """Say how the value is written that was probably meant."""
    if not isinstance(node, ScalarNode):
        return None
    value = node.value
    if name == "str" and value is not None:
        text = node.text if node.text is not None else str(shown(value))
        return f'if text is intended, put it in quotes: "{text}"'
    if name == "bool":
        return _bool_hint(value)
    if name in ("int", "float") and isinstance(value, str):
        return _number_hint(value.strip(), name)
    if name == "int" and isinstance(value, float):
        whole = f"write {value:.0f}, or " if value.is_integer() else ""
        return f"{whole}annotate the argument as float"
    return None


def _bool_hint(value: Scalar) -> str | None:
    if isinstance(value, str) and value.lower() in _WORDS_OF_YAML_1_1:
        return f"{quote(value)} is text here; write true or false"
    if value in (0, 1) and value is not None:
        return f"write {'true' if value else 'false'}"
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return f"remove the quotes: {value.lower()}"
    return None


def _number_hint(text: str, name: str) -> str | None:
    """Say how a text is written as a number: without quotes, signs between digits, units and arithmetic."""
    if text in ("None", "NULL", "Null", "nil", "none"):
        return "null is the value for nothing, if the argument is annotated as '... | None'"
    if _NUMBER.fullmatch(text) and (name == "float" or text.lstrip("+-").isdigit()):
        return f"remove the quotes: {text.lstrip('+')}"
    if _GROUPED.fullmatch(text):
        return f"write the digits without signs between them: {re.sub(r'[_, ]', '', text)}"
    if name == "float" and text.endswith("%") and _NUMBER.fullmatch(text[:-1]):
        return f"write {float(text[:-1]) / 100:g}"
    if name == "float" and re.fullmatch(r"\d+,\d+", text):
        return f"write a dot: {text.replace(',', '.')}"
    if re.fullmatch(r"[\d.]+\s*(?:[*/+-]|\*\*)\s*[\d.]+", text):
        return "a pipeline file has no arithmetic; write the result"
    return None


def _literal_misfit(node: Node, annotation: Annotation) -> Misfit | None:
    value = node.value if isinstance(node, ScalarNode) else None
    allowed = annotation.literals
    if annotation.args or (isinstance(node, ScalarNode) and any(_is_same(value, one) for one in allowed)):
        return None
    texts = [one for one in allowed if isinstance(one, str)]
    hint = did_you_mean(value, texts) if isinstance(value, str) else None
    return Misfit(
        set_at(node), _told(node), " or ".join(map(shown, allowed)) or "a value of the Literal", hint
    )


def _is_same(value: JSON, other: JSON) -> bool:
    return value == other and type(value) is type(other)


def _list_misfit(node: Node, annotation: Annotation, definitions: Mapping[str, Definition]) -> Misfit | None:
    if not isinstance(node, SequenceNode):
        return Misfit(set_at(node), _told(node), "a list", _list_hint(node))
    args = annotation.args
    if annotation.name == "tuple" and args and args[-1].name != "...":
        if len(args) != len(node.items):
            return Misfit(set_at(node), f"a list of {len(node.items)}", f"a list of {len(args)}")
        pairs = zip(node.items, args, strict=True)
    else:
        pairs = zip(node.items, args[:1] * len(node.items), strict=False)
    found = (find_misfit(item, arg, definitions) for item, arg in pairs)
    return next((one for one in found if one is not None), None)


def _list_hint(node: Node) -> str | None:
    """Say how a list is written: without quotes around it, with brackets and commas."""
    value = node.value if isinstance(node, ScalarNode) else None
    if value is None:
        return None
    if not isinstance(value, str):
        return f"for a list of one, write [{shown(value)}]"
    text = value.strip()
    if text.startswith("[") and text.endswith("]"):
        return f"remove the quotes: {text}"
    items = re.split(r"\s*,\s*|\s+", text)
    return f"write [{', '.join(items)}]"


def _mapping_hint(node: Node) -> str | None:
    value = node.value if isinstance(node, ScalarNode) else None
    if isinstance(value, str) and value.startswith("{") and value.endswith("}"):
        return f"remove the quotes: {value}"
    if isinstance(value, str) and (pairs := re.findall(r"([\w-]+)\s*[=:]\s*([^\s,=]+)", value)):
        return f"write {{{', '.join(f'{name}: {item}' for name, item in pairs)}}}"
    return "write {name: value}"


def _mapping_misfit(
    node: Node, annotation: Annotation, definitions: Mapping[str, Definition]
) -> Misfit | None:
    if not isinstance(node, MappingNode):
        return Misfit(set_at(node), _told(node), "a mapping", _mapping_hint(node))
    above, below = annotation.args if len(annotation.args) == 2 else (None, None)
    for key, entry in node.entries.items():
        name = ScalarNode(key, entry.key_span)
        found = find_misfit(name, above, definitions) or find_misfit(entry.value, below, definitions)
        if found is not None:
            return found
    return None


def _enum_misfit(node: Node, definition: EnumDefinition) -> Misfit | None:
    value = node.value if isinstance(node, ScalarNode) else None
    names = [member.name for member in definition.members]
    values = [member.value for member in definition.members if member.is_literal]
    if isinstance(node, ScalarNode) and (value in names or any(_is_same(value, one) for one in values)):
        return None
    if len(values) < len(names):  # a computed value may be this one
        return None
    kind = definition.name.rpartition(".")[2]
    hint = nearest_or_all(value, names, kind=f"members of {kind}") if isinstance(value, str) else None
    return Misfit(
        set_at(node), _told(node), f"a member of {kind}", hint or f"members of {kind}: {listing(names)}"
    )


def _dataclass_misfit(
    node: Node, definition: DataclassDefinition, definitions: Mapping[str, Definition]
) -> Misfit | None:
    kind = definition.name.rpartition(".")[2]
    if not isinstance(node, MappingNode):
        return Misfit(set_at(node), _told(node), f"a mapping with the fields of {kind}")
    fields = {field.name: field for field in definition.fields}
    for key, entry in node.entries.items():
        if key not in fields:
            hint = nearest_or_all(key, fields, kind=f"fields of {kind}")
            return Misfit(entry.key_span, quote(key), f"a field of {kind}", hint)
        if found := find_misfit(entry.value, fields[key].annotation, definitions):
            return found
    missing = [
        field.name for field in definition.fields if not field.has_default and field.name not in node.entries
    ]
    if missing:
        return Misfit(set_at(node), f"a mapping without {quote(missing[0])}", f"every field of {kind}")
    return None
