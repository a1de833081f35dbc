import functools
from typing import Annotated

from annotated_types import Gt

print("printed while it is imported")


def checked(function):
    @functools.wraps(function)
    def call(*args, **kwargs):
        return function(*args, **kwargs)

    return call


@checked
def train(depth: int, rate: float) -> dict: ...


class Trainer:
    def __call__(self, depth: Annotated[int, Gt(len("x"))], name: str) -> None: ...


part = functools.partial(train, rate=0.1)
trainer = Trainer()


def open_ended(**options): ...


def __getattr__(name):
    if name == "dynamic":
        return train
    raise AttributeError(name)
