"""MLflow: records in bulk, the life of a run, artifacts, what user code logs. The only importer of mlflow."""
