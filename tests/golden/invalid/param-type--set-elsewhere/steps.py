from typing import Annotated

from annotated_types import Gt


def fit(raw, rate: float, seed: int, epochs: Annotated[int, Gt(0)], depth: int): ...
