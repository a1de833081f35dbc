def fit() -> list:
    return [1]
