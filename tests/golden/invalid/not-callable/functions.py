VALUE = 3


class Model:
    def fit(self): ...


async def later(): ...


def many():
    yield 1
