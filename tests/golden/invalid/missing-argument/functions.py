from pathlib import Path


def train(table, epochs, model: Path, scores: dict, *, seed): ...
