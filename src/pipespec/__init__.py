"""pipespec: write a pipeline as YAML; run only what MLflow has no finished run of."""
