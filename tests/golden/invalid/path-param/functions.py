from pathlib import Path


def train(table: Path, place: Path | None): ...
