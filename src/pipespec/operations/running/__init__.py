"""A plan -> its report."""
