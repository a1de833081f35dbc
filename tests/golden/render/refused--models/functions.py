def train(table):
    return table


def predict(model) -> list:
    return [str(model)]
