"""MLflow search filters, made of hex digits of ours and nothing else.

MLflow's filter language has no escape: a quote in a value finds nothing without a word, or adds a clause. So
this is the one place where filters are written, and whatever is not a digest is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from pipespec.tracking import names

__all__ = ["IDS_AT_ONCE", "bearing", "finished_bearing", "of_ids", "published", "running", "running_claim"]

IDS_AT_ONCE: Final = 500
"""MLflow's parser gives up at 5000 ids."""

_RUN_ID: Final = re.compile(r"[0-9a-f]{32}")
_TAG: Final = re.compile(r"pipespec\.(?:(?:key|claim)\.[0-9a-f]{64}|name\.[0-9a-f]{16})")


def bearing(tag: str) -> str:
    """Find runs that bear a tag of ours which ends in a digest.

    Raises:
        ValueError: for any other text.
    """
    if not _TAG.fullmatch(tag):
        raise ValueError(f"{tag!r} is no tag that runs are looked up by")
    return f"tags.`{tag}` = '1'"


def finished_bearing(tag: str) -> str:
    """Find runs that bear such a tag and were published under some key."""
    return f"{bearing(tag)} AND {published()}"


def published() -> str:
    """Find runs that were published under whatever key."""
    return (
        f"attributes.status = 'FINISHED' AND tags.`{names.KEY}` LIKE '%' AND tags.`{names.MANIFEST}` LIKE '%'"
    )


def running_claim(key: str) -> str:
    """Find runs that are working on a key."""
    return f"{bearing(names.claim_tag(key))} AND attributes.status = 'RUNNING'"


def running() -> str:
    """Find runs of ours that have not ended."""
    return f"attributes.status = 'RUNNING' AND tags.`{names.OWNER}` LIKE '%'"


def of_ids(run_ids: Sequence[str]) -> str:
    """Find runs by their ids, at most `IDS_AT_ONCE` of them.

    Raises:
        ValueError: for too many, for none, and for what is no id.
    """
    if not 0 < len(run_ids) <= IDS_AT_ONCE or not all(map(_RUN_ID.fullmatch, run_ids)):
        raise ValueError("run ids are 32 hex digits each, and not too many at once")
    return f"attributes.run_id IN ({', '.join(repr(run_id) for run_id in run_ids)})"
