"""What references are resolved with, handed in as values: the surroundings of a document, the scope of a step.

Nothing here looks anything up: who calls decides what may be asked, and a file that is not trusted asks less.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from pipespec.document.nodes import JSON, MappingNode, Node
from pipespec.document.scalars import spell
from pipespec.errors import Span

__all__ = ["BUILT_IN", "Ask", "Problem", "Resolvers", "Scope"]

BUILT_IN: Final = ("env", "oc.env", "secret", "git", "pyproject", "file")
"""The names of the language's own resolvers, which no package's resolver can have."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a resolver has no answer: a message in the words of a diagnostic, and the way out."""

    message: str
    hint: str | None = None


Ask: TypeAlias = Callable[[str, Span], str | Problem]
"""A resolver: the argument, and the place where it is asked -> a text, or why there is none."""


@dataclass(frozen=True, slots=True)
class Resolvers:
    """What is None here is not asked: a reference to it stays as written, or takes its default.

    `name` is the pipeline's name where the document sets none. `env` is None for a file that is not trusted.
    `git` is asked for `commit` and `branch`, `pyproject` for a dotted key, `file` for a path relative to the
    file of the place.
    """

    name: str | None = None
    env: Mapping[str, str] | None = None
    git: Ask | None = None
    pyproject: Ask | None = None
    file: Ask | None = None
    keeps_env: bool = False
    """References to the environment stay as written with their defaults, for whoever reads the variables later."""
    others: Mapping[str, Ask | None] = field(default_factory=dict)
    """What packages bring, by name; looked at only for a name that is not of the language."""


@dataclass(frozen=True, slots=True)
class Scope:
    """One step, or one variant of it.

    `document` is the interpolated document, `step` the name without variant, `variant` the axes' values.
    `spelling` writes values inside of text; in `train[depth=${matrix.depth}]` variants want one of their own.
    """

    document: MappingNode
    step: str
    variant: Mapping[str, Node] = field(default_factory=dict)
    spelling: Callable[[JSON], str] = spell
