def make(sample, own) -> None:
    """Take what comes."""
