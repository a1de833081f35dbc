from pathlib import Path


def prep(inputs: dict[str, Path], outputs: dict[str, Path]): ...
