"""The output that was probably meant by another spelling: `clean/rows`, `steps.clean.outputs.rows`, `${clean.rows}`, `rows.csv`.

Takes the text and the document. Returns a reference in the spelling of the language, `clean.rows`, or None if no step and no output
of the document has such a name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

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
    names = _names(_Identical(steps))
    return _by_output(whole, names) or _by_words(_WORD.findall(whole), names)


class _Identical(NamedTuple):
    """Equal to itself alone: a document is not compared with others, which would take longer than reading it."""

    steps: MappingNode

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identical) and other.steps is self.steps

    def __hash__(self) -> int:
        return id(self.steps)


class _NamesOfSteps(NamedTuple):
    """The names of steps and outputs of a document: thousands of misspelled ones may be searched in it."""

    steps: MappingNode
    folded: Mapping[str, Sequence[str]]
    """The names of steps, by their spelling in small letters."""
    outputs: Mapping[str, Sequence[tuple[str, str]]]
    """Steps with an output of theirs, by the name and by the file of the output."""


@lru_cache(maxsize=2)
def _names(document: _Identical) -> _NamesOfSteps:
    steps = document.steps
    folded: dict[str, list[str]] = {}
    outputs: dict[str, list[tuple[str, str]]] = {}
    for step, entry in steps.entries.items():
        folded.setdefault(step.casefold(), []).append(step)
        for name, file in _outputs(entry.value).items():
            for spelling in {name} if file is None else {name, file}:
                outputs.setdefault(spelling, []).append((step, name))
    return _NamesOfSteps(steps, folded, outputs)


def _by_output(written: str, names: _NamesOfSteps) -> str | None:
    """Return the output with this name or file, if there is exactly one, and no step has the name."""
    found = names.outputs.get(written, ())
    if written in names.steps.entries or len(found) != 1:
        return None
    step, output = found[0]
    return _reference(step, output, names.steps.entries[step].value)


def _by_words(words: list[str], names: _NamesOfSteps) -> str | None:
    """Return the step that one of the words names, with the output that a later word names."""
    entries = names.steps.entries
    for position, word in enumerate(words):
        step = word if word in entries else _only(names.folded.get(word.casefold(), ()))
        if step is None or (word.lower() in _FILLERS and position + 1 < len(words)):
            continue
        body = entries[step].value
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
    return _only([name for name in names if name.casefold() == word.casefold()])


def _only(names: Sequence[str]) -> str | None:
    return names[0] if len(names) == 1 else None


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
