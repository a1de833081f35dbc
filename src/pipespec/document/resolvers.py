"""What a document may ask its surroundings, handed in as values: environment, git, pyproject, files.

Nothing here looks anything up; `api` decides what may be asked, and a file that is not trusted asks less.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from pipespec.errors import Span

__all__ = ["Ask", "Problem", "Resolvers"]


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
