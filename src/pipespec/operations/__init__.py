"""Combine the stages, with one module for each operation: compile, plan, run, explain, compare, fetch."""
