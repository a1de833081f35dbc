import settings


def read() -> dict: ...
