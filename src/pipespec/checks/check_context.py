"""What checks can use: the pipeline, the signatures of its functions, and facts about external files."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from pipespec.checks.import_results import ImportResult
from pipespec.checks.service_problem import ServiceProblem
from pipespec.python.function_bodies import BodyFacts
from pipespec.python.signature import CallableProblem, CallableSource
from pipespec.spec.contracts.data_schema import DataSchema, SchemaProblem
from pipespec.spec.pipeline_spec import DirInput, FileInput, FilesInput, PipelineSpec, StepSpec

if TYPE_CHECKING:
    from pipespec.spec.message_templates import MessageTemplate

__all__ = ["CheckContext", "ExternalInput"]

ExternalInput: TypeAlias = FileInput | DirInput | FilesInput


@dataclass(frozen=True)
class CheckContext:
    """`callables` is keyed by `str(CallableRef)`; of one that is not in it nothing is known.

    `exists` answers for external inputs, `problem` says why a folder cannot be read, and `siblings` what is in the folder of a path; None answers for none. `suffixes` are those that installed packages
    add to the formats of ours. `live` holds what came of importing the callables of declared steps, where that was asked.
    `widened` says, by callable, why whole modules count for it, and `bodies` what stands in the functions of steps; both are empty
    where that was not asked.
    `schemas` has what the JSON schemas say that the pipeline names, by their paths, or why they cannot be used; `templates` what
    the templates of messages do. `services` says of URLs why no message can be sent to them; it is empty where that was not asked.
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

    @cached_property
    def declared(self) -> Mapping[str, tuple[StepSpec, ...]]:
        """The variants of each declared step by its name; one for a step without a matrix."""
        found: dict[str, list[StepSpec]] = {}
        for step in self.spec.steps.values():
            found.setdefault(step.name, []).append(step)
        return {name: tuple(variants) for name, variants in found.items()}

    def shared(self) -> Iterator[StepSpec]:
        """Yield one variant of each declared step: for what is the same in all of them."""
        return (variants[0] for variants in self.declared.values())

    @cached_property
    def sound(self) -> tuple[tuple[tuple[StepSpec, ...], CallableSource], ...]:
        """The variants of each declared step whose parts and function are all known."""
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
        """Return where a function stands, as `file:line`."""
        return self.place_in(source.path, source.line)

    def place_in(self, path: Path, line: int) -> str:
        """Return a place as `file:line`, the file by its path in the project."""
        short = path.relative_to(self.spec.root) if path.is_relative_to(self.spec.root) else path
        return f"{short}:{line}"
