import pandas as pd


def table() -> pd.DataFrame: ...


def read(table: pd.DataFrame): ...
