"""Check files against the schema that a pipeline declares for them: outputs after they are saved, inputs before they are passed.

Takes a file of JSON, JSON lines or YAML and a `DataSchema`, as it was planned. Refuses, in one line and a list, what
does not fit. The file is read in the same way as for an argument. Each line of JSON lines is a separate value.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from pipespec.document.nodes import JSON
from pipespec.document.wording import quote
from pipespec.spec.contracts.data_schema import DataSchema
from pipespec.spec.contracts.schema_judgement import MOST_MISFITS, SchemaJudge
from pipespec.spec.file_formats import suffix_of
from pipespec.step.failure import StepError
from pipespec.step.formats.json_files import load_json, read_lines
from pipespec.step.formats.library_options import FormatError, library
from pipespec.step.formats.yaml_files import load_yaml

__all__ = ["require_fit"]

_LINES: Final = ".jsonl"


def require_fit(path: Path, name: str, schema: DataSchema, kind: str) -> None:
    """Check that the content of a file fits a schema. `name` determines its format, `kind` is the kind of the failure.

    Raises:
        StepError: with the first misfits, each with its place in the file.
        FormatError: if the file is not of its format, or `jsonschema` is not installed.
    """
    library("jsonschema")
    judge = SchemaJudge(schema)
    found = [*islice(_misfits(path, name, judge), MOST_MISFITS + 1)]
    if not found:
        return
    others = len(found) - 1
    more = f" (and {'at least ' if others == MOST_MISFITS else ''}{others} more)" if others else ""
    lines = found[:MOST_MISFITS] if others else []
    lines += ["and more"] if others == MOST_MISFITS else []
    message = f"it does not fit the schema {quote(schema.name)}: {found[0]}{more}"
    raise StepError(kind, message, details="\n".join(lines))


def _misfits(path: Path, name: str, judge: SchemaJudge) -> Iterator[str]:
    for place, value in _values(path, name):
        yield from (f"{place}{misfit}" for misfit in judge.misfits(value))


def _values(path: Path, name: str) -> Iterator[tuple[str, JSON]]:
    """Yield each value of a file with a text that distinguishes it from the others."""
    suffix = suffix_of(name)
    try:
        if suffix == _LINES:
            yield from ((f"line {number}, ", value) for number, value in read_lines(path, {}))
        else:
            yield "", (load_json if suffix == ".json" else load_yaml)(path, {})
    except (ValueError, RecursionError) as error:
        problem = "it is nested too deeply" if isinstance(error, RecursionError) else error
        raise FormatError(f"{quote(name)} cannot be checked by its schema: {problem}") from None
