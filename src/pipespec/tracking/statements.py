"""The SQL statements that read MLflow's tables: the one place that knows them.

Each takes its values bound, lists as one JSON text, and starts from the tags sought, whose key is the first
column of their primary key; so none reads more than it returns. `schema` says on which versions of the tables
they were tried.
"""
# ruff: noqa: S608 - the statements are made of constants of this package only

from __future__ import annotations

from typing import Final

from pipespec.tracking import names

__all__ = [
    "BY_KEY",
    "CLAIMS",
    "FINISHED",
    "FINISHED_BEFORE",
    "FINISHED_IN",
    "HISTORY",
    "LATEST",
    "METRICS",
    "ONE",
    "PARAMS",
    "RUNNING",
    "TAGS",
]

# CROSS JOIN pins the order of SQLite's loops: from the few tags sought, by primary keys, to their runs.
_ALIVE: Final = """
    CROSS JOIN runs r ON r.run_uuid = t.run_uuid AND r.lifecycle_stage = 'active'
    CROSS JOIN experiments e ON e.experiment_id = r.experiment_id AND e.lifecycle_stage = 'active'
"""

_PUBLISHED: Final = f"""
    {_ALIVE}
    CROSS JOIN tags k ON k.key = '{names.KEY}' AND k.run_uuid = r.run_uuid
    CROSS JOIN tags m ON m.key = '{names.MANIFEST}' AND m.run_uuid = r.run_uuid
"""

_RUN: Final = "r.run_uuid, r.status, r.start_time, r.end_time, r.artifact_uri, r.experiment_id"

BY_KEY: Final = f"""
    SELECT w.value, a.value, {_RUN}, k.value, m.value, o.value, g.value, s.value
    FROM json_each(:sought) w
    CROSS JOIN tags t ON t.key = '{names.KEY}.' || w.value
    {_PUBLISHED}
    LEFT JOIN tags a ON a.key = '{names.ACCEPTED}' || w.value AND a.run_uuid = r.run_uuid
    LEFT JOIN tags o ON o.key = '{names.OUTPUTS}' AND o.run_uuid = r.run_uuid
    LEFT JOIN tags g ON g.key = '{names.GENERATION}' AND g.run_uuid = r.run_uuid
    LEFT JOIN tags s ON s.key = '{names.STEP}' AND s.run_uuid = r.run_uuid
    WHERE r.status = 'FINISHED'
"""

FINISHED_BEFORE: Final = f"""
    SELECT w.value FROM json_each(:sought) w
    WHERE EXISTS (SELECT 1 FROM tags t {_PUBLISHED} WHERE t.key = w.value AND r.status = 'FINISHED')
"""

HISTORY: Final = f"""
    SELECT tag, seconds FROM (
        SELECT w.value AS tag, (r.end_time - r.start_time) / 1000.0 AS seconds,
            row_number() OVER (PARTITION BY w.value ORDER BY r.end_time DESC, r.run_uuid) AS place
        FROM json_each(:sought) w CROSS JOIN tags t ON t.key = w.value
        {_PUBLISHED}
        WHERE r.status = 'FINISHED'
    ) WHERE place <= :latest ORDER BY tag, place
"""

LATEST: Final = f"""
    SELECT {_RUN}, s.value, max(r.start_time)
    FROM json_each(:sought) w CROSS JOIN tags t ON t.key = w.value
    {_ALIVE}
    CROSS JOIN tags s ON s.key = '{names.STEP}' AND s.run_uuid = r.run_uuid
    LEFT JOIN tags p ON p.key = '{names.PIPELINE}' AND p.run_uuid = r.run_uuid
    WHERE :pipeline IS NULL OR p.value = :pipeline
    GROUP BY s.value
"""

CLAIMS: Final = f"SELECT {_RUN} FROM tags t {_ALIVE} WHERE t.key = :tag AND r.status = 'RUNNING'"

RUNNING: Final = f"""
    SELECT {_RUN}
    FROM runs r
    CROSS JOIN experiments e ON e.experiment_id = r.experiment_id AND e.lifecycle_stage = 'active'
    CROSS JOIN tags o ON o.key = '{names.OWNER}' AND o.run_uuid = r.run_uuid
    LEFT JOIN tags p ON p.key = '{names.PIPELINE}' AND p.run_uuid = r.run_uuid
    WHERE r.status = 'RUNNING' AND r.lifecycle_stage = 'active' AND (:pipeline IS NULL OR p.value = :pipeline)
"""

FINISHED: Final = f"""
    SELECT {_RUN}
    FROM tags t {_PUBLISHED} WHERE t.key = :tag AND r.status = 'FINISHED'
    ORDER BY r.end_time DESC, r.run_uuid LIMIT :latest
"""

FINISHED_IN: Final = f"""
    SELECT {_RUN}
    FROM tags t {_PUBLISHED} WHERE t.key = '{names.PIPELINE}' AND t.value = :pipeline AND r.status = 'FINISHED'
    ORDER BY r.end_time DESC, r.run_uuid LIMIT :latest
"""

ONE: Final = f"SELECT {_RUN} FROM (SELECT :run_id AS run_uuid) t {_ALIVE}"

TAGS: Final = (
    "SELECT t.run_uuid, t.key, t.value FROM json_each(:runs) w CROSS JOIN tags t ON t.run_uuid = w.value"
)
PARAMS: Final = TAGS.replace("tags t", "params t")
METRICS: Final = """
    SELECT l.run_uuid, l.key, l.value, l.is_nan
    FROM json_each(:runs) w CROSS JOIN latest_metrics l ON l.run_uuid = w.value
"""
