import numpy as np


def make(least) -> tuple[list, dict]: ...


def test(tabel, table, notes: np.ndarray, least: int, most: int = 3): ...
