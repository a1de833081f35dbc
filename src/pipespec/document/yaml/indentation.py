"""Find the line whose indentation is wrong, and what it should be, in text that YAML cannot parse for that reason.

Takes a text and the offset at which the parser stopped. Returns a message about the line there, or None if the lines
above do not show the mistake. It examines lines, not YAML: it returns nothing inside brackets, quotes and block texts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from pipespec.document.nodes import Entry, ScalarNode
from pipespec.document.wording import listing, quote
from pipespec.errors import Span, counted
from pipespec.frozen_values import frozen

__all__ = ["Misindented", "first_without_colon", "likely_depth", "misindented", "shifted_key"]

_LINE: Final = re.compile(r"(?P<content>[^\r\n]*)(?:\r\n|\r|\n|\Z)")
_KEY: Final = re.compile(r"""(?:"[^"]*"|'[^']*'|[^\s#"'{}\[\],&*!|>%@`?-][^#:]*?)(?=[ ]*:(?:[ ]|$))""")
_BARE: Final = re.compile(r"[\w.*-]+(?:$|[ :])")
_DASH: Final = re.compile(r"-(?:[ ]+|$)")
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"|' + r"'(?:[^']|'')*'")
_OPEN_QUOTE: Final = re.compile(r"""(?:^|[:\-,\[{][ ]*)["']""")
_COMMENT: Final = re.compile(r"(?:^|[ ])#.*")
_TEXT_BLOCK: Final = re.compile(r"(?::|^-|[ ]-)[ ]+[|>][-+0-9]*[ ]*$")


@frozen
class Misindented:
    """A line with an indentation that no line above has: the message, and the place of its first word in the text."""

    message: str
    hint: str
    start: int
    end: int


class _TextLine(NamedTuple):
    number: int
    depth: int
    content: str


class _Level(NamedTuple):
    """The depth of keys, or of the dashes of a list, above a line, and the last of them."""

    depth: int
    name: str
    is_item: bool
    number: int


def misindented(text: str, at: int) -> Misindented | None:
    """Explain the line at the offset `at`, if its first key or dash has a depth that none above it has."""
    start, line, above = _read(text, at)
    if line is None or not above:
        return None
    key, is_item = _KEY.match(line.content), _DASH.match(line.content) is not None
    colon = start + line.depth + (key.end() if key else 0)
    if (key is None and not is_item) or (at > colon and text[colon:at].strip(" ")):
        return None
    levels = [level for level in _levels(above) if level.is_item == is_item]
    opens = above[-1].content.endswith(":") and line.depth > above[-1].depth
    if not levels or opens or any(level.depth == line.depth for level in levels):
        return None
    inner = next((level for level in reversed(levels) if level.depth > line.depth), None)
    outer = next((level for level in levels if level.depth < line.depth), None)
    ways = [
        f"{_by(level.depth)}, as {quote(level.name)} on line {level.number}"
        for level in (inner, outer)
        if level is not None
    ]
    if _is_first_wrong(line, above, inner, outer):
        ways = [ways[0], f"that line by {counted(line.depth, 'space')}"]
    name = key[0] if key else line.content
    told = f"indented by {counted(line.depth, 'space')}" if line.depth else "not indented"
    message = f"{quote(name)} is {told}, which matches no line above it"
    place = start + line.depth
    hint = f"indent it {', or '.join(ways)}".replace("indent it not at all", "do not indent it")
    return Misindented(message, hint, place, place + len(name))


def first_without_colon(text: str, at: int) -> tuple[int, int] | None:
    """Return the place of the line above the offset `at`, if it is the first of a block and, unlike those below, has no key."""
    start, line, above = _read(text, at)
    if line is None or not above or above[-1].depth != line.depth or not _BARE.match(above[-1].content):
        return None
    opens = len(above) == 1 or (above[-2].content.endswith(":") and above[-2].depth < line.depth)
    if not opens or _KEY.match(above[-1].content) or _DASH.match(above[-1].content):
        return None
    begun = text.rindex(above[-1].content, 0, start)
    return begun, begun + len(above[-1].content)


def _is_first_wrong(
    line: _TextLine, above: Sequence[_TextLine], inner: _Level | None, outer: _Level | None
) -> bool:
    """Return whether the line above, the first of its block, may be the one with wrong indentation."""
    if len(above) < 2 or not above[-2].content.endswith(":"):
        return False
    if inner is None:
        return above[-1].depth <= above[-2].depth
    return inner.number == above[-1].number and (
        outer is None or line.depth - outer.depth > inner.depth - line.depth
    )


def shifted_key(
    entries: Mapping[str, Entry],
    repeated: Sequence[tuple[str, Span]],
    depth: int,
    outer: tuple[str, int] | None,
) -> tuple[str, Span, str] | None:
    """Explain keys that are set twice in a mapping by an empty key on the line above the first of them.

    `depth` is that of the mapping's keys. `outer` is the key of the mapping, with its depth. Returns message, place and
    hint.
    """
    first, place = repeated[0]
    names = list(entries)
    before = [name for name in names if entries[name].key_span < place]
    if not before or not _is_empty(owner := entries[before[-1]]):
        return None
    leader = names[names.index(first) - 1] if names.index(first) else None
    is_first = leader is not None and _is_empty(entries[leader])
    told = listing(dict.fromkeys(name for name, _ in repeated))
    are = "is" if told.count("'") == 2 else "are"
    message = f"{quote(before[-1])} is indented by {counted(depth, 'space')}, as the keys below it, so {told} {are} set twice"
    if is_first:
        hint = f"indent the keys below {quote(str(leader))} and {quote(before[-1])} by {counted(depth + 2, 'space')}"
    elif outer is not None:
        hint = f"indent {quote(before[-1])} by {counted(outer[1], 'space')}, as {quote(outer[0])}; or remove what is set twice"
    else:
        return None
    return message, owner.key_span, hint


def _is_empty(entry: Entry) -> bool:
    return isinstance(entry.value, ScalarNode) and entry.value.value is None and not entry.value.quoted


def likely_depth(text: str, at: int) -> tuple[int, int] | None:
    """Return the number of spaces that a line most likely should have, given the line above it, and the number of that line."""
    _, _, above = _read(text, at)
    if not above:
        return None
    last = above[-1]
    opens = last.content.endswith(":") or _TEXT_BLOCK.search(last.content)
    return last.depth + (2 if opens else 0), last.number


def _read(text: str, at: int) -> tuple[int, _TextLine | None, Sequence[_TextLine]]:
    """Return the start of the line at an offset, that line, and the lines above it that have keys or dashes.

    If a construct that spans several lines is open, the line is None and there are no lines above it.
    """
    above: list[_TextLine] = []
    brackets, block = 0, -1
    for number, start, content in _lines(text):
        stripped = content.lstrip(" ")
        depth = len(content) - len(stripped)
        is_last = start + len(content) >= at
        if block >= 0 and (not stripped or depth > block):
            if is_last:
                return start, None, ()
            continue
        block = -1
        bare = _COMMENT.sub("", _QUOTED.sub('""', stripped)).rstrip()
        if is_last:
            return (start, None, ()) if brackets > 0 else (start, _TextLine(number, depth, stripped), above)
        if brackets == 0 and bare:
            above.append(_TextLine(number, depth, _COMMENT.sub("", stripped).rstrip()))
        brackets += sum(bare.count(sign) for sign in "[{") - sum(bare.count(sign) for sign in "]}")
        if _OPEN_QUOTE.search(bare.replace('""', "")):
            return start, None, ()
        if _TEXT_BLOCK.search(bare):
            block = depth
    return len(text), None, ()


def _lines(text: str) -> Iterator[tuple[int, int, str]]:
    at, number = 0, 0
    while at < len(text) or number == 0:
        found = _LINE.match(text, at)
        assert found is not None
        number += 1
        yield number, at, found["content"]
        at = found.end()


def _levels(above: Sequence[_TextLine]) -> list[_Level]:
    """Return the depths at which keys and dashes may follow, the deepest first."""
    levels: list[_Level] = []
    limit: float = float("inf")
    for number, depth, content in reversed(above):
        found: list[_Level] = []
        rest, inner = content, depth
        while dash := _DASH.match(rest):
            found.append(_Level(inner, rest.strip(), is_item=True, number=number))
            rest, inner = rest[dash.end() :], inner + dash.end()
        if key := _KEY.match(rest):
            found.append(_Level(inner, key[0], is_item=False, number=number))
        levels += [level for level in reversed(found) if level.depth < limit]
        if found:
            limit = min(limit, depth)
    return levels


def _by(depth: int) -> str:
    return f"by {counted(depth, 'space')}" if depth else "not at all"
