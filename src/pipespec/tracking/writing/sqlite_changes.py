"""The SQL statements that change MLflow's tables. Only this module knows how.

Each statement produces the same rows as MLflow's own client. A test compares all tables after both. `schema` says with
which versions of the tables they were tested.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "ADD_DATASET",
    "ADD_EXPERIMENT",
    "ADD_EXPERIMENT_TAG",
    "ADD_INPUT",
    "ADD_INPUT_TAG",
    "ADD_LATEST_METRIC",
    "ADD_METRIC",
    "ADD_NEW_PARAM",
    "ADD_PARAM",
    "ADD_RUN",
    "ADD_TAG",
    "DELETE_TAG",
    "END_RUN",
    "EXPERIMENT_BY_ID",
    "EXPERIMENT_BY_NAME",
    "PARAM_OF_RUN",
    "RENAME_RUN",
    "RUN_ENDING",
    "RUN_STAGE",
    "SETTLE_DEFAULT_EXPERIMENT",
    "TAGS_OF_RUN",
]

EXPERIMENT_BY_NAME: Final = (
    "SELECT experiment_id, artifact_location, lifecycle_stage FROM experiments WHERE name = ?"
)
EXPERIMENT_BY_ID: Final = EXPERIMENT_BY_NAME.replace("name =", "experiment_id =")
ADD_EXPERIMENT: Final = """
    INSERT INTO experiments (name, artifact_location, lifecycle_stage, creation_time, last_update_time, workspace)
    VALUES (:name, :location, 'active', :now, :now, 'default')
"""
ADD_EXPERIMENT_TAG: Final = "INSERT INTO experiment_tags (experiment_id, key, value) VALUES (?, ?, ?)"
SETTLE_DEFAULT_EXPERIMENT: Final = """
    UPDATE experiments SET artifact_location = :location, creation_time = :now, last_update_time = :now
    WHERE experiment_id = 0
"""

ADD_RUN: Final = """
    INSERT INTO runs (run_uuid, name, source_type, source_name, entry_point_name, user_id, status, start_time,
        source_version, lifecycle_stage, artifact_uri, experiment_id)
    VALUES (:run_id, :name, 'UNKNOWN', '', '', :user, 'RUNNING', :started, '', 'active', :artifact_uri, :experiment)
"""
RUN_ENDING: Final = "SELECT status, end_time FROM runs WHERE run_uuid = ?"
RUN_STAGE: Final = "SELECT lifecycle_stage FROM runs WHERE run_uuid = ?"
END_RUN: Final = "UPDATE runs SET status = ?, end_time = ? WHERE run_uuid = ?"
RENAME_RUN: Final = "UPDATE runs SET name = ? WHERE run_uuid = ?"

ADD_PARAM: Final = "INSERT INTO params (run_uuid, key, value) VALUES (?, ?, ?)"
ADD_NEW_PARAM: Final = f"{ADD_PARAM} ON CONFLICT DO NOTHING"
PARAM_OF_RUN: Final = "SELECT value FROM params WHERE run_uuid = ? AND key = ?"
TAGS_OF_RUN: Final = "SELECT key, value FROM tags WHERE run_uuid = ?"
ADD_TAG: Final = """
    INSERT INTO tags (run_uuid, key, value) VALUES (?, ?, ?)
    ON CONFLICT (key, run_uuid) DO UPDATE SET value = excluded.value
"""
DELETE_TAG: Final = "DELETE FROM tags WHERE run_uuid = ? AND key = ?"

ADD_METRIC: Final = """
    INSERT INTO metrics (run_uuid, key, value, is_nan, timestamp, step) VALUES (?, ?, ?, ?, ?, 0)
    ON CONFLICT DO NOTHING
"""
# Datasets that the experiment already has, or that the function logged for this run, are not changed.
ADD_DATASET: Final = """
    INSERT INTO datasets (dataset_uuid, experiment_id, name, digest, dataset_source_type, dataset_source)
    SELECT :dataset, experiment_id, :name, :digest, :source_type, :source FROM runs WHERE run_uuid = :run_id
    ON CONFLICT DO NOTHING
"""
ADD_INPUT: Final = """
    INSERT INTO inputs (input_uuid, source_type, source_id, destination_type, destination_id, step)
    SELECT :input, 'DATASET', dataset_uuid, 'RUN', run_uuid, 0
    FROM runs JOIN datasets USING (experiment_id) WHERE run_uuid = :run_id AND datasets.name = :name AND digest = :digest
    ON CONFLICT DO NOTHING
"""
ADD_INPUT_TAG: Final = """
    INSERT INTO input_tags (input_uuid, name, value)
    SELECT input_uuid, :tag, :context FROM inputs WHERE input_uuid = :input
"""
# The function may have logged the same metric at a later step. That value stays the latest.
ADD_LATEST_METRIC: Final = """
    INSERT INTO latest_metrics AS known (run_uuid, key, value, is_nan, timestamp, step) VALUES (?, ?, ?, ?, ?, 0)
    ON CONFLICT (key, run_uuid) DO UPDATE
    SET value = excluded.value, is_nan = excluded.is_nan, timestamp = excluded.timestamp, step = excluded.step
    WHERE (excluded.step, excluded.timestamp, excluded.value) > (known.step, known.timestamp, known.value)
"""
