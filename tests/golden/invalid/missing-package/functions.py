import sys

import pandas as pd

sys.modules["pyarrow"] = sys.modules["fastparquet"] = sys.modules["polars"] = None


def make() -> pd.DataFrame: ...


def read(
    table: pd.DataFrame, plain: dict, lines: "pl.DataFrame"
) -> pd.DataFrame: ...


if False:
    import polars as pl
