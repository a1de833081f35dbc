"""What checks can use: the pipeline, the signatures of its functions, and facts about external files."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar

from pipespec.checks.import_results import ImportResult
from pipespec.checks.service_problem import ServiceProblem
from pipespec.python.function_bodies import BodyFacts
from pipespec.python.signature import CallableProblem, CallableSource
from pipespec.spec.contracts.data_schema import DataSchema, SchemaProblem
from pipespec.spec.pipeline_spec import DirInput, FileInput, FilesInput, PipelineSpec, StepSpec

if TYPE_CHECKING:
    from pipespec.spec.message_templates import MessageTemplate

__all__ = ["CheckContext", "ExternalInput", "TimeLimit", "without_limit"]

ExternalInput: TypeAlias = FileInput | DirInput | FilesInput

_Answer = TypeVar("_Answer")


class TimeLimit(Protocol):
    """Calls a function and returns its result, or None if it takes too long."""

    def __call__(self, act: Callable[[], _Answer]) -> _Answer | None:
        """Call the function."""


def without_limit(act: Callable[[], _Answer]) -> _Answer | None:
    """Call a function, without a limit of time."""
    return act()


@dataclass(frozen=True)
class CheckContext:
    """The facts for checks. `callables` is keyed by `str(CallableRef)`; a callable that is not in it is unknown.

    `exists` says whether an external input exists, `problem` why a folder cannot be read, and `siblings` what is in the folder of a
    path; if they are None, nobody asked.
    `suffixes` are the file formats that installed packages add. `live` has the results of importing the callables of declared
    steps. `widened` says, by callable, why whole modules count for it; `bodies` has what the functions of steps contain;
    `services` says, by URL, why no message can be sent to it. These three, and `live`, are empty if nobody asked.
    `schemas` has, by path, the content of the JSON schemas that the pipeline names, or why they cannot be used; `templates`
    has the same for the templates of messages.
    `within_limit` does what may never end, and returns None if it took too long.
    """

    spec: PipelineSpec
    callables: Mapping[str, CallableSource | CallableProblem]
    exists: Callable[[ExternalInput], bool] | None = None
    problem: Callable[[DirInput], str | None] | None = None
    siblings: Callable[[str], Iterable[str]] | None = None
    suffixes: Collection[str] = frozenset()
    live: Mapping[str, ImportResult] = field(default_factory=dict)
    widened: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    bodies: Mapping[str, BodyFacts] = field(default_factory=dict)
    schemas: Mapping[str, DataSchema | SchemaProblem] = field(default_factory=dict)
    templates: Mapping[str, MessageTemplate] = field(default_factory=dict)
    services: Mapping[str, ServiceProblem] = field(default_factory=dict)
    within_limit: TimeLimit = without_limit

    @cached_property
    def declared(self) -> Mapping[str, tuple[StepSpec, ...]]:
        """The variants of each declared step by its name; a step without a matrix has one."""
        found: dict[str, list[StepSpec]] = {}
        for step in self.spec.steps.values():
            found.setdefault(step.name, []).append(step)
        return {name: tuple(variants) for name, variants in found.items()}

    def shared(self) -> Iterator[StepSpec]:
        """Yield one variant of each declared step, for checks of what is the same in all of them."""
        return (variants[0] for variants in self.declared.values())

    @cached_property
    def sound(self) -> tuple[tuple[tuple[StepSpec, ...], CallableSource], ...]:
        """The variants of each declared step, without those of which a part or the function is unknown."""
        return tuple(self._sound())

    def _sound(self) -> Iterator[tuple[tuple[StepSpec, ...], CallableSource]]:
        for name, variants in self.declared.items():
            source = self.callables.get(str(variants[0].call))
            is_plain = isinstance(source, CallableSource) and not (
                source.is_class or source.is_async or source.is_generator or source.is_stdlib
            )
            if is_plain and name not in self.spec.damaged:
                assert isinstance(source, CallableSource)
                yield variants, source

    def place_of(self, source: CallableSource) -> str:
        """Return the place of a function, as `file:line`."""
        return self.place_in(source.path, source.line)

    def place_in(self, path: Path, line: int) -> str:
        """Return a place as `file:line`, the file by its path in the project."""
        short = path.relative_to(self.spec.root) if path.is_relative_to(self.spec.root) else path
        return f"{short}:{line}"
