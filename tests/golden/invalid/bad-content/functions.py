def make(folder) -> None:
    """Read a folder."""
