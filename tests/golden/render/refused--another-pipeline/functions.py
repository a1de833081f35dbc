def one(x: int = 1) -> int:
    return 1
