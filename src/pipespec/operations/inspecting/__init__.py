"""Explain, compare and accept past runs and versions of a pipeline."""
