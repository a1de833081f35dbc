def counts():
    return 3


def table() -> dict[str, int]: ...


def sends() -> None:
    print("sent")


def stub(): ...
