"""What keeps a tracking store useful: old results in, what nothing reaches out, damage found, its pages shown."""
