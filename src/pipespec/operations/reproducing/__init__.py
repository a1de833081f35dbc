"""A past run, made again of what is recorded of it, beside the project and its records."""
