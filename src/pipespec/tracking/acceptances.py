"""Write, read and revoke acceptances: tags which say that a run counts for a key that is not its own.

Takes an acceptance, or the tags of runs. Returns tag values within MLflow's limit, and the runs that were accepted for
a key. A tag that a user wrote or changed by hand still counts, and is displayed unchanged. Pure.
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
"""Maximum length of a reason as JSON, so that one reason to accept and one to revoke fit into a tag."""
_LONGEST_NAME: Final = 200


def encode_acceptance(said: Accepted) -> str:
    """Return the value of the tag `pipespec.accepted.<key>`."""
    return record_names.fit_tag(json.dumps(_fields(said), ensure_ascii=False))


def encoded_length(why: str) -> int:
    """Return the number of characters that a reason needs in a tag."""
    return len(json.dumps(why, ensure_ascii=False)) - 2


def parse_acceptance(text: str) -> Accepted:
    """Return what `encode_acceptance` wrote. For any other text, return that a user wrote it."""
    try:
        told = json.loads(text)
        who, why, when = str(told["who"]), str(told["why"]), float(told["when"])
    except (ValueError, KeyError, TypeError):
        return Accepted("somebody", text, 0.0)
    return Accepted(who, why, when if math.isfinite(when) else 0.0)


def with_acceptance(record: StepRecord, facts: RunFacts, key: str) -> StepRecord:
    """Return a record that counts for a key which is not its own, with the acceptance."""
    return replace(record, accepted=parse_acceptance(facts.tags[record_names.accepted_tag(key)]))


def add_to_trail(trail: str, said: Accepted, taken_back: Accepted) -> str:
    """Return the value of the tag `pipespec.revoked.<key>`: all acceptances that were revoked, the newest last.

    The oldest ones are left out if the value would exceed MLflow's limit.
    """
    entries = [*_entries(trail), {**_fields(taken_back), "accepted": _fields(said)}]
    while len(text := json.dumps(entries, ensure_ascii=False)) > record_names.TAG_LENGTH and len(entries) > 1:
        entries.pop(0)
    return record_names.fit_tag(text)


def accepted_runs(candidates: Iterable[tuple[str, RunFacts]]) -> Mapping[str, tuple[StepRecord, ...]]:
    """Return, by key, those of these complete runs that were accepted for it. The one that counts is first."""
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
