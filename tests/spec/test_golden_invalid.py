"""One folder of `tests/golden/invalid` for each mistake: a pipeline with it, and all that is said about it.

A new case is a new folder with `pipeline.yaml` and whatever it needs. Run with `PIPESPEC_REWRITE_GOLDEN=1` to
write `expected.txt` anew, then read the difference.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipespec.document.interpolate import Resolvers, interpolate_document
from pipespec.document.yaml_reader import read
from pipespec.errors import InvalidPipelineError
from pipespec.project import DiskModules, input_exists
from pipespec.spec.build import build_spec
from pipespec.spec.checks import check_meaning
from pipespec.spec.evidence import callables_of
from pipespec.spec.source import read_signature
from pipespec.views.diagnostics import render_text

GOLDEN = Path(__file__).parents[1] / "golden" / "invalid"
CASES = sorted(path for path in GOLDEN.iterdir() if path.is_dir())


def findings_of(folder):
    """Return the findings about a case's pipeline, and the sources that they point into."""
    file = folder / "pipeline.yaml"
    sources = {"pipeline.yaml": file.read_text()}
    try:
        document = interpolate_document(
            read(sources["pipeline.yaml"], file="pipeline.yaml"), Resolvers(name="pipeline"), sources
        )
    except InvalidPipelineError as error:
        return error.diagnostics, sources
    spec, found = build_spec(document, file=file, root=folder, folders={"pipeline.yaml": folder})
    if spec is not None:
        modules = DiskModules(folder)
        calls = {ref for step in spec.steps.values() for ref in callables_of(step)}
        callables = {str(ref): read_signature(ref, spec.module_folders, modules) for ref in calls}
        checked = check_meaning(spec, callables, exists=input_exists)
        found = tuple(sorted((*found, *checked), key=lambda one: (one.span, one.code)))
    return found, sources


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
def test_everything_that_is_said(folder):
    found, sources = findings_of(folder)
    said = (
        render_text(found, sources).replace(str(folder), "<project>").replace(str(GOLDEN), "<above>") + "\n"
    )
    expected = folder / "expected.txt"

    if os.environ.get("PIPESPEC_REWRITE_GOLDEN"):
        expected.write_text(said)
    assert said == expected.read_text()


def test_each_case_shows_the_code_that_it_is_named_after():
    for folder in CASES:
        code = folder.name.partition("--")[0]
        assert f"[{code}]" in (folder / "expected.txt").read_text(), folder.name
