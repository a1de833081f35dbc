def read(raw) -> dict:
    return {}
