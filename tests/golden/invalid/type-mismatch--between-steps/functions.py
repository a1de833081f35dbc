import datetime as dt
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, NamedTuple, TypedDict, TypeVar

import numpy as np
import pandas as pd
import polars as pl

T = TypeVar("T")


class Mode(Enum):
    FAST = "fast"
    SLOW = 2


class Pair(NamedTuple):
    a: int
    b: int


class Sizes(TypedDict):
    width: int


@dataclass
class Model:
    depth: int
    mode: Mode = Mode.FAST


@dataclass
class Written:
    depth: str


@dataclass
class Fitted:
    model: Written
    rows: list[int]


def rows() -> list[int]: ...
def number() -> float: ...
def flag() -> bool: ...
def names(n: int) -> set[str]: ...
def nested() -> tuple[set[str], int]: ...
def pair() -> Pair: ...
def sizes() -> Sizes: ...
def fitted() -> Fitted: ...
def frame() -> pl.DataFrame: ...
def each(n: int) -> list[str]: ...
def anything() -> Any: ...
def variable(x: T) -> T: ...
def maybe() -> dict[str, float] | None: ...
def array() -> np.ndarray: ...


def read(
    a: dict,
    b: bool,
    c: int,
    d: dict,
    e: list[int],
    f: Model,
    g: str,
    h: pd.DataFrame,
    i: "dict[str, dict]",
    j: int,
): ...


def fits(
    a: list[float],
    b: int,
    c: bool,
    d: tuple[int, int],
    e: dict[str, int],
    f: Written,
    g: list[int],
    h: pd.DataFrame,
    i: dict[str, list],
    j: int,
    k: dict[str, float] | list,
    m: list,
): ...
