"""One folder of `tests/golden/invalid` for each mistake: a pipeline with it, and all that is said about it.

A new case is a new folder, named after the code (and `--` with a word of its own, for a second one), with
`pipeline.yaml`, `overlay*.yaml` in order, options of `--set` as lines of `overrides.txt`, the modules that it
calls, links as lines of `links.txt`, and a file `trusted` where the environment may be asked, or `imported` where what is
called is imported on trial. Run with `PIPESPEC_REWRITE_GOLDEN=1` to write `expected.txt` anew, then read the difference.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
from pathlib import Path

import pytest

from pipespec.errors import InvalidPipelineError
from pipespec.operations.compiling.compile_file import compile_file
from pipespec.python.problem_kind import ProblemKind
from pipespec.views.diagnostic_view import render_text

REPOSITORY = Path(__file__).parents[2]
GOLDEN = REPOSITORY / "tests" / "golden" / "invalid"
CASES = sorted(path for path in GOLDEN.iterdir() if path.is_dir())
CODE = re.compile(r"[a-z]+(-[a-z0-9]+)+|cycle")
NO_CODES = {"utf-8"}
STAGES = ("document", "python", "spec", "checks", "project")


def links(case):
    """Return the links of a case, which an archive of the project would not keep: name and target."""
    file = case / "links.txt"
    return [line.split() for line in file.read_text().splitlines()] if file.exists() else []


def said_about(folder):
    """Return what `pipespec validate` says about the pipeline in a folder, which is the working directory."""
    overlays = sorted(path.name for path in folder.glob("overlay*.yaml"))
    options = folder / "overrides.txt"
    overrides = options.read_text().splitlines() if options.exists() else []
    trusted = (folder / "trusted").exists()
    timeout = 60.0 if (folder / "imported").exists() else None
    try:
        compiled = compile_file(
            "pipeline.yaml",
            overlays=overlays,
            overrides=overrides,
            trusted=trusted,
            import_timeout=timeout,
            counts_code=True,
        )
    except InvalidPipelineError as error:
        return render_text(error.diagnostics, error.sources)
    return render_text(compiled.diagnostics, compiled.sources)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_everything_that_is_said(case, tmp_path, monkeypatch):
    project = tmp_path / "above" / "project"
    shutil.copytree(case, project)
    (project.parent / "outside.py").touch()
    for name, target in links(case):
        (project / name).symlink_to(target)
    monkeypatch.chdir(project)

    said = said_about(project).replace(str(project), "<project>") + "\n"

    if os.environ.get("PIPESPEC_REWRITE_GOLDEN"):
        (case / "expected.txt").write_text(said)
    assert said == (case / "expected.txt").read_text()


def test_each_case_shows_the_code_that_it_is_named_after():
    lacking = [
        case.name
        for case in CASES
        if f"[{case.name.partition('--')[0]}]" not in (case / "expected.txt").read_text()
    ]
    assert lacking == []


def codes_in_source():
    """Find the codes that are told of a pipeline."""
    return codes_in(*STAGES) | {str(kind) for kind in ProblemKind} - {"refused"} | {"module-refused"}


def codes_in(*stages):
    """Find the codes in the source: kebab-case words that a call has first, or as `code`."""
    found = set()
    for stage in stages:
        for file in (REPOSITORY / "src" / "pipespec" / stage).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Call):
                    values = [*node.args[:1], *(word.value for word in node.keywords if word.arg == "code")]
                    found |= {
                        one.value for one in values if isinstance(one, ast.Constant) and is_code(one.value)
                    }
    return found - NO_CODES


def is_code(value):
    return isinstance(value, str) and CODE.fullmatch(value) is not None


def test_every_code_has_a_case():
    cases = {case.name.partition("--")[0] for case in CASES}

    assert cases == codes_in_source()


def test_every_code_has_its_part_of_the_docs_page_and_no_other_has():
    page = (REPOSITORY / "docs" / "diagnostics.md").read_text()

    headings = re.findall(r"^### `([a-z0-9-]+)`", page, re.MULTILINE)
    assert headings == sorted(codes_in_source() | codes_in("converting"))
