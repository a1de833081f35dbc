"""That a run counts for a key which is not its own: how it is written in a tag, read again, and taken back.

Takes what somebody said, or the tags of runs; gives tag values within MLflow's limit, and the runs that a key was
accepted for. A tag that a hand wrote or changed still counts, and is shown as it stands. Pure.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from pipespec.plan.records import Accepted, StepRecord
from pipespec.tracking import record_names
from pipespec.tracking.run_facts import RunFacts, complete_record, precedence

__all__ = [
    "LONGEST_REASON",
    "accepted_runs",
    "add_to_trail",
    "encode_acceptance",
    "encoded_length",
    "parse_acceptance",
    "with_acceptance",
]

LONGEST_REASON: Final = 1000
"""Characters of a reason as JSON spells it, so that the one to accept and the one to take back fit into a tag."""
_LONGEST_NAME: Final = 200


def encode_acceptance(said: Accepted) -> str:
    """Return the value of the tag `pipespec.accepted.<key>`."""
    return record_names.fit_tag(json.dumps(_fields(said), ensure_ascii=False))


def encoded_length(why: str) -> int:
    """Return how many characters a reason takes in a tag."""
    return len(json.dumps(why, ensure_ascii=False)) - 2


def parse_acceptance(text: str) -> Accepted:
    """Return what `encode_acceptance` wrote; of another text, that somebody said it."""
    try:
        told = json.loads(text)
        who, why, when = str(told["who"]), str(told["why"]), float(told["when"])
    except (ValueError, KeyError, TypeError):
        return Accepted("somebody", text, 0.0)
    return Accepted(who, why, when if math.isfinite(when) else 0.0)


def with_acceptance(record: StepRecord, facts: RunFacts, key: str) -> StepRecord:
    """Return a record that counts for a key which is not its own, with who said so."""
    return replace(record, accepted=parse_acceptance(facts.tags[record_names.accepted_tag(key)]))


def add_to_trail(trail: str, said: Accepted, taken_back: Accepted) -> str:
    """Return the value of the tag `pipespec.revoked.<key>`: all that was said and taken back, the newest last.

    What is oldest is left out where it would pass MLflow's limit.
    """
    entries = [*_entries(trail), {**_fields(taken_back), "accepted": _fields(said)}]
    while len(text := json.dumps(entries, ensure_ascii=False)) > record_names.TAG_LENGTH and len(entries) > 1:
        entries.pop(0)
    return record_names.fit_tag(text)


def accepted_runs(candidates: Iterable[tuple[str, RunFacts]]) -> Mapping[str, tuple[StepRecord, ...]]:
    """Return, by key, the complete runs among these that were accepted for it, the one that counts first."""
    found: dict[str, list[StepRecord]] = {}
    for key, facts in candidates:
        record = complete_record(facts)
        if record is not None and record_names.accepted_tag(key) in facts.tags:
            found.setdefault(key, []).append(with_acceptance(record, facts, key))
    return {key: tuple(sorted(records, key=precedence)) for key, records in found.items()}


def _fields(said: Accepted) -> dict[str, Any]:
    return {"who": said.who[:_LONGEST_NAME], "why": said.why, "when": said.when}


def _entries(trail: str) -> list[Any]:
    try:
        entries = json.loads(trail or "[]")
    except ValueError:
        return []
    return entries if isinstance(entries, list) else []
