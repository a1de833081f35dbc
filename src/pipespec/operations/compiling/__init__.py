"""Pipeline files -> checked specs."""
