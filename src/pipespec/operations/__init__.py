"""The stages composed, a module an operation: compile, plan, run, explain, compare, fetch."""
