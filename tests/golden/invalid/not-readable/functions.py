import functools


def make(n): ...


made = functools.partial(make, 3)
