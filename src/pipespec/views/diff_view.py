"""What differs between two pipelines, as text, as Markdown for a comment on a change, and as JSON.

Takes a `Difference`. Returns text or the structure of `schemas/diff.schema.json`. Names, values and code may come from
a stranger. Therefore, text is made printable, and Markdown puts them in code spans and fences from which they cannot
break out.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from pipespec.document.nodes import JSON, Node, ScalarNode, plain
from pipespec.errors import counted
from pipespec.plan.changes import Change, Part, place_text, value_text
from pipespec.plan.pipeline_diff import Difference, Rerun, ValueChange
from pipespec.plan.plan import Action
from pipespec.views.change_view import change_place, diff_lines
from pipespec.views.forecast_view import chain_ends, chain_lines, expected_cell, forecast_json, total_text
from pipespec.views.markdown import fence, span, table
from pipespec.views.styled_text import joined
from pipespec.views.terminal_text import WIDTH, number_text, printable, rows, seconds_text, wrap

__all__ = ["render_markdown", "render_text", "to_json"]

_DIFF_TEXT: Final = 15_000
"""Maximum number of characters of diffs in Markdown."""
_CHANGES: Final = 3
"""Maximum number of changes of one step, and of values that one line changes, in Markdown. A comment can have 65,536 characters."""
_NAMES: Final = 20
"""Maximum number of steps of a kind that Markdown names."""


def render_text(found: Difference) -> str:
    """Show steps, values and code that differ, and what would run again, for a terminal of 80 columns."""
    head = f"{printable(found.old.label)} -> {printable(found.new.label)}"
    if found.is_empty:
        return joined("\n", [f"{head}: no difference", *_notes(found), *_table("metrics:", _metrics(found))])
    sections = [
        [head, *_notes(found)],
        _table("steps:", _steps(found)),
        _table("values:", ((path, f"{change}  {place}".rstrip()) for path, change, place in _values(found))),
        _table("code:", ((change.name, change_place(change)) for change in found.code)),
        diff_lines(found.code, indent=0),
        _table("metrics:", _metrics(found)),
        _reruns(found) or ["no step would run again"],
        []
        if found.expected is None
        else [*wrap(_recorded(found), WIDTH.get()), *chain_lines(found.expected)],
    ]
    return joined("\n\n", (joined("\n", lines) for lines in sections if lines))


def render_markdown(found: Difference) -> str:
    """Show the same as a comment in GitHub's Markdown: the verdict, what would run again and why, values, folded code."""
    lines = [f"### Pipeline: {span(found.old.label)} → {span(found.new.label)}", ""]
    notes = [f"{span(note)}\n" for note in _notes(found)]
    if found.is_empty:
        return "\n".join([*lines, "No difference.", "", *_marked_metrics(found), *notes]).rstrip() + "\n"
    lines += [_verdict(found), ""]
    reruns = [
        (span(one.step), _marked_why(found, one), expected_cell(found.expected, one.step))
        for one in found.reruns
    ]
    lines += table(("step", "why it would run again", "takes"), reruns)
    if found.expected is not None and len(found.expected.chain) > 1:
        chain = " → ".join("…" if one == "..." else span(one) for one in chain_ends(found.expected.chain))
        lines += [f"The longest chain takes {seconds_text(found.expected.chain_seconds)}: {chain}", ""]
    lines += _marked_steps(found)
    values = list(_marked_values(found))
    lines += table(("value", "change", "place"), values)
    lines += _marked_metrics(found)
    return "\n".join([*lines, *_folded(found.code), *notes]).rstrip() + "\n"


def to_json(found: Difference) -> dict[str, Any]:
    """Return the structure of `schemas/diff.schema.json`."""
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
        **({"metrics": _metrics_json(found)} if found.metrics else {}),
        "reruns": [
            {
                "step": one.step,
                "may": one.may,
                "causes": list(one.causes),
                "recorded": str(found.actions[one.step]) if one.step in found.actions else None,
                **(
                    {}
                    if found.expected is None
                    else {"expected_seconds": found.expected.steps.get(one.step, 0.0)}
                ),
            }
            for one in found.reruns
        ],
        **({} if found.expected is None else {"expected": forecast_json(found.expected)}),
    }


def _metrics(found: Difference) -> Iterator[tuple[str, str]]:
    """Yield the metrics that both sides have: the old value, and the new one with the difference."""
    for name, (old, new) in found.metrics.items():
        apart = (
            ""
            if old == new
            else f" -> {number_text(new)}  ({'+' if new >= old else ''}{number_text(new - old)})"
        )
        yield printable(name), f"{number_text(old)}{apart}"


def _marked_metrics(found: Difference) -> list[str]:
    return table(("metric", "value"), [(span(name), value) for name, value in _metrics(found)])


def _metrics_json(found: Difference) -> dict[str, Any]:
    """Return old and new values. A number that is not finite is null, because JSON has no such numbers."""
    return {
        name: {side: value if math.isfinite(value) else None for side, value in (("old", old), ("new", new))}
        for name, (old, new) in found.metrics.items()
    }


def _verdict(found: Difference) -> str:
    """Say in one sentence what would run, with what is known from the records."""
    certain = sum(not one.may for one in found.reruns)
    said = (
        f"{certain} would run again, {len(found.reruns) - certain} may."
        if found.reruns
        else "No step would run again."
    )
    recorded = _recorded(found)
    return f"**{said}**" + (f" {recorded[:1].upper()}{recorded[1:]}." if recorded else "")


def _recorded(found: Difference) -> str:
    """Say what is known from the records: what exists already, and how long the rest takes. Empty if the records were not read."""
    if found.expected is None:
        return ""
    reused = sum(action is Action.REUSE for action in found.actions.values())
    rest = f"; the rest takes {total_text(found.expected)}" if found.expected.steps else ""
    count = len(found.actions)
    return f"{reused} of {counted(count, 'result')} {'is' if count == 1 else 'are'} recorded{rest}"


def _marked_why(found: Difference, one: Rerun) -> str:
    if one.may and one.causes:
        why = f"perhaps: if {' or '.join(map(span, one.causes))} produces different content"
    elif one.may:
        why = f"perhaps: {span(one.changes[0].detail)}, of which nobody knows whether it holds the same"
    elif one.changes:
        told = [
            f"{span(change.detail)} {span(change_place(change))}".strip() for change in one.changes[:_CHANGES]
        ]
        more = len(one.changes) - _CHANGES
        why = "<br>".join([*told, *([f"and {more} more"] if more > 0 else [])])
    else:
        why = "it is new"
    return f"{why} (its result is already recorded)" if found.actions.get(one.step) is Action.REUSE else why


def _marked_steps(found: Difference) -> list[str]:
    """Name the steps that were added, removed or renamed. Changed steps are among those that would run again."""
    groups = {
        "New": [span(step) for step in found.added],
        "Gone": [span(step) for step in found.removed],
        "Renamed": [f"{span(old)} → {span(new)}" for new, old in found.renamed.items()],
    }
    lines = [
        f"- {word}: {', '.join(steps[:_NAMES])}"
        + (f" and {len(steps) - _NAMES} more" if len(steps) > _NAMES else "")
        for word, steps in groups.items()
        if steps
    ]
    return [*lines, ""] if lines else []


def _marked_values(found: Difference) -> Iterator[tuple[str, str, str]]:
    """Yield the values that differ. Values that one line changes, through references, are one row."""
    together: dict[tuple[str, str], list[str]] = {}
    for path, change, place in _values(found):
        together.setdefault((change, place), []).append(path)
    for (change, place), paths in together.items():
        more = f" and {len(paths) - _CHANGES} more" if len(paths) > _CHANGES else ""
        yield ", ".join(map(span, paths[:_CHANGES])) + more, span(change), span(place)


def _folded(code: Sequence[Change]) -> list[str]:
    """Fold the diffs of code, each below its name and place."""
    if not code:
        return []
    lines, left = [f"<details><summary>Code that changed: {len(code)}</summary>", ""], _DIFF_TEXT
    for change in code:
        lines += [f"{span(change.name)} {span(change_place(change))}".rstrip(), ""]
        text = change.diff[: max(left, 0)]
        left -= len(text)
        if text:
            lines += [*fence(text, "diff"), ""]
        if len(text) < len(change.diff):
            lines += [f"({len(change.diff) - len(text)} more characters)", ""]
    return [*lines, "</details>", ""]


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


def _reruns(found: Difference) -> list[str]:
    times = [] if found.expected is None else [found.expected]
    cells = [
        (
            (printable(one.step), *(expected_cell(each, one.step) for each in times)),
            printable(_why(found, one)),
        )
        for one in found.reruns
    ]
    return ["would run again:", *rows(cells)] if cells else []


def _why(found: Difference, one: Rerun) -> str:
    if one.may and one.causes:
        why = f"may, if {' or '.join(one.causes)} produces different content"
    elif one.may:
        why = f"may, if it holds other content: {one.changes[0].detail}"
    elif one.changes:
        more = f" and {len(one.changes) - 1} more" if len(one.changes) > 1 else ""
        why = f"{one.changes[0].detail}{more}"
    else:
        why = "is new"
    return f"{why} (its result is already recorded)" if found.actions.get(one.step) is Action.REUSE else why


def _notes(found: Difference) -> list[str]:
    return [printable(f"note: {note}") for note in (*found.old.notes, *found.new.notes)]


def _table(title: str, cells: Iterable[tuple[str, str]]) -> list[str]:
    lines = rows([((printable(name),), printable(text)) for name, text in cells])
    return [title, *lines] if lines else []


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
        "place": change_place(change) or None,
        "diff": change.diff,
    }
