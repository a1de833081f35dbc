"""Why one step would run, as text for a terminal of 80 columns, and as JSON.

Takes an `Explanation`. Returns text or the structure of `schemas/explain.schema.json`. Diffs and values may come from
anywhere, so every line is made printable.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from pipespec.document.nodes import JSON
from pipespec.errors import counted
from pipespec.plan.changes import piece_place, value_text
from pipespec.plan.explanation import Explanation, Upstream
from pipespec.plan.plan import Action, Reason
from pipespec.views.change_view import (
    accepted_json,
    accepted_text,
    change_json,
    change_lines,
    diff_lines,
    run_json,
    run_text,
)
from pipespec.views.state_words import state_word
from pipespec.views.styled_text import Style, joined, styled
from pipespec.views.terminal_text import WIDTH, columns_of, printable, rows, wrap

__all__ = ["render_text", "to_json"]

_MOST_ABOVE: Final = 12
"""Maximum number of upstream steps that text shows. JSON contains all."""


def render_text(found: Explanation, *, now: float) -> str:
    """Say what happens and why, then what differs with its diffs, then what counts. `now` is in POSIX seconds."""
    sections = [
        [*_headline(found), *_wrapped(_told(found, now))],
        change_lines(found.changes),
        diff_lines(found.changes),
        _above(found),
        _counted(found),
    ]
    return joined("\n\n", (joined("\n", lines) for lines in sections if lines))


def to_json(found: Explanation) -> dict[str, Any]:
    """Return the structure of `schemas/explain.schema.json`."""
    decision, nearest = found.decision, found.nearest
    return {
        "version": 1,
        "step": decision.step.id,
        "action": str(decision.action),
        "key": None if decision.key is None else decision.key.hex,
        "run_id": None if decision.record is None else decision.record.run_id,
        "reasons": _reasons(decision.reasons),
        "nearest": None if nearest is None else run_json(nearest),
        "passed_over": [run_json(run) for run in found.passed_over],
        "changes": [change_json(change) for change in found.changes],
        "upstream": [
            {
                "step": one.step,
                "argument": one.argument,
                "action": str(one.action),
                "reasons": _reasons(one.reasons),
            }
            for one in found.upstream
        ],
        "may_stop": found.may_stop,
        "code": [
            {
                "call": call,
                "digest": known.digest,
                "package": None if known.package is None else list(known.package),
                "counted": [
                    {
                        "name": name,
                        "digest": digest,
                        "file": None if (piece := known.pieces.get(name)) is None else piece.file,
                        "line": None if piece is None else piece.line,
                    }
                    for name, digest in known.counted.items()
                ],
                "notes": list(known.notes),
            }
            for call, known in found.code.items()
        ],
        "parts": dict(found.parts),
        **({} if decision.record is None else accepted_json(decision.record.accepted)),
    }


def _headline(found: Explanation) -> list[str]:
    """Say what happens. After a long name, the rest is on the next line."""
    text, style = _WHAT[found.decision.action]
    name = f"{printable(found.decision.step.id)}: "
    if columns_of(name + text) > WIDTH.get():
        return wrap(name + text, WIDTH.get())
    return [joined("", [name, styled(text, style)])]


def _told(found: Explanation, now: float) -> list[str]:
    decision = found.decision
    lines: list[str] = []
    if decision.record is not None:
        lines += _which_counts(found, now)
        lines += [f"  fails: {printable(reason.detail)}" for reason in decision.check_failures]
        return lines
    if not found.changes:
        lines += [f"  {printable(reason.detail)}" for reason in decision.reasons]
    if found.may_stop:
        lines.append("  it may be reused: the known parts of its key have not changed")
    elif decision.action is Action.WAIT and found.changes:
        lines.append("  it runs whatever the steps before it produce")
    nearest = found.nearest
    if nearest is not None:
        same = "this is the nearest past run" if found.changes else "no known difference"
        lines += [f"  compared with {run_text(nearest, now)}", f"  {same}"]
    return lines


def _wrapped(lines: Iterable[str]) -> Iterator[str]:
    """Break long lines, with the rest aligned below their beginning."""
    for line in lines:
        indent = " " * (len(line) - len(line.lstrip()))
        yield from (f"{indent}{part}" for part in wrap(line.lstrip(), WIDTH.get() - len(indent)))


_WHAT: Final = {
    Action.RUN: ("runs", Style.OPEN),
    Action.WAIT: ("waits for the steps before it", Style.OPEN),
    Action.REUSE: ("is reused", Style.GOOD),
}


def _which_counts(found: Explanation, now: float) -> list[str]:
    decision, counts = found.decision, found.nearest
    record = decision.record
    assert record is not None
    if counts is None:
        return [f"  run {record.run_id} has its key"]
    lines = [f"  {run_text(counts, now)} has its key"]
    if decision.key is not None and counts.key != decision.key.hex:
        lines = [f"  {run_text(counts, now)} was accepted for its key"]
    if record.accepted is not None:
        lines += [
            f"  {line}" for line in wrap(f"accepted {accepted_text(record.accepted, now)}", WIDTH.get() - 2)
        ]
    for other in found.passed_over:
        why = (
            "has an earlier generation"
            if other.generation < counts.generation
            else "has the same key, but finished later"
            if other.ended >= counts.ended
            else "has the same key, but its files are incomplete"
        )
        lines.append(f"  {run_text(other, now)} {why}")
    return lines


def _above(found: Explanation) -> list[str]:
    if not found.upstream:
        return []
    cells = [
        ((state_word(one.action), printable(one.step)), _why(one)) for one in found.upstream[:_MOST_ABOVE]
    ]
    more = len(found.upstream) - _MOST_ABOVE
    return ["above it:", *rows(cells), *([f"  and {more} more"] if more > 0 else [])]


def _why(one: Upstream) -> str:
    read = "" if one.argument is None else f"input '{one.argument}'; "
    return printable(read + "; ".join(reason.detail for reason in one.reasons[:2]))


def _counted(found: Explanation) -> list[str]:
    """List what is in the key: code by name and place, params, inputs and the rest as they are now."""
    lines = ["what counts:"]
    cells: list[tuple[tuple[str, ...], str]] = []
    for call, known in found.code.items():
        if known.package is not None:
            cells.append((("code", printable(call)), "from " + " ".join(known.package)))
        for name in known.counted:
            if name.removesuffix(" annotations") in known.pieces and name not in known.pieces:
                continue  # they are in the text of their function
            piece = known.pieces.get(name)
            place = "" if piece is None else piece_place(piece, found.root)
            cells.append((("code", printable(name)), printable(place)))
        cells += [(("note", ""), printable(note)) for note in known.notes]
    cells += [((kind, printable(name)), printable(text)) for kind, name, text in _values(found)]
    return [*lines, *rows(cells)] if cells else []


def _values(found: Explanation) -> Iterator[tuple[str, str, str]]:
    parts = found.parts
    for name, value in _items(parts.get("params")):
        yield "param", name, value_text(value)
    for name, value in _items(parts.get("inputs")):
        schema = value.get("schema") if isinstance(value, dict) else None
        yield "input", name, _content(value) + _schema(schema)
    for row in _rows_of(parts.get("outputs")):
        yield "output", str(row[0]), str(row[1]) + _schema(row[3] if len(row) > 3 else None)
    for name, value in _items(parts.get("packages")):
        yield "package", name, "not installed" if value is None else str(value)
    for kind in ("version", "probe"):
        if kind in parts:
            yield kind, "", value_text(parts[kind])


def _content(value: JSON) -> str:
    content = value.get("content") if isinstance(value, dict) else None
    match content:
        case {"file": str(digest)} | {"tree": str(digest)} | {"files": str(digest)}:
            return f"sha256 {digest[:16]}"
        case {"variants": dict(variants)}:
            return counted(len(variants), "variant")
        case _:
            return "not known yet"


def _schema(digest: JSON) -> str:
    return f", schema sha256 {digest[:16]}" if isinstance(digest, str) else ""


def _items(value: JSON) -> list[tuple[str, JSON]]:
    return list(value.items()) if isinstance(value, dict) else []


def _rows_of(value: JSON) -> list[list[JSON]]:
    return [row for row in value if isinstance(row, list)] if isinstance(value, list) else []


def _reasons(reasons: Iterable[Reason]) -> list[dict[str, str]]:
    return [{"kind": str(reason.kind), "detail": reason.detail} for reason in reasons]
