import datetime as dt
from dataclasses import dataclass
from enum import Enum, StrEnum
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypedDict

import pandas as pd


class Mode(Enum):
    FAST = "fast"


class Kind(StrEnum):
    ONE = "one"


class Pair(NamedTuple):
    a: int
    b: int


@dataclass
class Model:
    depth: int
    since: dt.date


class Sizes(TypedDict):
    width: int


def made() -> dict[int, float]: ...
def day() -> dt.date: ...
def mode() -> Mode: ...
def kind() -> Kind: ...
def pair() -> Pair: ...
def models() -> list[Model]: ...
def model() -> Model: ...
def table() -> pd.DataFrame: ...
def literal() -> Literal["a", "b"]: ...
def sets() -> list[set[int]]: ...


def read(
    texts: dict[str, str],
    keys: dict[int, float],
    day: dt.date,
    mode: Mode,
    pair: Pair,
    models: list[Model],
    sizes: Sizes,
    rows: list[int],
    literal: Literal["c"],
    word: set[str],
    made: dict[int, str],
): ...


def fits(
    day: str | dt.date,
    kind: Kind,
    model: Model,
    rows: list[dict[str, str]],
    literal: Literal["b", "c"],
    models: list[dict[str, Any]],
    made: dict[int, float],
    kept: dict,
): ...
