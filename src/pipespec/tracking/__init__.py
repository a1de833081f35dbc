"""MLflow: bulk reading of records, the life of a run, artifacts, logging from user code. The only package that imports mlflow."""
