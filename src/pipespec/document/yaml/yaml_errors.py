"""Explains in plain words what the YAML parser did not understand, and how to correct it.

Takes the parser's error and the text. Returns a `Finding`: the diagnostic and, if the error is local, a patch of the
same length. With the patch, the parser can continue, so that the next error is found as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from pipespec.document.wording import quote
from pipespec.document.yaml.indentation import first_without_colon, likely_depth, misindented
from pipespec.errors import Diagnostic, Span, counted
from pipespec.frozen_values import frozen

__all__ = ["Finding", "explain", "span_between"]


@frozen
class Finding:
    """One syntax error. `patch` is (start, end, replacement) in the text, or None if no patch helps."""

    diagnostic: Diagnostic
    patch: tuple[int, int, str] | None = None


@frozen
class _Trouble:
    """The parser's error, split into parts. Offsets count characters from 0."""

    text: str
    file: str
    layer: str
    problem: str
    context: str
    at: int
    begun: int
    """The start of the construct that failed; `at` if the parser named none."""

    @property
    def char(self) -> str:
        return self.text[self.at : self.at + 1]

    def finding(self, message: str, hint: str | None, start: int, end: int | None = None) -> Finding:
        return self.coded("yaml-syntax", message, hint, start, end)

    def misindented(self) -> Finding | None:
        """Explain the error by the indentation of its line, if that is the cause."""
        found = misindented(self.text, self.at)
        return self.finding(found.message, found.hint, found.start, found.end) if found else None

    def coded(self, code: str, message: str, hint: str | None, start: int, end: int | None = None) -> Finding:
        span = span_between(self.text, start, start + 1 if end is None else end, self.file, self.layer)
        return Finding(Diagnostic(code, message, span, hint))


_BREAK: Final = re.compile(r"\r\n|\r|\n")
_WORD: Final = re.compile(r"[^\s,\[\]{}]+")
_KEY_AND_BRACKET: Final = re.compile(r"[ ]*(?P<key>\w[\w.-]*(?::|[ ]+)[\[{])")
"""The start of a line whose key lacks its ':' or the space after it, so that its brackets are text."""
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
    return trouble.finding(f"this is not valid YAML: {trouble.problem}", None, at)


def _tag(trouble: _Trouble) -> Finding:
    word = _WORD.match(trouble.text, trouble.begun)
    end = word.end() if word else trouble.begun + 1
    written = trouble.text[trouble.begun : end]
    return trouble.coded(
        "unknown-tag",
        f"tag {quote(written)} is not allowed: a pipeline file contains only plain values",
        "remove the tag; put text that starts with '!' in quotes",
        trouble.begun,
        end,
    )


def _bad_start(trouble: _Trouble) -> Finding:
    if trouble.char == "\t":
        return _tab(trouble)
    value = _OTHER_VALUE.match(trouble.text, trouble.at)
    written = value[0].split(" #")[0].rstrip() if value else trouble.char
    found = trouble.finding(
        f"text cannot start with {quote(trouble.char)} unless it is in quotes",
        f'write "{written}"',
        trouble.at,
        trouble.at + len(written),
    )
    return Finding(found.diagnostic, (trouble.at, trouble.at + 1, "_"))


def _tab(trouble: _Trouble) -> Finding:
    at = max(trouble.text.find("\t", trouble.at), 0)
    likely = likely_depth(trouble.text, at)
    how_many = f", {likely[0]} if it belongs to line {likely[1]}" if likely else ""
    return trouble.finding(
        "the indentation contains a tab", f"indent with spaces{how_many}; YAML allows no tabs here", at
    )


def _in_flow(trouble: _Trouble) -> Finding:
    if trouble.char == "{" and trouble.text[trouble.at - 1 : trouble.at] == "$":
        return _unquoted_reference(trouble)
    opening = trouble.text[trouble.begun : trouble.begun + 1]
    closing = {"[": "]", "{": "}"}.get(opening, "")
    key_on_later_line = trouble.char == ":" and _BREAK.search(trouble.text, trouble.begun, trouble.at)
    if not closing or not trouble.char or key_on_later_line:
        return _never_closed(trouble, opening, closing)
    hint = f"close {quote(opening)} with {quote(closing)}, or put the text that contains {quote(trouble.char)} in quotes"
    return trouble.finding(f"',' or {quote(closing)} is expected here", hint, trouble.at)


def _never_closed(trouble: _Trouble, opening: str, closing: str) -> Finding:
    if not closing:
        return trouble.finding("',' or a closing bracket is expected here", None, trouble.at)
    return trouble.finding(
        f"{quote(opening)} is not closed", f"add the missing {quote(closing)}", trouble.begun
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
        "a reference inside { } or [ ] needs quotes, because YAML reads its braces as a mapping",
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
        "put text that starts with this character in quotes, or close the bracket before it",
        trouble.at,
    )


def _colon_in_value(trouble: _Trouble) -> Finding:
    if first := first_without_colon(trouble.text, trouble.at):
        return _keyless(trouble, *first)
    return trouble.misindented() or trouble.finding(
        "': ' is inside a value, where a key is not allowed",
        "put the value in quotes, or write the key on its own line, below the other keys",
        trouble.at,
    )


def _no_colon(trouble: _Trouble) -> Finding:
    return _keyless(
        trouble, trouble.begun, _end(_REST_OF_LINE.match(trouble.text, trouble.begun), trouble.begun + 1)
    )


def _keyless(trouble: _Trouble, start: int, end: int) -> Finding:
    forgotten = "'-' of a list item" if trouble.text.startswith("-", start) else "key and its ':'"
    return trouble.finding(
        f"{quote(trouble.text[start:end].rstrip())} is no 'key: value'",
        f"add a space after the {forgotten}",
        start,
        end,
    )


def _follows_value(trouble: _Trouble) -> Finding | None:
    line_start = max(trouble.text.rfind("\n", 0, trouble.at), trouble.text.rfind("\r", 0, trouble.at)) + 1
    if not trouble.text[line_start : trouble.at].strip():
        return None
    end = _end(_REST_OF_LINE.match(trouble.text, trouble.at), trouble.at)
    if begun := _KEY_AND_BRACKET.match(trouble.text, line_start):
        return _keyless(trouble, begun.start("key"), end)
    return trouble.finding(
        f"{quote(trouble.text[trouble.at : end].rstrip())} follows a value that is already complete",
        "put the whole value in quotes, or remove the extra text",
        trouble.at,
        end,
    )


def _no_key(trouble: _Trouble) -> Finding:
    if found := _follows_value(trouble) or trouble.misindented():
        return found
    if trouble.char == ":":
        return trouble.finding("there is not a key before this ':'", 'write an empty key as ""', trouble.at)
    if trouble.text.startswith("- ", trouble.at):
        return trouble.finding(
            "a list item is where a key is expected", f"indent it{_below_line(trouble)}", trouble.at
        )
    return trouble.finding(
        "the indentation of this line matches no mapping above it",
        "indent it like the keys that it belongs to",
        trouble.at,
    )


def _below_line(trouble: _Trouble) -> str:
    likely = likely_depth(trouble.text, trouble.at)
    return (
        f" by {counted(likely[0], 'space')}, below line {likely[1]}"
        if likely and likely[0]
        else " under its key"
    )


def _no_dash(trouble: _Trouble) -> Finding:
    return trouble.misindented() or trouble.finding(
        "a list item, '- …', is expected here", "indent the lines that belong to the item above", trouble.at
    )


def _dash_in_value(trouble: _Trouble) -> Finding:
    return trouble.finding(
        "'- ' starts a list item, which is not allowed here",
        "start the list on a new line, or write it as [a, b]",
        trouble.at,
    )


def _unclosed_quote(trouble: _Trouble) -> Finding:
    quote_sign = trouble.text[trouble.begun : trouble.begun + 1]
    return trouble.finding(
        "the quote that opens here is not closed", f"add the closing {quote_sign}", trouble.begun
    )


def _escape(trouble: _Trouble) -> Finding:
    start = trouble.text.rfind("\\", 0, trouble.at + 1)
    return trouble.finding(
        "this backslash does not start an escape that YAML knows",
        "write a path with '/'; in other text double the backslash, or use single quotes, where it has no special meaning",
        start if start >= trouble.begun else trouble.at,
    )


def _colon_in_flow(trouble: _Trouble) -> Finding:
    return trouble.finding(
        "text inside { } or [ ] cannot end with ':'",
        "put a space after it, or put the text in quotes",
        trouble.at,
    )


def _anchor(trouble: _Trouble) -> Finding:
    word = _WORD.match(trouble.text, trouble.begun)
    written = word[0] if word else trouble.text[trouble.begun : trouble.begun + 1]
    return trouble.finding(
        f"{quote(written[:1])} starts the name of an anchor or alias, but {quote(written)} is not one",
        f'if text is intended, put it in quotes: "{written}"',
        trouble.begun,
        trouble.begun + len(written),
    )


def _block_header(trouble: _Trouble) -> Finding:
    sign = trouble.text[trouble.begun : trouble.begun + 1]
    return trouble.finding(
        f"the text after {quote(sign)} starts on the next line",
        f"put a value that starts with {quote(sign)} in quotes",
        trouble.begun,
    )


def _second_top(trouble: _Trouble) -> Finding:
    return (
        _follows_value(trouble)
        or trouble.misindented()
        or trouble.finding("the document has ended before this line", "indent it, or remove it", trouble.at)
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
"""Parts of the parser's own wording, and the function that translates it. The first match counts."""
