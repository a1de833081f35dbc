def one(x: str) -> int:
    return 1
