"""Execute one step alone: bind arguments, load inputs, call, save outputs. Does not import Luigi or MLflow."""
