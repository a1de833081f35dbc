"""What checks judge by: the pipeline, what the source says of its functions, and what there is outside."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

from pipespec.spec.model import CallableRef, DirInput, FileInput, FilesInput, PipelineSpec, StepSpec
from pipespec.spec.signature import CallableProblem, CallableSource
from pipespec.spec.verdicts import Verdict

__all__ = ["Evidence", "ExternalInput", "callables_of"]

ExternalInput: TypeAlias = FileInput | DirInput | FilesInput


@dataclass(frozen=True)
class Evidence:
    """`callables` is keyed by `str(CallableRef)`; of one that is not in it nothing is known.

    `exists` answers for external inputs; None answers for none. `suffixes` are those that installed packages
    add to the formats of ours. `live` holds what came of importing the callables of declared steps, where that was asked.
    """

    spec: PipelineSpec
    callables: Mapping[str, CallableSource | CallableProblem]
    exists: Callable[[ExternalInput], bool] | None = None
    suffixes: Collection[str] = frozenset()
    live: Mapping[str, Verdict] = field(default_factory=dict)

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

    def sound(self) -> Iterator[tuple[tuple[StepSpec, ...], CallableSource]]:
        """Yield the variants of each declared step whose parts and function are all known."""
        for name, variants in self.declared.items():
            source = self.callables.get(str(variants[0].call))
            is_plain = isinstance(source, CallableSource) and not (
                source.is_class or source.is_async or source.is_generator or source.is_stdlib
            )
            if is_plain and name not in self.spec.damaged:
                assert isinstance(source, CallableSource)
                yield variants, source

    def place_of(self, source: CallableSource) -> str:
        """Return where a function stands, as `file:line`, the file by its path in the project."""
        path = source.path
        short = path.relative_to(self.spec.root) if path.is_relative_to(self.spec.root) else path
        return f"{short}:{source.line}"


def callables_of(step: StepSpec) -> Iterator[CallableRef]:
    """Yield all that a step calls: its function, its probe, loaders of inputs, savers of outputs."""
    yield step.call
    if step.identity.probe is not None:
        yield step.identity.probe
    for spec in step.inputs.values():
        if isinstance(spec.load, CallableRef):
            yield spec.load
    for output in step.outputs.values():
        if isinstance(output.save, CallableRef):
            yield output.save
