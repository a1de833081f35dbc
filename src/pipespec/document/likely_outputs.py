"""The output that was probably meant by another spelling: `clean/rows`, `steps.clean.outputs.rows`, `${clean.rows}`, `rows.csv`.

Takes the text and the document. Returns a reference in the spelling of the language, `clean.rows`, or None if no step and no output
of the document has such a name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from pipespec.document.nodes import MappingNode, Node, ScalarNode

__all__ = ["likely_output"]

_WORD: Final = re.compile(r"[A-Za-z_][\w-]*")
_FILLERS: Final = frozenset(
    [
        "artifact",
        "artifacts",
        "dag",
        "flow",
        "from",
        "input",
        "inputs",
        "job",
        "jobs",
        "needs",
        "node",
        "nodes",
        "out",
        "output",
        "outputs",
        "path",
        "pipeline",
        "ref",
        "result",
        "results",
        "stage",
        "stages",
        "step",
        "steps",
        "task",
        "tasks",
    ]
)
"""Words that other tools write around the names of a step and its output."""
_LONGEST: Final = 200
_JUDGED: Final = re.compile(r"""\[(?!["']\w+["']\])|/\.\.?(?:/|$)""")
"""Brackets that choose a variant, and parts of folders: their readers report errors in them."""


def likely_output(written: str, document: MappingNode) -> str | None:
    """Return the reference to the output that a text probably means."""
    steps = document.get("steps")
    if not isinstance(steps, MappingNode) or len(written) > _LONGEST or _JUDGED.search(written):
        return None
    whole = written.strip()
    return _by_output(whole, steps) or _by_words(_WORD.findall(whole), steps)


def _by_output(written: str, steps: MappingNode) -> str | None:
    """Return the output with this name or file, if there is exactly one, and no step has the name."""
    if written in steps.entries:
        return None
    found = [
        _reference(step, name, entry.value)
        for step, entry in steps.entries.items()
        for name, file in _outputs(entry.value).items()
        if written in (name, file)
    ]
    return found[0] if len(found) == 1 else None


def _by_words(words: list[str], steps: MappingNode) -> str | None:
    """Return the step that one of the words names, with the output that a later word names."""
    for position, word in enumerate(words):
        step = _same(word, steps.entries)
        if step is None or (word.lower() in _FILLERS and position + 1 < len(words)):
            continue
        body = steps.entries[step].value
        outputs = _outputs(body)
        rest = [one for one in words[position + 1 :] if one.lower() not in _FILLERS]
        output = next((name for one in rest if (name := _same(one, outputs))), None)
        if output is not None:
            return _reference(step, output, body)
        return _reference(step, next(iter(outputs)), body) if len(outputs) == 1 and not rest else None
    return None


def _same(word: str, names: Mapping[str, object]) -> str | None:
    """Return the name that equals a word, ignoring case."""
    if word in names:
        return word
    alike = [name for name in names if name.casefold() == word.casefold()]
    return alike[0] if len(alike) == 1 else None


def _outputs(body: Node) -> Mapping[str, str | None]:
    """Return the outputs of a step with the file of each, if that is a text."""
    outputs = body.get("outputs") if isinstance(body, MappingNode) else None
    if not isinstance(outputs, MappingNode):
        return {}
    return {name: _file(entry.value) for name, entry in outputs.entries.items()}


def _file(node: Node) -> str | None:
    file = node.get("file") if isinstance(node, MappingNode) else node
    return file.value if isinstance(file, ScalarNode) and isinstance(file.value, str) else None


def _reference(step: str, output: str, body: Node) -> str:
    has_variants = isinstance(body, MappingNode) and "matrix" in body.entries
    return f"{step}{'[*]' if has_variants else ''}.{output}"
