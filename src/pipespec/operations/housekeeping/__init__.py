"""Maintain a tracking store: import old results, delete unreachable runs, find damage, show its pages."""
