"""The results of a step's function: outputs saved and checked, metrics read."""
