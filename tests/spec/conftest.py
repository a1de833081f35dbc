from __future__ import annotations

from pathlib import Path

import pytest

from pipespec.document.interpolation.interpolate import interpolate_document
from pipespec.document.interpolation.resolver_interface import Resolvers
from pipespec.document.yaml.yaml_reader import read
from pipespec.spec.build_spec import build_spec


@pytest.fixture(scope="session")
def build():
    """Build the pipeline of a text: the spec, and the findings as (code, line) pairs."""
    return _build


def _build(text, root=Path("/project")):
    resolved = interpolate_document(read(text, file="pipeline.yaml"), Resolvers(name="pipeline"))
    spec, found = build_spec(
        resolved, file=root / "pipeline.yaml", root=root, folders={"pipeline.yaml": root / "folder"}
    )
    return spec, [(one.code, one.span.line) for one in found]
