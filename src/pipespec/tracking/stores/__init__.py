"""Stores of files that are not on this disk, and what is kept here of them."""
