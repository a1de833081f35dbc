def names() -> list:
    return ["a"]


def one(name: str) -> int:
    return 1
