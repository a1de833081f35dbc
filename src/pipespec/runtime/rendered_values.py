"""The inputs in a rendered module, and values that are known only where it runs.

Plain frozen values. `read` replaces `env` and `git` by their values from the environment and git. It is the only
function here that looks anything up. Refuses a variable that is not set and has no default.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from pipespec.document.nodes import JSON
from pipespec.document.yaml.plain_scalars import Refused, resolve_plain
from pipespec.errors import UsageError
from pipespec.frozen_values import frozen
from pipespec.project.environment_variables import variable
from pipespec.project.git_state import git_facts

__all__ = [
    "Env",
    "External",
    "Git",
    "Output",
    "Scalar",
    "Text",
    "Value",
    "Way",
    "env",
    "every",
    "file",
    "files",
    "folder",
    "git",
    "output",
    "read",
    "scalar",
    "text",
]

Value: TypeAlias = Any
"""JSON in which `Env`, `Git`, `Scalar` and `Text` may occur wherever a text may occur."""

Way: TypeAlias = Mapping[str, JSON] | str | None
"""How something is loaded or saved: options of the format, `path`, or the `module:function` that does it."""


@frozen
class Env:
    """An environment variable."""

    name: str
    default: Value = None


@frozen
class Git:
    """A fact about the project from git: `commit` or `branch`."""

    what: str


@frozen
class Text:
    """A text that consists of parts."""

    parts: tuple[Value, ...]


@frozen
class Scalar:
    """A text that is read as a number, a bool or null, because the function does not accept text."""

    text: Value


@frozen
class Output:
    """Outputs of one or more steps, by their ids. With `fan_in`, a dict over the axes that are not in `fixed`."""

    steps: tuple[str, ...]
    output: str
    part: str | None
    load: Way
    fan_in: bool = False
    fixed: Mapping[str, JSON] | None = None


@frozen
class External:
    """A file, a folder or the files that a glob finds, as the pipeline's file names them.

    `kind` is `file`, `folder` or `files`. `base` is the folder, relative to the project root, at which a relative path
    starts; None means the folder of the pipeline's file. `schema` is the file of the JSON schema that it must fit,
    relative to the project root.
    """

    kind: str
    written: Value
    load: Way
    base: str | None
    schema: str | None = None


def env(name: str, default: Value = None) -> Env:
    """Read an environment variable when the pipeline is planned. Without a default, it must be set."""
    return Env(name, default)


def scalar(text: Value) -> Scalar:
    """Read a text as an unquoted scalar of YAML: `3`, `true`, `null`. Any other text stays a text."""
    return Scalar(text)


def git(what: str) -> Git:
    """Read the `commit` or the `branch` from git when the pipeline is planned."""
    return Git(what)


def text(*parts: Value) -> Text:
    """Join texts, some of which are known only when the pipeline is planned."""
    return Text(parts)


def output(step: str, output: str, part: str | None = None, *, load: Way = None) -> Output:
    """Read the output of a step, or one file of an output that is a directory."""
    return Output((step,), output, part, load)


def every(
    output: str,
    part: str | None = None,
    *,
    of: Sequence[str],
    fixed: Mapping[str, JSON] | None = None,
    load: Way = None,
) -> Output:
    """Read the outputs of several variants as one dict, named by the axes that are not `fixed`."""
    return Output(tuple(of), output, part, load, fan_in=True, fixed=fixed)


def file(path: Value, *, base: str | None = None, load: Way = None, schema: str | None = None) -> External:
    """Read a file from outside the pipeline."""
    return External("file", path, load, base, schema)


def folder(path: Value, *, base: str | None = None, load: Way = None) -> External:
    """Read a folder."""
    return External("folder", path, load, base)


def files(pattern: Value, *, base: str | None = None, load: Way = None) -> External:
    """Read the files that a glob finds."""
    return External("files", pattern, load, base)


def read(value: Value, root: Path) -> JSON:
    """Return a value with everything filled in that is known only here.

    Raises:
        UsageError: if something is not known here either.
    """
    match value:
        case Env():
            return _variable(value, root)
        case Git(what):
            return _of_git(what, root)
        case Scalar(of):
            text = str(read(of, root))
            found = resolve_plain(text)
            return text if isinstance(found, Refused) else found
        case Text(parts):
            return "".join(str(read(part, root)) for part in parts)
        case list():
            return [read(item, root) for item in value]
        case dict():
            return {key: read(item, root) for key, item in value.items()}
        case _:
            return value  # type: ignore[no-any-return]  # JSON, checked by the compiler


def _variable(wanted: Env, root: Path) -> JSON:
    found = variable(wanted.name)
    if found is None and wanted.default is None:
        raise UsageError(f"the environment variable '{wanted.name}' is not set")
    if found is not None and "${secret:" in found:
        raise UsageError(
            f"the environment variable '{wanted.name}' holds '${{secret:', which is not a secret"
        )
    return read(wanted.default, root) if found is None else found


def _of_git(what: str, root: Path) -> str:
    facts = git_facts(root)
    answer = None if facts is None else facts.commit if what == "commit" else facts.branch
    if answer is None:
        raise UsageError(f"git has no {what} for '{root}'")
    return answer
