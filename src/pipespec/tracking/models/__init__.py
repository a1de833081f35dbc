"""Models: objects as MLflow models, and the versions in MLflow's registry."""
