"""MLflow search filters, made of our own hex digits, and of names that contain only letters, digits and a few signs.

MLflow's filter language has no escape: because of a quote in a value, a filter silently finds nothing, or gets another
clause. Therefore this is the only module that writes filters, and whatever could end a text in a filter is refused or
left out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from pipespec.tracking import record_names

__all__ = [
    "IDS_AT_ONCE",
    "PAGE",
    "bearing",
    "beginning",
    "changed_since",
    "finished_bearing",
    "invocations",
    "is_run_id",
    "marked",
    "of_earlier_versions",
    "of_ids",
    "of_pipeline",
    "published",
    "published_since",
    "running",
    "running_or_finished",
    "started_at",
    "with_tag",
]

IDS_AT_ONCE: Final = 500
"""MLflow's parser fails at 5000 ids."""
PAGE: Final = 1000
"""Number of runs that are requested at once."""

_RUN_ID: Final = re.compile(r"[0-9a-f]{32}")
_BEGINNING: Final = re.compile(r"[0-9a-f]{1,32}")
_NAME: Final = re.compile(r"[\w.\- :/]{1,250}", re.ASCII)
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.\-]{1,250}")
_TAG: Final = re.compile(r"(?:mlflow\.)?pipespec\.(?:key\.[0-9a-f]{64}|name\.[0-9a-f]{16})")


def bearing(tag: str, *, finished: bool = False) -> str:
    """Find runs, all or only those that are `finished`, with one of our tags that ends in a digest.

    Raises:
        ValueError: for any other text.
    """
    if not _TAG.fullmatch(tag):
        raise ValueError(f"{tag!r} is no tag that runs are looked up by")
    return f"tags.`{tag}` = '1'" + (" AND attributes.status = 'FINISHED'" if finished else "")


def finished_bearing(tag: str) -> str:
    """Find runs with such a tag that were published under some key."""
    return f"{bearing(tag)} AND {published()}"


def with_tag(tag: str) -> str:
    """Find runs, in any state, that have one of these tags of ours with any value.

    Raises:
        ValueError: for any other text.
    """
    if tag not in (record_names.IMPORTED, record_names.PIPELINE):
        raise ValueError(f"{tag!r} is no tag that all runs are looked up by")
    return f"tags.`{record_names.stored(tag)}` LIKE '%'"


def published() -> str:
    """Find runs that were published under any key."""
    return f"attributes.status = 'FINISHED' AND tags.`{record_names.KEY}` LIKE '%' AND tags.`{record_names.MANIFEST}` LIKE '%'"


def published_since(milliseconds: int) -> str:
    """Find runs that were published under any key and ended at this time or later."""
    return f"{published()} AND attributes.end_time >= {int(milliseconds)}"


def running_or_finished(tag: str) -> str:
    """Find runs that bear such a tag and neither failed nor were killed."""
    return f"{bearing(tag)} AND attributes.status != 'FAILED' AND attributes.status != 'KILLED'"


def running() -> str:
    """Find runs of ours that have not ended."""
    return f"attributes.status = 'RUNNING' AND tags.`{record_names.PIPELINE}` LIKE '%'"


def of_earlier_versions() -> str:
    """Find runs whose tags have the spelling of earlier versions."""
    return f"tags.`{record_names.GENERATION}` LIKE '%'"


def changed_since(milliseconds: int) -> str:
    """Find experiments that were created, restored or renamed at this time or later."""
    return f"last_update_time >= {int(milliseconds)}"


def started_at(milliseconds: int) -> str:
    """Find runs that have not ended and began at exactly this time."""
    return f"attributes.status = 'RUNNING' AND attributes.start_time = {int(milliseconds)}"


def beginning(prefix: str) -> str:
    """Find runs of ours whose ids begin with these hex digits.

    Raises:
        ValueError: for any other text.
    """
    if not _BEGINNING.fullmatch(prefix):
        raise ValueError(f"{prefix!r} is no beginning of a run id")
    return f"attributes.run_id LIKE '{prefix}%' AND tags.`{record_names.PIPELINE}` LIKE '%'"


def of_pipeline(condition: str, pipeline: str) -> str:
    """Limit a condition to runs of a pipeline, if its name may occur in a filter; otherwise the caller must filter."""
    is_plain = _PLAIN.fullmatch(pipeline) is not None
    return f"{condition} AND tags.`{record_names.PIPELINE}` = '{pipeline}'" if is_plain else condition


def invocations() -> str:
    """Find invocations that have ended."""
    return f"attributes.status != 'RUNNING' AND tags.`{record_names.COMMAND}` LIKE '%'"


def marked(tag: str, beginning: str = "") -> str:
    """Find runs of ours with a tag of any name, whose value begins with these hex digits.

    Raises:
        ValueError: for a name that no filter can contain, and for other beginnings.
    """
    if not _NAME.fullmatch(tag):
        raise ValueError(f"{tag!r} is no name of a tag that MLflow can search for")
    if beginning and not re.fullmatch(r"[0-9a-f]{1,64}", beginning):
        raise ValueError(f"{beginning!r} is not hexadecimal")
    return f"tags.`{tag}` LIKE '{beginning}%' AND tags.`{record_names.PIPELINE}` LIKE '%'"


def is_run_id(text: str) -> bool:
    """Return whether a text, from any source, can be the id of a run."""
    return _RUN_ID.fullmatch(text) is not None


def of_ids(run_ids: Sequence[str]) -> str:
    """Find runs by their ids, at most `IDS_AT_ONCE` of them.

    Raises:
        ValueError: for too many ids, for none, and for a text that is not an id.
    """
    if not 0 < len(run_ids) <= IDS_AT_ONCE or not all(map(_RUN_ID.fullmatch, run_ids)):
        raise ValueError("run ids are 32 hex digits each, and not too many at once")
    return f"attributes.run_id IN ({', '.join(repr(run_id) for run_id in run_ids)})"
