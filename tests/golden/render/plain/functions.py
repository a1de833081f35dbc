def make(count: int = 1) -> list:
    return list(range(count))


def total(numbers: list, name: str = "all") -> dict:
    return {name: sum(numbers)}
