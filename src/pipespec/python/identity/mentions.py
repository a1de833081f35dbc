"""What is found in statements: the values that `name_usage` creates and the other modules read."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from pipespec.python.name_resolution import Chain
from pipespec.python.statement_bindings import ImportTarget

__all__ = ["ITEM", "LOCAL", "DynamicName", "LevelUsage", "NameUsage", "Ref"]

ITEM: Final = "[]"
"""Stands in a chain for an item or a call's result: `X[...] = 1` changes `X.[]`."""


class Ref(NamedTuple):
    """A mentioned name with the attributes after it.

    `module` is empty for a name of the statement's own module; else the absolute module that an import within
    the statement names, and `chain` leads on from there (empty for the module itself).
    """

    module: str
    chain: Chain


LOCAL: Final = Ref("", ())
"""Stands for a callee that is a method of something local."""


class DynamicName(NamedTuple):
    """A text that code makes a name of: of a module that it imports (`is_module`), or of names that it reads."""

    text: ast.expr | None
    package: ast.expr | None = None
    is_module: bool = True


@dataclass(slots=True)
class LevelUsage:
    """What happens at one time: `calls` whose result is used, `drops` without that, what is stored to (`writes`).

    `changes_arguments` says that the code sets attributes or items of what it is handed, `calls_itself` that a method calls another.
    """

    refs: set[Ref] = field(default_factory=set)
    calls: set[Ref] = field(default_factory=set)
    drops: set[Ref] = field(default_factory=set)
    writes: set[Ref] = field(default_factory=set)
    changes_arguments: bool = False
    calls_itself: bool = False


@dataclass(slots=True)
class NameUsage:
    """What some statements mention.

    `refs` is everything. Level 0 is what runs with the statement, level 1 what runs when the function or class
    that it defines is called, level 2 what runs when one of the class's other methods is, or what the function returns;
    level 3 what these return. `handed` are names that
    level 0 hands to a call or a decorator, or changes; `stores` those whose attribute or item it sets; `bases`
    those that it derives from; `decorators` those that it or its methods are decorated with.
    `decorating` are names that only decorators mention. `passed` pairs a callee with what it is given by name.
    `loads` are the imports within. `open_ended` is what may reach names that the text does not show, `dynamic` are
    texts that name modules or names. `reads` are what the code looks at of other code: docstrings, annotations, subclasses.
    """

    refs: set[Ref] = field(default_factory=set)
    handed: set[Ref] = field(default_factory=set)
    stores: set[Ref] = field(default_factory=set)
    decorating: set[Ref] = field(default_factory=set)
    decorators: set[Ref] = field(default_factory=set)
    bases: set[Ref] = field(default_factory=set)
    passed: set[tuple[Ref, Ref]] = field(default_factory=set)
    annotated: set[Ref] = field(default_factory=set)
    levels: tuple[LevelUsage, ...] = field(
        default_factory=lambda: (LevelUsage(), LevelUsage(), LevelUsage(), LevelUsage())
    )
    loads: set[ImportTarget] = field(default_factory=set)
    open_ended: set[str] = field(default_factory=set)
    dynamic: list[DynamicName] = field(default_factory=list)
    texts: set[str] = field(default_factory=set)
    reads: set[str] = field(default_factory=set)
