from typing import Annotated

from annotated_types import Gt, Le


def train(
    depth: Annotated[int, Gt(0)] = 0, rate: Annotated[float, Le(1)] | None = 2.0, width: Annotated[int, Gt(0)] | None = None
): ...
