"""Plain scalars in the core schema of YAML 1.2: which unquoted text is a null, a bool or a number.

Takes the text of one unquoted scalar. Returns its value, or `Refused` for numbers that do not fit into JSON or 64 bits.
`no`, `2021-10-01`, `12:30:45` and `1_000` are text, `1e3` is a float, `017` is 17.
"""

from __future__ import annotations

import json
import math
import re
from typing import Final

from pipespec.document.nodes import JSON, Scalar
from pipespec.frozen_values import frozen

__all__ = ["Refused", "is_plain_text", "resolve_plain", "spell", "spell_float", "written_form"]

_WORDS: Final[dict[str, Scalar]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_BOOLS_OF_YAML_1_1: Final = frozenset(
    spelling
    for word in ("y", "yes", "on", "n", "no", "off")
    for spelling in (word, word.capitalize(), word.upper())
)
_NUMBER_STARTS: Final = frozenset("0123456789+-.")
_DECIMAL: Final = re.compile(r"[-+]?[0-9]+", re.ASCII)
_OTHER_BASE: Final = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+", re.ASCII)
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_NOT_FINITE: Final = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_OF_YAML_1_1: Final = re.compile(
    r"""
    [-+]?(?: 0b[01_]+ | 0[0-7_]+ | [0-9][0-9_]* | 0x[0-9a-fA-F_]+ )                   # whole numbers
    | [-+]? [0-9][0-9_]* (?: :[0-5]?[0-9] )+ (?: \.[0-9_]* )?                         # by sixties
    | [-+]? (?: [0-9][0-9_]*\.[0-9_]* | \.[0-9_]+ ) (?: [eE][-+]?[0-9]+ )?
    | [0-9]{4}-[0-9]{1,2}-[0-9]{1,2} (?: (?: [Tt] | [ \t]+ ) [0-9].* )?               # dates and times
    | = | <<
    """,
    re.VERBOSE | re.ASCII,
)
_LONGEST_NUMBER: Final = 1_000  # characters; Python's own conversions take quadratic time
_INT64: Final = range(-(2**63), 2**63)


@frozen
class Refused:
    """A number that YAML accepts but we do not: the parts of its diagnostic."""

    code: str
    message: str
    hint: str


def resolve_plain(text: str) -> Scalar | Refused:
    """Return the value of the unquoted `text`."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_STARTS:
        return text
    return _resolve_number(text)


def _resolve_number(text: str) -> Scalar | Refused:
    is_float = _FLOAT.fullmatch(text)
    other_base = None if is_float else _OTHER_BASE.fullmatch(text)
    if not is_float and not other_base:
        return _not_finite(text) if _NOT_FINITE.fullmatch(text) else text
    if len(text) > _LONGEST_NUMBER:
        return _too_large(f"a number of {len(text)} characters is too long")
    if other_base or _DECIMAL.fullmatch(text):
        return _integer(text, int(text, 0) if other_base else int(text))
    value = float(text)
    return value if math.isfinite(value) else _not_finite(text)


def _integer(text: str, value: int) -> int | Refused:
    return value if value in _INT64 else _too_large(f"{_cut(text)} does not fit into 64 bits")


def _too_large(message: str) -> Refused:
    return Refused("number-too-large", message, "write it in quotes, as text, or as a float with an exponent")


def _not_finite(text: str) -> Refused:
    return Refused(
        "number-not-finite",
        f"{_cut(text)} is not a finite number",
        "use null for 'none', a large number such as 1e300, or quotes if text is intended",
    )


def _cut(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:39]}…"


def written_form(text: str, value: Scalar) -> str | None:
    """Return `text` if it contains more than `value`: `3.10`, `007`, `~`, and words such as `no`."""
    if isinstance(value, str):
        return text if text in _BOOLS_OF_YAML_1_1 else None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return None if text == (repr(value) if is_number else spell(value)) else text


def is_plain_text(text: str) -> bool:
    """Return whether an unquoted text is the same text for parsers of YAML 1.2 and of YAML 1.1: not `no`, not `22:22`."""
    of_1_1 = text in _BOOLS_OF_YAML_1_1 or _OF_YAML_1_1.fullmatch(text) is not None
    return resolve_plain(text) == text and not of_1_1


def spell_float(value: float) -> str:
    """Format a finite number so that YAML 1.1 also reads it as a number: `1.0e-05`."""
    mantissa, e, exponent = repr(value).partition("e")
    return f"{mantissa}.0e{exponent}" if e and "." not in mantissa else repr(value)


def spell(value: JSON) -> str:
    """Format a value as text: a text is unchanged, everything else is as in JSON (`true`, `0.1`, `[1, 2]`)."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
