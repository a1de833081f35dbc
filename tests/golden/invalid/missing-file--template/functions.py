def make() -> None:
    """Do nothing."""
