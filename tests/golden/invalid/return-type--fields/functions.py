from collections import namedtuple
from dataclasses import dataclass, field
from typing import NamedTuple, NotRequired, TypedDict

import pandas as pd
from elsewhere import Base


@dataclass
class Scored:
    scores: dict


@dataclass
class Fitted(Scored):
    model: object
    name: str = field(default="x", init=False)


class Split(TypedDict):
    train: pd.DataFrame
    test: pd.DataFrame


class Wider(Split, total=False):
    notes: list[str]


Called = TypedDict("Called", {"a": int, "b": NotRequired[int]})
Pair = namedtuple("Pair", "left right")


class Point(NamedTuple):
    x: int
    y: "dict[str, int]"


@dataclass
class Unread(Base):
    a: int


def fit() -> Fitted: ...
def split() -> Split: ...
def wider() -> Wider: ...
def called() -> Called: ...
def pair() -> Pair: ...
def point() -> Point: ...
def unread() -> Unread: ...
def tables() -> dict[str, pd.DataFrame]: ...
