import pandas as pd


class Model:
    def fit(self, rows): ...

    @classmethod
    def build(cls, rows): ...


def clean(raw: pd.DataFrame, least: int = 0) -> pd.DataFrame: ...


def train(rows: pd.DataFrame, depth: int = 2): ...


def outer():
    def inner(rows): ...

    return inner


LIMIT = 3
