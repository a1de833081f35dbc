"""Open a checked pipeline with its store, make plans, and read records."""
