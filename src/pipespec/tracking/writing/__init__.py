"""Runs opened, logged to and published in a tracking store."""
