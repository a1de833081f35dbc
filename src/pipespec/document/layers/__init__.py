"""The layers of a pipeline file, merged: includes, overlays and `--set`."""
