"""The catalogue of faults names tests that exist, and every target."""

import re
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
PAGES = ("docs/faults.md", "docs/reliability.md")


def test_every_test_that_is_named_exists():
    named = {
        name for page in PAGES for name in re.findall(r"tests/[\w/]+\.py", (REPOSITORY / page).read_text())
    }

    assert len(named) > 60
    assert {name for name in named if not (REPOSITORY / name).is_file()} == set()


def test_every_row_has_a_test_or_a_reason():
    rows = re.findall(
        r"^\| (?!fault \||threat \||target \||---)(.+?) \| (.+) \|$",
        (REPOSITORY / "docs/faults.md").read_text(),
        re.MULTILINE,
    )
    poor = [
        what
        for what, covered in rows
        if "tests/" not in covered and not covered.startswith("none: ") and not re.match(r"F\d+", what)
    ]

    assert len(rows) > 60
    assert [what for what in poor if what.strip()] == []


def test_every_target_has_its_figure():
    found = re.findall(r"^\| (F\d+) \|", (REPOSITORY / "docs/faults.md").read_text(), re.MULTILINE)

    assert found == [f"F{number}" for number in range(1, 21)]
