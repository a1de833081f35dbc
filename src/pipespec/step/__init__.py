"""One step, alone: bind arguments, load inputs, call, save outputs. Knows neither Luigi nor MLflow."""
