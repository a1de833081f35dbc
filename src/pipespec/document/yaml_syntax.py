"""What the YAML parser did not understand, in plain words and with the way out.

Takes the parser's error and the text; gives a `Finding`: the diagnostic, and where the mistake is local a
patch of the same length that lets the parser go on, so that the next mistake is found as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from pipespec.document.wording import quote
from pipespec.errors import Diagnostic, Span

__all__ = ["Finding", "explain", "span_between"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One syntax error. `patch` is (start, end, replacement) in the text, or None where nothing helps."""

    diagnostic: Diagnostic
    patch: tuple[int, int, str] | None = None


@dataclass(frozen=True, slots=True)
class _Trouble:
    """The parser's error, taken apart. Offsets count characters from 0."""

    text: str
    file: str
    layer: str
    problem: str
    context: str
    at: int
    begun: int
    """Where the construct that failed begins; `at` where the parser named none."""

    @property
    def char(self) -> str:
        return self.text[self.at : self.at + 1]

    def finding(self, message: str, hint: str | None, start: int, end: int | None = None) -> Finding:
        return self.coded("yaml-syntax", message, hint, start, end)

    def coded(self, code: str, message: str, hint: str | None, start: int, end: int | None = None) -> Finding:
        span = span_between(self.text, start, start + 1 if end is None else end, self.file, self.layer)
        return Finding(Diagnostic(code, message, span, hint))


_BREAK: Final = re.compile(r"\r\n|\r|\n")
_WORD: Final = re.compile(r"[^\s,\[\]{}]+")
_REST_OF_LINE: Final = re.compile(r"[^\r\n]*")
_BEFORE_IN_FLOW: Final = re.compile(r"[^\s,\[\]{}]*\Z")
_OTHER_VALUE: Final = re.compile(r"[^,\[\]{}\r\n]*")


def span_between(text: str, start: int, end: int, file: str, layer: str) -> Span:
    """Return the span of `text[start:end]`; offsets count characters from 0."""
    start, end = min(start, len(text)), min(end, len(text))
    line, column = _position(text, start)
    end_line, end_column = _position(text, max(start, end))
    return Span(file, line, column, end_line, end_column, layer)


def _position(text: str, offset: int) -> tuple[int, int]:
    line, line_start = 1, 0
    for found in _BREAK.finditer(text, 0, offset):
        line, line_start = line + 1, found.end()
    return line, offset - line_start + 1


def explain(error: Any, text: str, file: str, layer: str) -> Finding:
    """Translate a `MarkedYAMLError` of the parser; `text` is what the user wrote."""
    at = error.problem_mark.index if error.problem_mark is not None else 0
    begun = error.context_mark.index if error.context_mark is not None else at
    trouble = _Trouble(text, file, layer, error.problem or "", error.context or "", at, begun)
    if "a tag" in trouble.context or "tag handle" in trouble.problem:
        return _tag(trouble)
    for part, translate in _TRANSLATIONS:
        if part in trouble.problem:
            return translate(trouble)
    return trouble.finding(f"this is not YAML: {trouble.problem}", None, at)


def _tag(trouble: _Trouble) -> Finding:
    word = _WORD.match(trouble.text, trouble.begun)
    end = word.end() if word else trouble.begun + 1
    written = trouble.text[trouble.begun : end]
    return trouble.coded(
        "unknown-tag",
        f"tag {quote(written)} is not allowed: a pipeline file holds plain values",
        "leave the tag out; text that begins with '!' needs quotes",
        trouble.begun,
        end,
    )


def _bad_start(trouble: _Trouble) -> Finding:
    if trouble.char == "\t":
        return _tab(trouble)
    value = _OTHER_VALUE.match(trouble.text, trouble.at)
    written = value[0].split(" #")[0].rstrip() if value else trouble.char
    found = trouble.finding(
        f"text cannot begin with {quote(trouble.char)} unless it stands in quotes",
        f'write "{written}"',
        trouble.at,
        trouble.at + len(written),
    )
    return Finding(found.diagnostic, (trouble.at, trouble.at + 1, "_"))


def _tab(trouble: _Trouble) -> Finding:
    at = trouble.text.find("\t", trouble.at)
    return trouble.finding(
        "a tab stands in the indentation", "indent with spaces, YAML takes no tabs here", max(at, 0)
    )


def _in_flow(trouble: _Trouble) -> Finding:
    if trouble.char == "{" and trouble.text[trouble.at - 1 : trouble.at] == "$":
        return _unquoted_reference(trouble)
    opening = trouble.text[trouble.begun : trouble.begun + 1]
    closing = {"[": "]", "{": "}"}.get(opening, "")
    key_on_later_line = trouble.char == ":" and _BREAK.search(trouble.text, trouble.begun, trouble.at)
    if not closing or not trouble.char or key_on_later_line:
        return _never_closed(trouble, opening, closing)
    hint = f"close {quote(opening)} with {quote(closing)}, or put the text that holds {quote(trouble.char)} in quotes"
    return trouble.finding(f"',' or {quote(closing)} is expected here", hint, trouble.at)


def _never_closed(trouble: _Trouble, opening: str, closing: str) -> Finding:
    if not closing:
        return trouble.finding("',' or a closing bracket is expected here", None, trouble.at)
    return trouble.finding(
        f"{quote(opening)} is never closed", f"add the missing {quote(closing)}", trouble.begun
    )


def _unquoted_reference(trouble: _Trouble) -> Finding:
    text, opening = trouble.text, trouble.at
    line_end = _end(_REST_OF_LINE.match(text, opening), opening)
    closing = _closing_brace(text, opening, line_end)
    tail = _WORD.match(text, closing)
    end = tail.end() if tail else closing
    before = _BEFORE_IN_FLOW.search(text, max(0, opening - 1_000), opening)
    start = before.start() if before else opening - 1
    found = trouble.coded(
        "unquoted-reference",
        "a reference inside { } or [ ] needs quotes, for YAML reads its braces as a mapping",
        f'write "{text[start:end]}"',
        start,
        end,
    )
    return Finding(found.diagnostic, (opening, end, "_" * (end - opening)))


def _closing_brace(text: str, opening: int, line_end: int) -> int:
    depth = 0
    for offset in range(opening, line_end):
        depth += (text[offset] == "{") - (text[offset] == "}")
        if depth == 0:
            return offset + 1
    return line_end


def _end(found: re.Match[str] | None, otherwise: int) -> int:
    return found.end() if found else otherwise


def _no_content(trouble: _Trouble) -> Finding:
    if not trouble.char or trouble.at >= len(trouble.text.rstrip()):
        return trouble.finding(
            "the file ends inside a list or mapping", "add the missing ']' or '}'", trouble.at
        )
    return trouble.finding(
        f"a value is expected here, not {quote(trouble.char)}",
        "put text that begins so in quotes, or close the bracket before it",
        trouble.at,
    )


def _colon_in_value(trouble: _Trouble) -> Finding:
    return trouble.finding(
        "': ' stands inside a value, where no key can be",
        "put the value in quotes, or set the key on its own line, under its neighbours",
        trouble.at,
    )


def _no_colon(trouble: _Trouble) -> Finding:
    line = _REST_OF_LINE.match(trouble.text, trouble.begun)
    end = _end(line, trouble.begun + 1)
    forgotten = "'-' of a list item" if trouble.text.startswith("-", trouble.begun) else "key and its ':'"
    return trouble.finding(
        f"{quote(trouble.text[trouble.begun : end].rstrip())} is no 'key: value'",
        f"a space belongs after the {forgotten}",
        trouble.begun,
        end,
    )


def _follows_value(trouble: _Trouble) -> Finding | None:
    line_start = max(trouble.text.rfind("\n", 0, trouble.at), trouble.text.rfind("\r", 0, trouble.at)) + 1
    if not trouble.text[line_start : trouble.at].strip():
        return None
    end = _end(_REST_OF_LINE.match(trouble.text, trouble.at), trouble.at)
    return trouble.finding(
        f"{quote(trouble.text[trouble.at : end].rstrip())} follows a value that is already complete",
        "put the whole value in quotes, or remove what is too much",
        trouble.at,
        end,
    )


def _no_key(trouble: _Trouble) -> Finding:
    if found := _follows_value(trouble):
        return found
    if trouble.char == ":":
        return trouble.finding("no key stands before this ':'", 'an empty key is written ""', trouble.at)
    if trouble.text.startswith("- ", trouble.at):
        return trouble.finding(
            "a list item stands where a key is expected", "indent it under its key", trouble.at
        )
    return trouble.finding(
        "the indentation of this line fits no mapping above it",
        "give it the column of the keys that it belongs with",
        trouble.at,
    )


def _no_dash(trouble: _Trouble) -> Finding:
    return trouble.finding(
        "a list item, '- …', is expected here", "indent what belongs to the item above", trouble.at
    )


def _dash_in_value(trouble: _Trouble) -> Finding:
    return trouble.finding(
        "'- ' begins a list item, which cannot stand here",
        "begin the list on a line of its own, or write it as [a, b]",
        trouble.at,
    )


def _unclosed_quote(trouble: _Trouble) -> Finding:
    quote_sign = trouble.text[trouble.begun : trouble.begun + 1]
    return trouble.finding(
        "the quote that opens here is never closed", f"add the closing {quote_sign}", trouble.begun
    )


def _escape(trouble: _Trouble) -> Finding:
    start = trouble.text.rfind("\\", 0, trouble.at + 1)
    return trouble.finding(
        "this backslash begins no escape that YAML knows",
        "double it, or use single quotes, in which a backslash is itself",
        start if start >= trouble.begun else trouble.at,
    )


def _colon_in_flow(trouble: _Trouble) -> Finding:
    return trouble.finding(
        "':' cannot end a text inside { } or [ ]", "put a space after it, or the text in quotes", trouble.at
    )


def _anchor(trouble: _Trouble) -> Finding:
    word = _WORD.match(trouble.text, trouble.begun)
    written = word[0] if word else trouble.text[trouble.begun : trouble.begun + 1]
    return trouble.finding(
        f"{quote(written[:1])} begins the name of an anchor or alias, and {quote(written)} is none",
        f'as text it needs quotes: "{written}"',
        trouble.begun,
        trouble.begun + len(written),
    )


def _block_header(trouble: _Trouble) -> Finding:
    sign = trouble.text[trouble.begun : trouble.begun + 1]
    return trouble.finding(
        f"the text after {quote(sign)} begins on the next line",
        f"put a value that begins with {quote(sign)} in quotes",
        trouble.begun,
    )


def _second_top(trouble: _Trouble) -> Finding:
    return _follows_value(trouble) or trouble.finding(
        "the document has ended before this line", "indent it, or remove it", trouble.at
    )


_TRANSLATIONS: Final[tuple[tuple[str, Callable[[_Trouble], Finding]], ...]] = (
    ("cannot start any token", _bad_start),
    ("tab character", _tab),
    ("expected ',' or", _in_flow),
    ("expected node content", _no_content),
    ("mapping values are not allowed", _colon_in_value),
    ("mapping keys are not allowed", _colon_in_value),
    ("could not find expected ':'", _no_colon),
    ("did not find expected key", _no_key),
    ("expected '-' indicator", _no_dash),
    ("block sequence entries are not allowed", _dash_in_value),
    ("unexpected end of stream", _unclosed_quote),
    ("document indicator", _unclosed_quote),
    ("escape character", _escape),
    ("hexdecimal number", _escape),
    ("Unicode character escape", _escape),
    ("unexpected ':'", _colon_in_flow),
    ("alphabetic or numeric character", _anchor),
    ("comment or line break", _block_header),
    ("indentation indicator", _block_header),
    ("expected <document start>", _second_top),
)
"""Parts of the parser's own wording, and who translates it; the first that fits."""
