"""Which code counts for a callable: everything of the project that it reaches, and a digest of it."""
