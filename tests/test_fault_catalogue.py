"""The catalogue of faults names tests that exist, and each target has its figure and the command that shows it."""

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
    poor = [what for what, covered in rows if "tests/" not in covered and not covered.startswith("none: ")]

    assert len(rows) > 40
    assert [what for what in poor if what.strip()] == []


def test_every_target_has_its_figure_and_a_command():
    rows = re.findall(
        r"^\| (F\d+) \| .+ \| .+ \| (.+) \|$",
        (REPOSITORY / "docs/reliability.md").read_text(),
        re.MULTILINE,
    )

    assert [name for name, _ in rows] == [f"F{number}" for number in range(1, 21)]
    assert [name for name, command in rows if not re.search(r"`.*(pytest|python) |^as F\d+$", command)] == []
