"""Words that messages have in common."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import pipespec
from pipespec.errors import counted

SOURCES = sorted(Path(pipespec.__file__).parent.rglob("*.py"))


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 bytes"), (1, "1 byte"), (2, "2 bytes"), (1000, "1,000 bytes")],
)
def test_one_thing_is_not_told_in_the_plural(count, said):
    assert counted(count, "byte") == said
    assert counted(count, "entry", "entries") == said.replace("bytes", "entries").replace("byte", "entry")


def test_whoever_says_one_or_several_asks_the_one_function_that_can():
    by_hand = re.compile(r"""\{'?s?'? ?if [^{}]+ ?[!=]= 1 else '?s?'?\}|'(\w+)' if [^{}]+ == 1 else '\1s'""")
    assert [
        (path.name, found[0])
        for path in SOURCES
        if path.name
        not in ("wording.py", "errors.py", "terminal_text.py")  # which come before it, or are loaded by all
        for found in by_hand.finditer(path.read_text())
    ] == []
