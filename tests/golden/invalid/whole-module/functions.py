import importlib

import tables


def read(name: str) -> dict:
    return {"rows": globals()[name]()}


def pick(kind: str) -> dict:
    return importlib.import_module(kind).rows()


def take(name: str) -> dict:
    return getattr(tables, name)
