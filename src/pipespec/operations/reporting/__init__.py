"""The report of a run, and what is recorded beside its steps."""
