def score(cities: list, best: int) -> list:
    return [best for _ in cities]


def total(limits: dict, scores: list) -> int:
    return min(limits["most"], sum(scores))
