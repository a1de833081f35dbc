"""JSON schemas that a pipeline declares for its data and its params."""
