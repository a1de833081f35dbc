"""Run a past run again from its records, without changing the project and its records."""
