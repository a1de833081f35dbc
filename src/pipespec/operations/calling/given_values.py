"""Convert the words after the options of a call to params and files: texts, YAML values, and files whose content is loaded.

Takes options and the words given for each. Returns the values for the arguments of the function. Refuses, all at once,
files that do not exist, values that are not YAML, and required arguments without a value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeAlias

from pipespec.document.nodes import JSON, plain
from pipespec.document.wording import quote
from pipespec.document.yaml.yaml_reader import read_scalar
from pipespec.errors import InvalidPipelineError, UsageError
from pipespec.frozen_values import frozen
from pipespec.spec.call_options import CallOption, CallOptionKind
from pipespec.spec.file_formats import FORMATS, suffix_of
from pipespec.step.step_job import Artifact, InputJob

__all__ = ["Given", "GivenValues", "artifact_at", "read_given"]

Given: TypeAlias = Mapping[str, str | bool]
"""For each argument, the words after its option; for a flag, whether it was set or negated."""


@frozen
class GivenValues:
    """The values that a call gives to arguments, by their names."""

    files: Mapping[str, Path]
    params: Mapping[str, JSON]

    @property
    def inputs(self) -> tuple[InputJob, ...]:
        """The files, in the same form as inputs of a step."""
        return tuple(InputJob(name, "one", (artifact_at(path),)) for name, path in self.files.items())


def artifact_at(path: Path) -> Artifact:
    """Return a local file or folder in the form from which an input is loaded."""
    return Artifact(f"{path}/" if path.is_dir() else str(path), None, path.name)


def read_given(options: Iterable[CallOption], given: Given) -> GivenValues:
    """Parse the given words.

    Raises:
        UsageError: if something does not fit its option, or an argument without default has no value; with all
        mistakes.
    """
    files: dict[str, Path] = {}
    params: dict[str, JSON] = {}
    problems = []
    for option in options:
        word = given.get(option.argument)
        if word is None:
            if option.default is None:
                problems.append(f"--{option.name} is missing")
        elif isinstance(word, bool):
            params[option.argument] = word
        elif _names_file(option, word):
            path = Path(word).absolute()
            if path.exists():
                files[option.argument] = path
            else:
                problems.append(f"--{option.name}: there is no file {quote(word)}")
        elif option.kind is CallOptionKind.TEXT:
            params[option.argument] = word
        else:
            try:
                params[option.argument] = plain(read_scalar(word, f"--{option.name}"))
            except InvalidPipelineError as error:
                problems.append(f"--{option.name}: {error.diagnostics[0].message}")
    if problems:
        raise UsageError("; ".join(problems))
    return GivenValues(files, params)


def _names_file(option: CallOption, word: str) -> bool:
    if option.kind is not CallOptionKind.FILE_OR_VALUE:
        return option.kind is CallOptionKind.FILE
    return suffix_of(word) in FORMATS and Path(word).exists()
