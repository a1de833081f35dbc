import datetime as dt
from dataclasses import dataclass
from enum import Enum
from typing import Literal


class Mode(Enum):
    fast = 1


@dataclass
class Model:
    layers: int
    width: int = 1


def train(
    rate: float,
    day: dt.date,
    mode: Mode | None,
    kind: Literal["one", 2],
    sizes: list[int],
    model: Model,
    key: int,
    wrong: str,
): ...
