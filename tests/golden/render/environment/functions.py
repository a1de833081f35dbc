def use(**given) -> int:
    return 1
