"""Read from a tracking store, in bulk. Writes nothing."""
