"""Findings about a pipeline as text with the lines they are in, JSON, GitHub annotations and SARIF.

Takes diagnostics, in the order in which they are to be shown, and the texts of the files to which they refer. If the
text of a file is missing, only its name is shown, without the line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import quote

from pipespec.document.password_masking import (
    concerns_messages,
    without_addresses,
    without_passwords,
    without_receivers,
)
from pipespec.errors import Diagnostic, Severity, Span, counted
from pipespec.views.styled_text import Style, joined, styled
from pipespec.views.terminal_text import UNLIMITED, WIDTH, columns_of, printable

__all__ = ["error_line", "render_text", "summary", "to_github", "to_json", "to_sarif"]

_LINE_BREAK: Final = re.compile(r"\r\n|\r|\n")
_SENTENCE: Final = re.compile(r"(?<=[.?!]) (?=[A-Z`])")
_TAB: Final = "    "
_SNIPPET: Final = 96
"""Maximum number of columns of a line. For a longer line, the part around the place is shown, as wide as the terminal."""
_MARGIN: Final = 8  # `   12 | `
_BEFORE: Final = 40
_URLS_ELSEWHERE: Final = frozenset({"unknown-key", "unknown-service"})
"""Codes of findings on URLs that are not below `notify`: it is misspelled, or refers to a param."""
_NO_PAGES: Final[Mapping[str, str]] = MappingProxyType({})
_STYLES: Final = {Severity.ERROR: Style.BAD, Severity.ADVICE: Style.OPEN}
_SARIF_LEVELS: Final = {Severity.ERROR: "error", Severity.ADVICE: "note"}


def render_text(diagnostics: Sequence[Diagnostic], sources: Mapping[str, str], *, limit: int = 50) -> str:
    """Show each finding with its line and a mark under its place, at most `limit` of them, then "and N more".

    Control characters in messages and lines are shown as escapes.
    """
    lines_of = cache(
        lambda file: _LINE_BREAK.split(without_addresses(sources[file])) if file in sources else []
    )
    blocks = [_block(found, lines_of(found.span.file)) for found in diagnostics[:limit]]
    if len(diagnostics) > limit:
        blocks.append(f"and {len(diagnostics) - limit} more")
    return joined("\n\n", blocks)


def error_line(message: str) -> str:
    """Show a mistake that is not in a file. The text of an error is one line."""
    return joined("", [styled("error", Style.BAD), f": {message}"])


def summary(files: Sequence[str], diagnostics: Sequence[Diagnostic]) -> str:
    """Summarize in one line: which files, how many errors, how much advice."""
    subject = printable(files[0]) if len(files) == 1 else f"{len(files)} files"
    errors = sum(found.severity is Severity.ERROR for found in diagnostics)
    advice = len(diagnostics) - errors
    counts = [counted(errors, "error")] if errors else ["no errors"]
    if advice:
        counts.append(counted(advice, "piece of advice", "pieces of advice"))
    return f"{subject}: {', '.join(counts)}"


def to_json(diagnostics: Sequence[Diagnostic]) -> dict[str, Any]:
    """Return the structure of `schemas/validate.schema.json`."""
    diagnostics = _to_be_shown(diagnostics)
    return {
        "version": 1,
        "diagnostics": [
            {
                "code": found.code,
                "severity": str(found.severity),
                "message": found.message,
                "file": found.span.file,
                "line": found.span.line,
                "column": found.span.column,
                "end_line": found.span.end_line,
                "end_column": found.span.end_column,
                "hint": found.hint,
            }
            for found in diagnostics
        ],
    }


def to_github(diagnostics: Sequence[Diagnostic]) -> str:
    """Write workflow commands, one on each line, which GitHub shows beside the lines of a pull request."""
    return "\n".join(_annotation(found) for found in _to_be_shown(diagnostics))


def to_sarif(
    diagnostics: Sequence[Diagnostic],
    *,
    tool_version: str | None = None,
    pages: Mapping[str, str] = _NO_PAGES,
) -> dict[str, Any]:
    """Return a SARIF 2.1.0 log of one run, for code scanners.

    `pages` contains Markdown about each code, which scanners show beside its findings.
    """
    diagnostics = _to_be_shown(diagnostics)
    severities = {found.code: found.severity for found in diagnostics}
    codes = sorted(severities)
    rules = [_sarif_rule(code, severities[code], pages.get(code)) for code in codes]
    driver: dict[str, Any] = {"name": "pipespec", "rules": rules}
    if tool_version is not None:
        driver["version"] = tool_version
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "columnKind": "unicodeCodePoints",
                "results": [_sarif_result(found, codes.index(found.code)) for found in diagnostics],
            }
        ],
    }


def _to_be_shown(diagnostics: Sequence[Diagnostic]) -> list[Diagnostic]:
    """Remove passwords, which may be in a `--set` or quoted as values."""
    return [
        replace(
            found,
            message=_clean(found.message, found),
            hint=None if found.hint is None else _clean_hint(found.hint, found),
            span=found.span._replace(file=_clean(found.span.file, found)),
        )
        for found in diagnostics
    ]


def _clean_hint(hint: str, found: Diagnostic) -> str:
    """Take passwords out of a hint; URLs in one are ours, unless it repeats what was written."""
    return _clean(hint, found) if "{url: " in hint else without_passwords(hint)


def _clean(text: str, found: Diagnostic) -> str:
    """Remove passwords from a text of a finding. URLs for `notify` are passwords, wherever they are set."""
    is_url_elsewhere = found.code in _URLS_ELSEWHERE and concerns_messages(found.message)
    everywhere = is_url_elsewhere or concerns_messages(found.span.file)
    return without_receivers(without_passwords(text), everywhere=everywhere)


def _block(found: Diagnostic, lines: Sequence[str]) -> str:
    span = found.span._replace(file=_clean(found.span.file, found))
    place, message = printable(str(span)), _clean(printable(found.message), found)
    word = styled(f"{found.severity}[{found.code}]", _STYLES[found.severity])
    block: list[str] = [joined("", [place, ": ", word, ": ", message])]
    if 1 <= found.span.line <= len(lines):
        text, mark = _snippet(lines[found.span.line - 1], found.span)
        block.append(_clean(f"{found.span.line:>5} | {text}".rstrip(), found))
        margin = f"{'':>{max(5, len(str(found.span.line)))}} | {mark.replace('^', '')}"
        block.append(joined("", [margin, styled(mark.lstrip(), Style.BAD)]))
    if found.hint is not None:
        help_ = _clean_hint(printable(found.hint), found)
        block.append(joined("", ["   ", styled("help", Style.PLACE), f": {help_}"]))
    return joined("\n", block)


def _snippet(line: str, span: Span) -> tuple[str, str]:
    """Return the displayed part of a line, and the carets under the span. There is at least one caret."""
    start = min(span.column - 1, len(line))
    end = min(span.end_column - 1, len(line)) if span.end_line == span.line else len(line)
    near = max(start - _SNIPPET, 0)  # so that a very long line costs no more than a short one
    shown = [
        _TAB if character == "\t" else printable(character) for character in line[near : start + _SNIPPET + 1]
    ]
    first, last = _window([columns_of(text) for text in shown], start - near)
    before, after = "…" * (near + first > 0), "…" * (near + last < len(line))
    lead = columns_of(before + "".join(shown[first : start - near]))
    marked = columns_of("".join(shown[start - near : min(end - near, last)]))
    return f"{before}{''.join(shown[first:last])}{after}", f"{' ' * lead}{'^' * max(marked, 1)}"


def _window(widths: Sequence[int], start: int) -> tuple[int, int]:
    """Choose the characters of a line that fit. They include `start`, with some context before it."""
    room = min(_SNIPPET, WIDTH.get(UNLIMITED) - _MARGIN)
    if sum(widths) <= room:
        return 0, len(widths)
    first, taken = start, 0
    while first > 0 and taken + widths[first - 1] <= min(_BEFORE, room // 2):
        first -= 1
        taken += widths[first]
    last = start
    while last < len(widths) and taken + widths[last] <= room - 2:
        taken += widths[last]
        last += 1
    return first, last


def _annotation(found: Diagnostic) -> str:
    command = "error" if found.severity is Severity.ERROR else "notice"
    span = found.span
    place = {"file": span.file, "line": span.line, "endLine": span.end_line, "col": span.column}
    if span.line == span.end_line:
        place["endColumn"] = span.end_column
    properties = ",".join(f"{key}={_github_property(str(value))}" for key, value in place.items())
    text = found.message if found.hint is None else f"{found.message}\nhelp: {found.hint}"
    return f"::{command} {properties},title={_github_property(found.code)}::{_github_data(text)}"


def _github_data(text: str) -> str:
    """Escape a text for a command; its lines stay lines, and what a log would interpret or hide is shown as escapes."""
    return "%0A".join(printable(line).replace("%", "%25") for line in text.split("\n"))


def _github_property(text: str) -> str:
    return _github_data(text).replace(":", "%3A").replace(",", "%2C")


def _sarif_rule(code: str, severity: Severity, page: str | None) -> dict[str, Any]:
    rule: dict[str, Any] = {"id": code, "defaultConfiguration": {"level": _SARIF_LEVELS[severity]}}
    if page is not None:
        first = page.split("\n\n", 1)[0].replace("\n", " ")
        rule["shortDescription"] = {"text": _SENTENCE.split(first, maxsplit=1)[0].replace("`", "'")}
        rule["help"] = {"text": page, "markdown": page}
    return rule


def _sarif_result(found: Diagnostic, rule: int) -> dict[str, Any]:
    span = found.span
    return {
        "ruleId": found.code,
        "ruleIndex": rule,
        "level": _SARIF_LEVELS[found.severity],
        "message": {"text": found.message if found.hint is None else f"{found.message}\nhelp: {found.hint}"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {
                        "uri": quote(f"file://{span.file}" if span.file[:1] == "/" else span.file, safe="/:")
                    },
                    "region": {
                        "startLine": span.line,
                        "startColumn": span.column,
                        "endLine": span.end_line,
                        "endColumn": span.end_column,
                    },
                }
            }
        ],
    }
