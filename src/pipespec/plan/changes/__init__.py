"""Compare a step as it is now with one past run of it, part by part of its key.

Takes the parts of both keys, the past run's manifest, and the current facts. Returns `Change`s in the order of a key's
parts, each with the line that set the new value. Pure. If a manifest lacks what newer manifests contain, the answer is
only less specific.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipespec.plan.changes.change import Change, Now, Part, PastRun, declared_at, differ
from pipespec.plan.changes.change_wording import piece_place, place_text, value_text
from pipespec.plan.changes.code_changes import changes_of_code, changes_of_files
from pipespec.plan.changes.content_changes import changes_of_after, changes_of_inputs, changes_of_outputs
from pipespec.plan.changes.value_changes import changes_of_packages, changes_of_params, changes_of_probe
from pipespec.plan.changes.witness_changes import changes_of_witness
from pipespec.plan.plan import Reason, ReasonKind

__all__ = [
    "Change",
    "Now",
    "Part",
    "PastRun",
    "changes_of_witness",
    "changes_since",
    "declared_at",
    "piece_place",
    "place_text",
    "reason_of",
    "value_text",
]


def changes_since(now: Now, past: PastRun) -> tuple[Change, ...]:
    """Return what differs between a past run and now; nothing if the past run has no key to compare."""
    if not past.parts:
        return ()
    if now.step.identity.never:
        detail = "identity: none now, so it runs every time"
        return (Change(Part.IDENTITY, "identity", detail, new="none", span=declared_at(now)),)
    if not now.parts:
        return ()
    return (
        *_scalars(now, past),
        *changes_of_code(now, past),
        *changes_of_files(now, past),
        *changes_of_params(now, past),
        *changes_of_inputs(now, past),
        *changes_of_outputs(now, past),
        *changes_of_packages(now, past),
        *changes_of_probe(now, past),
        *changes_of_after(now, past),
    )


def reason_of(change: Change) -> Reason:
    """Return a change as a plan's reason, with its place: `param since: 1 -> 2 (news.yaml:8)`."""
    place = change.place or (place_text(change.span) if change.span is not None else "")
    return Reason(ReasonKind.CHANGED, f"{change.detail} ({place})" if place else change.detail, change.span)


def _scalars(now: Now, past: PastRun) -> Iterator[Change]:
    old, new = past.parts.get("name"), now.parts.get("name")
    if old != new:
        yield Change(
            Part.NAME, str(new), f"renamed: this was step '{old}'", old=old, new=new, span=now.step.span
        )
    old, new = past.parts.get("call"), now.parts.get("call")
    if old != new:
        yield Change(Part.CALL, str(new), f"call: {old} -> {new}", old=old, new=new, span=now.step.call.span)
    old, new = past.parts.get("version"), now.parts.get("version")
    if differ(old, new):
        detail = f"version: {value_text(old)} -> {value_text(new)}"
        yield Change(Part.VERSION, "version", detail, old=old, new=new, span=declared_at(now, "version"))
    old, new = past.parts.get("untracked"), now.parts.get("untracked")
    if differ(old, new):
        detail = f"untracked: {value_text(old)} -> {value_text(new)}"
        yield Change(Part.WITNESS, "untracked", detail, old=old, new=new, span=declared_at(now, "untracked"))
