import pandas as pd


def make(): ...


def frame(n) -> pd.DataFrame: ...


def read(
    frame: pd.DataFrame,
    mapping: dict,
    number: int,
    texts: dict[str, pd.DataFrame],
    good: dict | None,
    files: str,
    path: str,
): ...
