"""What differs in what a past run used in addition to its key: files that it read, modules that it loaded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pipespec.plan.changes.change import Change, Part, PastRun, mapping
from pipespec.plan.changes.code_changes import code_diff
from pipespec.plan.witness import BrokenWitness, Trace, TraceChange, witness_from_manifest

__all__ = ["changes_of_witness"]


def changes_of_witness(broken: BrokenWitness, past: PastRun | None) -> Iterator[Change]:
    """Yield what has changed. For code, include its diff if the past run's manifest contains the text."""
    texts = _texts(past)
    for change in broken.changes:
        is_code = change.trace is Trace.MODULE and change.difference is TraceChange.CHANGED
        old = texts.get(change.path, "") if is_code else ""
        yield Change(
            Part.WITNESS,
            change.path,
            change.detail,
            old=change.old or None,
            place=f"{change.path}:1" if is_code else None,
            diff=code_diff(change.path, old, change.text) if old and change.text else "",
        )


def _texts(past: PastRun | None) -> Mapping[str, str]:
    if past is None:
        return {}
    try:
        witness = witness_from_manifest(mapping(past.manifest).get("witness"))
    except ValueError:  # if a manifest lacks it or is damaged, the answer is only less specific
        return {}
    return {touched.path: touched.text for touched in witness.touched if touched.text}
