"""What differs between two pipelines, as text, as Markdown for a comment on a change, and as JSON.

Takes a `Difference`, gives text or the shape of `schemas/diff.schema.json`. Names, values and code may be a
stranger's: text is made printable, Markdown stands in code spans and fences that it cannot leave.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from pipespec.document.nodes import JSON, Node, ScalarNode, plain
from pipespec.plan.changes import Change, Part, place_text, value_text
from pipespec.plan.diff import Difference, Rerun, ValueChange
from pipespec.plan.model import Action
from pipespec.views.terminal import printable, rows

__all__ = ["render_markdown", "render_text", "to_json"]

_ROWS: Final = 200
"""So many rows of one table stand in Markdown, of which a comment takes 65,536 characters."""
_DIFF_TEXT: Final = 20_000
"""So many characters of diffs stand in Markdown."""
_BACKTICKS: Final = re.compile(r"`+")


def render_text(found: Difference) -> str:
    """Show steps, values and code that differ, and what would run again, for a terminal of 80 columns."""
    head = f"{printable(found.old.label)} -> {printable(found.new.label)}"
    if found.is_empty:
        return "\n".join([f"{head}: no difference", *_notes(found)])
    sections = [
        [head, *_notes(found)],
        _table("steps:", _steps(found)),
        _table("values:", ((path, f"{change}  {place}".rstrip()) for path, change, place in _values(found))),
        _table("code:", ((change.name, _place(change)) for change in found.code)),
        [printable(line) for change in found.code if change.diff for line in ("", *change.diff.splitlines())][
            1:
        ],
        _table("would run again:", _reruns(found)) or ["nothing would run again"],
    ]
    return "\n\n".join("\n".join(lines) for lines in sections if lines)


def render_markdown(found: Difference) -> str:
    """Show the same in GitHub's Markdown, what would run again first, the diff of code folded."""
    lines = [f"### Pipeline: {_code(found.old.label)} → {_code(found.new.label)}", ""]
    if found.is_empty:
        return "\n".join([*lines, "No difference.", *(f"\n{_code(note)}" for note in _notes(found))]) + "\n"
    certain = sum(not one.may for one in found.reruns)
    may = len(found.reruns) - certain
    lines += [
        f"**{certain} would run again, {may} may.**" if found.reruns else "**Nothing would run again.**",
        "",
    ]
    lines += _markdown_table(("step", "would run again"), list(_reruns(found)))
    lines += _markdown_table(("steps", ""), list(_steps(found)))
    lines += _markdown_table(("value", "change", "place"), list(_values(found)))
    lines += _markdown_table(("code", "place"), [(change.name, _place(change)) for change in found.code])
    diffs = "\n".join(change.diff for change in found.code if change.diff)
    if diffs:
        more = "" if len(diffs) <= _DIFF_TEXT else f"\n... {len(diffs) - _DIFF_TEXT} more characters"
        text = "".join(c for c in diffs[:_DIFF_TEXT] if c in "\n\t" or c.isprintable()) + more
        fence = "`" * max(3, 1 + max(map(len, _BACKTICKS.findall(text)), default=0))
        lines += ["<details><summary>Code</summary>", "", f"{fence}diff", text, fence, "", "</details>", ""]
    lines += [f"{_code(note)}\n" for note in _notes(found)]
    return "\n".join(lines).rstrip() + "\n"


def to_json(found: Difference) -> dict[str, Any]:
    """Return the shape of `schemas/diff.schema.json`."""
    return {
        "version": 1,
        "old": found.old.label,
        "new": found.new.label,
        "notes": [*found.old.notes, *found.new.notes],
        "added": list(found.added),
        "removed": list(found.removed),
        "renamed": [{"old": old, "new": new} for new, old in found.renamed.items()],
        "changed": [
            {"step": step, "changes": [_change(change) for change in changes]}
            for step, changes in found.changed.items()
        ],
        "values": [
            {
                "path": value.path,
                "state": _state(value),
                "old": None if value.old is None else plain(value.old),
                "new": None if value.new is None else plain(value.new),
                "file": None if value.place is None else value.place.file,
                "line": None if value.place is None else value.place.line,
                "layer": None if value.place is None else value.place.layer,
            }
            for value in found.values
        ],
        "code": [_change(change) for change in found.code],
        "reruns": [
            {
                "step": one.step,
                "may": one.may,
                "causes": list(one.causes),
                "recorded": str(found.actions[one.step]) if one.step in found.actions else None,
            }
            for one in found.reruns
        ],
    }


def _steps(found: Difference) -> Iterator[tuple[str, str]]:
    for step in found.added:
        yield step, "added"
    for step in found.removed:
        yield step, "removed"
    for step, old in found.renamed.items():
        yield step, f"renamed, was {old}"
    for step, changes in found.changed.items():
        yield step, "; ".join(change.detail for change in changes)


def _values(found: Difference) -> Iterator[tuple[str, str, str]]:
    for value in found.values:
        place = value.place
        where = "" if place is None else place_text(place)
        if value.new is None:
            where = f"was {where}" if where else ""
        yield value.path, _change_text(value), where


def _change_text(value: ValueChange) -> str:
    if value.old is None:
        return f"new: {_value(value.new)}"
    if value.new is None:
        return f"gone: {_value(value.old)}"
    old, new = _value(value.old), _value(value.new)
    return f"{old} -> {new}" if old != new else "another text"


def _value(node: Node | None) -> str:
    if isinstance(node, ScalarNode):
        return value_text(node.value)
    return value_text(json.dumps(None if node is None else plain(node), ensure_ascii=False)).strip('"')


def _reruns(found: Difference) -> Iterator[tuple[str, str]]:
    for one in found.reruns:
        yield one.step, _why(found, one)


def _why(found: Difference, one: Rerun) -> str:
    if one.may:
        why = f"may, if {' or '.join(one.causes)} makes other content"
    elif one.changes:
        more = f" and {len(one.changes) - 1} more" if len(one.changes) > 1 else ""
        why = f"{one.changes[0].detail}{more}"
    else:
        why = "is new"
    return f"{why} (its result is on record)" if found.actions.get(one.step) is Action.REUSE else why


def _notes(found: Difference) -> list[str]:
    return [printable(f"note: {note}") for note in (*found.old.notes, *found.new.notes)]


def _place(change: Change) -> str:
    return change.place or ("" if change.span is None else place_text(change.span))


def _table(title: str, cells: Iterable[tuple[str, str]]) -> list[str]:
    lines = rows([((printable(name),), printable(text)) for name, text in cells])
    return [title, *lines] if lines else []


def _markdown_table(head: tuple[str, ...], cells: list[tuple[str, ...]]) -> list[str]:
    if not cells:
        return []
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    lines += [f"| {' | '.join(map(_code, row))} |" for row in cells[:_ROWS]]
    more = len(cells) - _ROWS
    return [*lines, *([f"| and {more} more |{' |' * (len(head) - 1)}"] if more > 0 else []), ""]


def _code(text: str) -> str:
    """Return a text as a code span that it cannot leave, in a table too."""
    if not text:
        return ""
    shown = printable(text).replace("|", "\\|")
    ticks = "`" * (1 + max(map(len, _BACKTICKS.findall(shown)), default=0))
    return f"{ticks}{shown}{ticks}" if len(ticks) == 1 else f"{ticks} {shown} {ticks}"


def _state(value: ValueChange) -> str:
    return "added" if value.old is None else "removed" if value.new is None else "changed"


def _change(change: Change) -> dict[str, JSON]:
    is_content = change.part in (Part.CODE, Part.INPUT)
    return {
        "part": str(change.part),
        "name": change.name,
        "detail": change.detail,
        "old": None if is_content else change.old,
        "new": None if is_content else change.new,
        "place": _place(change) or None,
        "diff": change.diff,
    }
