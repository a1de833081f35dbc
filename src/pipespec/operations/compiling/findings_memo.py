"""Store what `validate` found in a file for the next call. The findings are kept while nothing changes on which they depend.

Takes a file with its layers. Returns the findings of an earlier command, or None. Only findings that depend on nothing
but files, code and inputs are stored: no errors, and nothing that depends on git or on installed packages.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from pipespec.errors import Diagnostic, Severity, Span
from pipespec.operations.compiling.pipeline_source import CompileOptions
from pipespec.project.project_root import find_root
from pipespec.project.signed_memos import SignedMemos
from pipespec.project.source_stamps import still_hold, to_stamps

if TYPE_CHECKING:
    from pipespec.operations.compiling.compile_file import Compiled

__all__ = ["keep_findings", "recall_findings", "to_question"]

Findings: TypeAlias = tuple[tuple[Diagnostic, ...], dict[str, str]]
"""Advice, and the text of each file to which it refers."""


def to_question(verb: str, file: str, options: CompileOptions, targets: Sequence[str] = ()) -> str:
    """Return the key of a memo: which file, with which layers, from which folder, with which Python."""
    return json.dumps([verb, os.getcwd(), file, options, list(targets), sys.path])  # noqa: PTH109 - it must be a text


def recall_findings(file: str, overlays: Sequence[str], overrides: Sequence[str]) -> Findings | None:
    """Return what was found in a file if nothing has changed since, otherwise None."""
    root = find_root(Path(file))
    memos = SignedMemos(root)
    options = CompileOptions(tuple(overlays), tuple(overrides), trusted=False)
    memo = memos.recall(to_question("validate", file, options))
    if memo is None or memo["root"] != str(root) or not still_hold(memo["sources"], memos.sealed):
        return None
    if memo["inputs"] and not _are_there(root, memo["inputs"]):
        return None
    found = tuple(
        Diagnostic(code, message, Span(*span), hint, Severity(severity))
        for code, message, span, hint, severity in memo["findings"]
    )
    return found, memo["texts"]


def keep_findings(compiled: Compiled) -> None:
    """Store what was found in a file for the next call."""
    from pipespec.project.input_presence import external_inputs, to_place  # noqa: PLC0415 - the compiler has already imported it

    if any(found.severity is Severity.ERROR for found in compiled.diagnostics) or compiled.spec is None:
        return
    if compiled.spec.notify:  # Apprise was called
        return
    memos = SignedMemos(compiled.place.root)
    read = compiled.sources_read()
    sources = None if read is None else to_stamps(read, memos.sealed)
    if sources is None:
        return
    texts = compiled.sources if compiled.diagnostics else {}
    answer = {
        "root": str(compiled.place.root),
        "sources": sources,
        "inputs": [to_place(source) for source in external_inputs(compiled.spec.steps.values()).values()],
        "findings": [
            [each.code, each.message, each.span, each.hint, str(each.severity)]
            for each in compiled.diagnostics
        ],
        "texts": dict(texts),
    }
    memos.keep(to_question("validate", compiled.name, compiled.options), answer)


def _are_there(root: Path, places: Sequence[Sequence[str]]) -> bool:
    from pipespec.project.input_presence import content_problem, input_exists, to_source  # noqa: PLC0415 - 10 ms
    from pipespec.spec.pipeline_spec import DirInput  # noqa: PLC0415 - as above

    sources = [to_source(*place) for place in places]
    return all(
        input_exists(source) and not (isinstance(source, DirInput) and content_problem(source, root))
        for source in sources
    )
