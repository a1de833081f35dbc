"""Merge the layers of a pipeline file: includes, overlays and `--set`."""
