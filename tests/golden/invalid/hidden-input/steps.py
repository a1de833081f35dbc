import os
from os import environ, getenv
from pathlib import Path

import numpy as np
import pandas as pd


def frame():
    return pd.read_csv("houses.csv")


def others():
    with open("notes.txt") as file:
        return file.read(), np.load("data/arrays.npy"), Path("more.md").read_text()


def variables():
    return os.environ["REGION"], environ.get("YEAR", "2020"), getenv("CITY")


def secret():
    return os.environ["PRICES_API_KEY"]


def machine():
    os.environ["MODE"] = "fast"
    open("/dev/null").close()
    open("log.txt", "a").close()
    pd.DataFrame().to_csv("scratch.csv")
    return os.environ["HOME"], os.getenv("OMP_NUM_THREADS"), os.environ["MODE"], pd.read_csv("scratch.csv")


def bound(raw):
    return raw, pd.read_csv("houses.csv")


def untracked():
    return pd.read_csv("cache/houses.csv")


def never():
    return pd.read_csv("houses.csv")
