"""Create the report of a run, and what is recorded in addition to its steps."""
