def build(day: str, size: int) -> None:
    pass
