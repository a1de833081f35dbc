"""The values and functions with which references are resolved: the environment of a document, the scope of a step.

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
    """Why a resolver has no value: a message in the words of a diagnostic, and how to correct it."""

    message: str
    hint: str | None = None


Ask: TypeAlias = Callable[[str, Span], str | Problem]
"""A resolver: takes the argument and the place of the reference, returns a text, or why there is none."""


@frozen
class Resolvers:
    """A resolver that is None is not called: references to it stay as written, or take their default.

    `name` is the pipeline's name if the document sets none. `env` is None for a file that is not trusted. `git` is
    called with `commit` and `branch`, `pyproject` with a dotted key, `file` with a path relative to the file that
    contains the reference.
    """

    name: str | None = None
    env: Mapping[str, str] | None = None
    git: Ask | None = None
    pyproject: Ask | None = None
    file: Ask | None = None
    keeps_env: bool = False
    """References to the environment stay as written with their defaults, for a program that reads the variables later."""
    keeps_unset: bool = False
    """`???` is an open value, if nothing will run."""
    others: Mapping[str, Ask | None] = field(default_factory=dict)
    """Resolvers of packages, by name; used only for names that the language does not define."""


@frozen
class ReferenceScope:
    """One step, or one variant of it.

    `document` is the interpolated document, `step` the name without variant, `variant` the axes' values. `spelling`
    formats values inside a text; variants in `train[depth=${matrix.depth}]` need their own format.
    """

    document: MappingNode
    step: str
    variant: Mapping[str, Node] = field(default_factory=dict)
    spelling: Callable[[JSON], str] = spell
