from elsewhere import decorate


def anything(a, **rest): ...


@decorate
def clever(n): ...
