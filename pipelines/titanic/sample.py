"""Makes up a passenger list with the columns of the well-known one: `PYTHONPATH=pipelines python -m titanic.sample`.

`passengers.csv` beside this file is what it prints; nobody in it ever lived.
"""

from __future__ import annotations

import csv
import math
import sys
from collections.abc import Iterator
from random import Random
from typing import Final, TextIO

__all__ = ["COLUMNS", "make_passengers", "write_passengers"]

COLUMNS: Final = (
    "PassengerId", "Survived", "Pclass", "Name", "Sex", "Age",
    "SibSp", "Parch", "Ticket", "Fare", "Cabin", "Embarked",
)  # fmt: skip
_SURNAMES: Final = (
    "Ashby",
    "Bjørk",
    "Castellí",
    "Dvořák",
    "Eze",
    "Fontaine",
    "Grünwald",
    "Haddad",
    "Imai",
    "O'Dea",
)
_FORENAMES: Final = {
    "female": ("Ada", "Brigid", "Clara", "Émilie", "Freya"),
    "male": ("Abel", "Bruno", "Çelik", "Dan", "Emil"),
}
_FARES: Final = {1: 70.0, 2: 20.0, 3: 9.0}


def make_passengers(count: int = 500, *, seed: int = 0) -> Iterator[dict[str, object]]:
    """Yield passengers, the same ones for the same seed; ages, cabins and ports are missing here and there."""
    random = Random(seed)  # noqa: S311 - a sample, not a secret
    for number in range(1, count + 1):
        travel_class = random.choices((1, 2, 3), (24, 21, 55))[0]
        sex = random.choices(("male", "female"), (62, 38))[0]
        age = min(80, max(1, round(random.gauss(42 - 5 * travel_class, 13))))
        relatives = random.choices((0, 1, 2, 5), (60, 25, 10, 5))[0]
        odds = (
            0.4
            - 1.1 * travel_class
            + (3.6 if sex == "female" else 0)
            + (2 if age < 13 else 0)
            - 0.3 * relatives
        )
        survived = random.random() < 1 / (1 + math.exp(-odds))
        polite = ("Miss." if age < 25 else "Mrs.") if sex == "female" else ("Master." if age < 13 else "Mr.")
        yield {
            "PassengerId": number,
            "Survived": int(survived),
            "Pclass": travel_class,
            "Name": f"{random.choice(_SURNAMES)}, {polite} {random.choice(_FORENAMES[sex])}",
            "Sex": sex,
            "Age": age if random.random() < 0.8 else "",
            "SibSp": relatives // 2,
            "Parch": relatives - relatives // 2,
            "Ticket": random.randrange(10_000, 400_000),
            "Fare": round(_FARES[travel_class] * (1 + relatives) * random.uniform(0.7, 1.4), 2),
            "Cabin": f"{random.choice('ABCDE')}{random.randrange(1, 120)}"
            if random.random() < 0.6 / travel_class
            else "",
            "Embarked": random.choices(("S", "C", "Q", ""), (72, 18, 9, 1))[0],
        }


def write_passengers(stream: TextIO) -> None:
    """Write the sample as csv, with Unix line ends."""
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(make_passengers())


if __name__ == "__main__":
    write_passengers(sys.stdout)
