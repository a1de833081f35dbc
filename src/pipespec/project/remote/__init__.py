"""Stores that external inputs at URIs are in."""
