from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from pipespec.document.interpolate import interpolate_document
from pipespec.document.nodes import Entry, MappingNode, ScalarNode, SequenceNode
from pipespec.document.resolvers import Resolvers
from pipespec.document.yaml_reader import read
from pipespec.errors import Span
from pipespec.spec.build import build_spec


def _tree(value, file="pipeline.yaml", _lines=None):
    lines = itertools.count(1) if _lines is None else _lines

    def span():
        line = next(lines)
        return Span(file, line, 1, line, 9)

    if isinstance(value, dict):
        entries = {key: Entry(span(), _tree(below, file, lines)) for key, below in value.items()}
        here = next(iter(entries.values())).key_span if entries else span()
        return MappingNode(entries, here)
    if isinstance(value, list):
        here = span()
        return SequenceNode(tuple(_tree(item, file, lines) for item in value), here)
    return ScalarNode(value, span())


@pytest.fixture(scope="session")
def tree():
    """Make nodes of a plain value: every key and scalar on a line of its own, in order."""
    return _tree


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
