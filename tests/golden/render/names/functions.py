def make(**given) -> int:
    return 1
