"""The values and functions with which references are resolved: the surroundings of a document, the scope of a step.

Nothing is looked up here. The caller decides what may be read; for a file that is not trusted, this is less.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Final, TypeAlias

from pipespec.document.nodes import JSON, MappingNode, Node
from pipespec.document.yaml.plain_scalars import spell
from pipespec.errors import Span
from pipespec.frozen_values import frozen

__all__ = ["BUILT_IN", "Ask", "Problem", "ReferenceScope", "Resolvers"]

BUILT_IN: Final = ("env", "oc.env", "secret", "git", "pyproject", "file")
"""The names of the language's own resolvers, which no package's resolver can have."""


@frozen
class Problem:
    """Why a resolver has no answer: a message in the words of a diagnostic, and the way out."""

    message: str
    hint: str | None = None


Ask: TypeAlias = Callable[[str, Span], str | Problem]
"""A resolver: the argument, and the place where it is asked -> a text, or why there is none."""


@frozen
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
    keeps_unset: bool = False
    """`???` is an open value, for what runs nothing."""
    others: Mapping[str, Ask | None] = field(default_factory=dict)
    """What packages bring, by name; looked at only for a name that is not of the language."""


@frozen
class ReferenceScope:
    """One step, or one variant of it.

    `document` is the interpolated document, `step` the name without variant, `variant` the axes' values.
    `spelling` writes values inside of text; in `train[depth=${matrix.depth}]` variants want one of their own.
    """

    document: MappingNode
    step: str
    variant: Mapping[str, Node] = field(default_factory=dict)
    spelling: Callable[[JSON], str] = spell
