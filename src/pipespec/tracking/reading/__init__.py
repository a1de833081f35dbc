"""Questions to a tracking store, answered in bulk. Writes nothing."""
