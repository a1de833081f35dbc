"""The SQL statements that read MLflow's tables. Only this module knows the tables.

Each statement binds its values, a list as one JSON text, and starts from the searched tags, whose key is the first
column of their primary key. Therefore none reads more than it returns. `schema` says with which versions of the tables
they were tested.
"""
# ruff: noqa: S608 - the statements are made of constants of this package only

from __future__ import annotations

from typing import Final

from pipespec.tracking import record_names

__all__ = [
    "BEARING",
    "BEGINNING",
    "BY_KEY",
    "CLAIMS",
    "DELETED",
    "DELETED_RUNS",
    "FINISHED",
    "FINISHED_BEFORE",
    "FINISHED_IN",
    "HISTORY",
    "INVOCATIONS",
    "LATEST",
    "MANY",
    "MARKED",
    "METRICS",
    "ONE",
    "PARAMS",
    "PUBLISHED",
    "RUNNING",
    "STEP_RUNS",
    "TAGS",
]

# CROSS JOIN fixes the order of SQLite's loops: from the few searched tags, by primary keys, to their runs.
_ALIVE: Final = """
    CROSS JOIN runs r ON r.run_uuid = t.run_uuid AND r.lifecycle_stage = 'active'
    CROSS JOIN experiments e ON e.experiment_id = r.experiment_id AND e.lifecycle_stage = 'active'
"""

_PUBLISHED: Final = f"""
    {_ALIVE}
    CROSS JOIN tags k ON k.key = '{record_names.KEY}' AND k.run_uuid = r.run_uuid
    CROSS JOIN tags m ON m.key = '{record_names.MANIFEST}' AND m.run_uuid = r.run_uuid AND NOT EXISTS (
        SELECT 1 FROM tags x WHERE x.key = '{record_names.stored(record_names.TAKEN)}' AND x.run_uuid = r.run_uuid
    )
"""

_SPELT: Final = f"""
    CROSS JOIN (SELECT '{record_names.ASIDE}' AS aside UNION ALL SELECT '') b
    CROSS JOIN tags t ON t.key = b.aside || """
"""Tags in both spellings, that of this version and that of earlier ones. A run has one of them."""

_RUN: Final = "r.run_uuid, r.status, r.start_time, r.end_time, r.artifact_uri, r.experiment_id"

BY_KEY: Final = f"""
    SELECT w.value, a.value, {_RUN}, k.value, m.value, o.value, g.value, s.value, n.value, d.value
    FROM json_each(:sought) w {_SPELT} '{record_names.KEY}.' || w.value
    {_PUBLISHED}
    LEFT JOIN tags a ON a.key = b.aside || '{record_names.ACCEPTED}' || w.value AND a.run_uuid = r.run_uuid
    LEFT JOIN tags o ON o.key = b.aside || '{record_names.OUTPUTS}' AND o.run_uuid = r.run_uuid
    LEFT JOIN tags g ON g.key = b.aside || '{record_names.GENERATION}' AND g.run_uuid = r.run_uuid
    LEFT JOIN tags s ON s.key = '{record_names.STEP}' AND s.run_uuid = r.run_uuid
    LEFT JOIN tags n ON n.key = b.aside || '{record_names.WITNESS}' AND n.run_uuid = r.run_uuid
    LEFT JOIN tags d ON d.key = b.aside || '{record_names.DAMAGED}' AND d.run_uuid = r.run_uuid
    WHERE r.status = 'FINISHED'
"""

FINISHED_BEFORE: Final = f"""
    SELECT DISTINCT w.value FROM json_each(:sought) w
    CROSS JOIN (SELECT '{record_names.ASIDE}' AS aside UNION ALL SELECT '') b
    WHERE EXISTS (SELECT 1 FROM tags t {_PUBLISHED} WHERE t.key = b.aside || w.value AND r.status = 'FINISHED')
"""

HISTORY: Final = f"""
    SELECT tag, seconds FROM (
        SELECT w.value AS tag, coalesce(l.value, (r.end_time - r.start_time) / 1000.0) AS seconds,
            row_number() OVER (PARTITION BY w.value ORDER BY r.end_time DESC, r.run_uuid) AS place
        FROM json_each(:sought) w {_SPELT} w.value
        {_PUBLISHED}
        LEFT JOIN latest_metrics l ON l.key = '{record_names.SECONDS}' AND l.run_uuid = r.run_uuid
        WHERE r.status = 'FINISHED'
    ) WHERE place <= :latest ORDER BY tag, place
"""

LATEST: Final = f"""
    SELECT {_RUN}, s.value, max(r.start_time)
    FROM json_each(:sought) w {_SPELT} w.value
    {_ALIVE}
    CROSS JOIN tags s ON s.key = '{record_names.STEP}' AND s.run_uuid = r.run_uuid
    LEFT JOIN tags p ON p.key = '{record_names.PIPELINE}' AND p.run_uuid = r.run_uuid
    WHERE (:pipeline IS NULL OR p.value = :pipeline) AND (:status IS NULL OR r.status = :status)
    GROUP BY s.value
"""

_TAG: Final = f"t.key IN (:tag, '{record_names.ASIDE}' || :tag)"

CLAIMS: Final = f"SELECT {_RUN} FROM tags t {_ALIVE} WHERE {_TAG} AND r.status = 'RUNNING'"

RUNNING: Final = f"""
    SELECT {_RUN}
    FROM runs r
    CROSS JOIN experiments e ON e.experiment_id = r.experiment_id AND e.lifecycle_stage = 'active'
    CROSS JOIN tags p ON p.key = '{record_names.PIPELINE}' AND p.run_uuid = r.run_uuid
    WHERE r.status = 'RUNNING' AND r.lifecycle_stage = 'active' AND (:pipeline IS NULL OR p.value = :pipeline)
"""

FINISHED: Final = f"""
    SELECT {_RUN}
    FROM tags t {_PUBLISHED} WHERE {_TAG} AND r.status = 'FINISHED'
    ORDER BY r.end_time DESC, r.run_uuid LIMIT :latest
"""

FINISHED_IN: Final = f"""
    SELECT {_RUN}
    FROM tags t {_PUBLISHED} WHERE t.key = '{record_names.PIPELINE}' AND t.value = :pipeline AND r.status = 'FINISHED'
    ORDER BY r.end_time DESC, r.run_uuid LIMIT :latest
"""

_GONE: Final = """
    CROSS JOIN experiments e ON e.experiment_id = r.experiment_id
    WHERE r.lifecycle_stage != 'active' OR e.lifecycle_stage != 'active'
"""

DELETED: Final = f"""
    SELECT w.value, r.run_uuid, r.deleted_time
    FROM json_each(:sought) w {_SPELT} '{record_names.KEY}.' || w.value
    CROSS JOIN runs r ON r.run_uuid = t.run_uuid AND r.status = 'FINISHED'
    {_GONE} ORDER BY r.end_time
"""

DELETED_RUNS: Final = f"""
    SELECT r.run_uuid, r.run_uuid, r.deleted_time
    FROM json_each(:sought) w CROSS JOIN runs r ON r.run_uuid = w.value {_GONE}
"""

BEARING: Final = f"SELECT {_RUN} FROM tags t {_ALIVE} WHERE t.key = :tag ORDER BY r.start_time, r.run_uuid"

BEGINNING: Final = f"""
    SELECT {_RUN}
    FROM runs t {_ALIVE}
    CROSS JOIN tags p ON p.key = '{record_names.PIPELINE}' AND p.run_uuid = r.run_uuid
    WHERE t.run_uuid >= :prefix AND t.run_uuid < :prefix || 'g'
    ORDER BY r.start_time DESC, r.run_uuid LIMIT :latest
"""

MANY: Final = f"SELECT {_RUN} FROM (SELECT value AS run_uuid FROM json_each(:runs)) t {_ALIVE}"

_NEWEST: Final = "ORDER BY r.end_time DESC, r.run_uuid LIMIT :latest"

STEP_RUNS: Final = f"""
    SELECT {_RUN}
    FROM tags t {_ALIVE}
    CROSS JOIN tags p ON p.key = '{record_names.PIPELINE}' AND p.run_uuid = r.run_uuid AND p.value = :pipeline
    WHERE {_TAG} AND r.status = 'FINISHED' {_NEWEST}
"""

INVOCATIONS: Final = f"""
    SELECT {_RUN}
    FROM tags t {_ALIVE}
    WHERE t.key = '{record_names.COMMAND}' AND r.status != 'RUNNING' AND EXISTS (
        SELECT 1 FROM tags p
        WHERE p.key = '{record_names.PIPELINE}' AND p.run_uuid = r.run_uuid AND p.value = :pipeline
    ) {_NEWEST}
"""

MARKED: Final = f"""
    SELECT {_RUN}
    FROM tags t
    CROSS JOIN runs r ON r.run_uuid = t.run_uuid
    CROSS JOIN experiments e ON e.experiment_id = r.experiment_id
    CROSS JOIN tags p ON p.key = '{record_names.PIPELINE}' AND p.run_uuid = r.run_uuid
    WHERE t.key = :tag AND substr(t.value, 1, length(:beginning)) = :beginning
        AND (r.lifecycle_stage = 'active' AND e.lifecycle_stage = 'active') = :active {_NEWEST}
"""

PUBLISHED: Final = f"""
    SELECT {_RUN}
    FROM tags t {_PUBLISHED} WHERE t.key = '{record_names.PIPELINE}' AND r.status = 'FINISHED' {_NEWEST}
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
