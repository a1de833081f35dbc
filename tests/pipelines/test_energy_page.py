"""The page on parameters shows forms that run: those of its table stand in the example or in its commands."""

import re
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def test_forms_beside_hydras_stand_in_the_example_or_in_a_command_of_the_page():
    page = (REPOSITORY / "docs/parameters.md").read_text(encoding="utf-8")
    comparison = page.partition("\n## Comparison with Hydra")[2]
    rows = [line.strip("|").split(" | ") for line in comparison.splitlines() if line.startswith("| ")]
    files = [*REPOSITORY.glob("pipelines/energy*.yaml"), *REPOSITORY.glob("pipelines/energy/**/*.yaml")]
    running = [file.read_text(encoding="utf-8") for file in files]
    running += [line for line in page.splitlines() if line.startswith("$ ")]

    forms = [form for row in rows for form in re.findall(r"`([^`]+)`", row[-1])]
    assert {len(row) for row in rows} == {3}
    assert len(forms) >= 25
    assert [form for form in forms if not any(form in text for text in running)] == []
