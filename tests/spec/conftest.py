from __future__ import annotations

import itertools

import pytest

from pipespec.document.nodes import Entry, MappingNode, ScalarNode, SequenceNode
from pipespec.errors import Span


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
