"""Declared steps -> variants with their inputs connected."""
