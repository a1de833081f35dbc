"""Communicate with an MLflow tracking server by its documented REST API, without mlflow."""
