def make() -> None:
    """Do nothing."""


def load(table: str) -> None:
    """Read a table whose folder is not set: that is said once, and not that it is missing."""
