"""A checked pipeline with its store open -> plans, and what records hold."""
