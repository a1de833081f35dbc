"""One folder of `tests/golden/convert` for each kind of dvc.yaml: what it becomes, and what is left over.

Run with `PIPESPEC_REWRITE_GOLDEN=1` to write `expected.yaml` and `leftovers.txt` anew, then read the difference.
"""

import os
import re
import shutil
from pathlib import Path

import pytest

from pipespec import api
from pipespec.errors import Severity
from pipespec.views.diagnostic_view import render_text

GOLDEN = Path(__file__).parents[1] / "golden" / "convert"
CASES = sorted(path for path in GOLDEN.iterdir() if path.is_dir())


def test_a_pipeline_is_hardly_longer_than_it_was():
    page = (GOLDEN.parents[2] / "docs" / "coming-from" / "ploomber.md").read_text(encoding="utf-8")
    moved = [
        (
            re.search(r"```text\n(tasks:.*?)```", page, re.DOTALL)[1],
            re.search(r"```yaml\n(.*?)```", page, re.DOTALL)[1],
        ),
        ((GOLDEN / "first" / "dvc.yaml").read_text(), (GOLDEN / "first" / "expected.yaml").read_text()),
    ]

    assert [after.count("\n") / before.count("\n") <= 1.3 for before, after in moved] == [True, True]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_a_dvc_file_becomes(case, tmp_path, monkeypatch):
    folder = tmp_path / "project"
    shutil.copytree(case, folder, ignore=shutil.ignore_patterns("expected.yaml", "leftovers.txt"))
    monkeypatch.chdir(folder)

    found = api.convert(Path("dvc.yaml"))
    leftovers = render_text(found.leftovers, found.sources)
    if os.environ.get("PIPESPEC_REWRITE_GOLDEN"):
        (case / "expected.yaml").write_text(found.text, encoding="utf-8")
        (case / "leftovers.txt").write_text(f"{leftovers}\n", encoding="utf-8")

    assert found.text == (case / "expected.yaml").read_text(encoding="utf-8")
    assert leftovers.strip() == (case / "leftovers.txt").read_text(encoding="utf-8").strip()
    # what was written has no mistakes but for programs that these small projects do not have
    (folder / "pipeline.yaml").write_text(found.text, encoding="utf-8")
    mistakes = [
        one
        for one in api.validate(["pipeline.yaml"]).diagnostics
        if one.severity is Severity.ERROR
        and one.code not in ("file-not-found", "missing-file", "missing-module")
    ]
    assert [(one.code, one.message) for one in mistakes] == []
    assert api.convert(Path()).text == found.text
