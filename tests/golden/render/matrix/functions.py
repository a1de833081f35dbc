def train(depth: int, rate: float, kind: str, seed: int) -> dict:
    return {"depth": depth}


def best(models: dict, deep: dict) -> dict:
    return models
