import datetime as dt
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Literal, Optional

import pandas as pd


class Mode(Enum):
    fast = 1
    slow = 2


@dataclass
class Model:
    layers: int
    width: int = 1


def train(
    depth: int,
    rate: float,
    name: str,
    flag: bool,
    day: dt.date,
    mode: Mode,
    kind: Literal["one", "two"],
    sizes: list[int],
    maybe: Optional[int],
    either: int | str,
    model: Model,
    names: dict[str, str],
    count: int,
    at: Path,
    unknown: pd.Timestamp,
    n: int,
): ...
