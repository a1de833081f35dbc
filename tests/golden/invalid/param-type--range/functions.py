from dataclasses import dataclass
from typing import Annotated

import annotated_types as at
from annotated_types import Ge, Gt, Interval, Len, MinLen, MultipleOf
from pydantic import Field, PositiveInt

Share = Annotated[float, Interval(ge=0, lt=1)]


class Within:
    def __init__(self, ge): ...


@dataclass
class Model:
    depth: Annotated[int, Gt(0)]


def train(
    depth: Annotated[int, Gt(0)],
    share: Share,
    name: Annotated[str, MinLen(1)],
    sizes: Annotated[list[Annotated[int, at.Le(10)]], Len(1, 3)],
    many: Annotated[list[int], Len(1, 3)],
    step: Annotated[float, MultipleOf(0.1)],
    model: Model,
    rate: Annotated[float, Field(gt=0, le=1)],
    count: PositiveInt,
    maybe: Annotated[int | None, Ge(1)],
    own: Annotated[int, Within(ge=9), "nine"],
    n: Annotated[int, Ge(1)],
): ...
