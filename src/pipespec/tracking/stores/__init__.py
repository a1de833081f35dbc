"""Stores of files that are not on this disk, and their local cache."""
