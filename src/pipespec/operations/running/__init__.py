"""Execute a plan and return its report."""
