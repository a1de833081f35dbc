"""The compiler: a pipeline file -> a checked `PipelineSpec`, or every mistake with its place.

The way of a pipeline, in order: read, lay layers, interpolate (`document`), build, read signatures, check
(`spec`). This is where files, environment and git enter; the stages themselves ask for nothing.

A file that is not trusted reads no environment variable and asks git nothing; `validate`, `graph`, `render` and
`diff` compile that way.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipespec.document.layers import Resolved, resolve
from pipespec.document.nodes import JSON, MappingNode, plain
from pipespec.errors import Diagnostic, InvalidPipelineError, Severity, Span
from pipespec.project.answers import ProjectAnswers
from pipespec.project.disk_modules import DiskModules
from pipespec.project.pipeline_files import PipelineFiles
from pipespec.project.presence import input_exists
from pipespec.project.root import find_root
from pipespec.spec.build import build_spec
from pipespec.spec.checks import check_meaning
from pipespec.spec.evidence import Evidence, callables_of
from pipespec.spec.format_checks import used_suffixes
from pipespec.spec.matrix import fill_axis
from pipespec.spec.model import PipelineSpec, StepSpec
from pipespec.spec.signature import CallableProblem, CallableSource
from pipespec.spec.source import read_signature
from pipespec.spec.suffixes import FORMATS
from pipespec.spec.verdicts import Verdict

if TYPE_CHECKING:
    from pipespec.step.secret import Redactor

__all__ = ["Compiled", "Place", "compile_file", "read_signatures"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a pipeline is: its file and the project's root, both absolute.

    `folders` maps each file named in a span to the folder that its relative paths start from. `modules` has read
    the project's code, and remembers it.
    """

    file: Path
    root: Path
    folders: Mapping[str, Path]
    modules: DiskModules


@dataclass(frozen=True, slots=True)
class Compiled:
    """A pipeline and all that was found on the way; `spec` is None where there is not one step to speak of.

    `name` is the file as the user wrote it. `digests` maps each absolute file that was read to sha256 of its
    bytes.
    """

    name: str
    spec: PipelineSpec | None
    resolved: Resolved
    diagnostics: tuple[Diagnostic, ...]
    digests: Mapping[str, str]
    place: Place
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The ids of the steps that listed values of axes, by the declared name of the step that has those axes."""

    @property
    def modules(self) -> DiskModules:
        """The project's code, as far as it was read."""
        return self.place.modules

    @property
    def pipeline(self) -> PipelineSpec:
        """The pipeline; raises as `checked`."""
        return self.checked()

    @property
    def sources(self) -> Mapping[str, str]:
        """The text of each file named in a span."""
        return self.resolved.sources

    def redactor(self) -> Redactor:
        """Return what takes the pipeline's secrets, as the environment has them now, out of texts."""
        from pipespec.step.secret import redactor  # noqa: PLC0415 - only a run needs it

        return redactor(plain(self.resolved.document), os.environ)

    def checked(self) -> PipelineSpec:
        """Return the pipeline.

        Raises:
            InvalidPipelineError: where there is any mistake; advice does not count.
        """
        mistakes = [found for found in self.diagnostics if found.severity is Severity.ERROR]
        if mistakes:
            raise InvalidPipelineError(mistakes, self.sources)
        assert self.spec is not None
        return self.spec

    def filled(self, step: str, values: Mapping[str, Sequence[JSON]]) -> Compiled:
        """Return the pipeline with values of axes of one step, by its id, in place of the outputs that hold them.

        Raises:
            InvalidPipelineError: where the pipeline with these values has mistakes.
        """
        declared = self.pipeline.steps[step]
        listed = tuple(producer for axis in values for producer in declared.deferred[axis].producers)
        lists = {**self.lists, declared.name: (*self.lists.get(declared.name, ()), *listed)}
        resolved = replace(self.resolved, document=_filled(self.pipeline.document, declared, values))
        spec, diagnostics = _built(resolved, self.place)
        filled = replace(self, spec=spec, resolved=resolved, diagnostics=diagnostics, lists=lists)
        return replace(filled, spec=_after_lists(filled.checked(), lists))


def compile_file(
    file: str | os.PathLike[str],
    *,
    overlays: Sequence[str] = (),
    overrides: Sequence[str] = (),
    trusted: bool,
    keeps_env: bool = False,
    modules: DiskModules | None = None,
    import_timeout: float | None = None,
) -> Compiled:
    """Compile a pipeline file with overlays (files) and overrides (`path=value`, as `--set`) laid over it.

    With `keeps_env` references to the environment stay as written, with their defaults: what is made of the
    pipeline reads them later. `modules` has read the project's code already, for another version of the file. With an
    `import_timeout`, in seconds for each, its callables are imported on trial, in a process of their own.

    Raises:
        InvalidPipelineError: where the document cannot be read or resolved, so that nothing more can be said.
    """
    name = os.fspath(file)
    path = Path(name).absolute()
    root = find_root(path)
    files = PipelineFiles(root)
    source = files.read(name)
    answers = ProjectAnswers(root, files.folders)
    resolved = resolve(
        source,
        fetch=files.fetch,
        resolvers=answers.resolvers(path.stem, trusted=trusted, keeps_env=keeps_env),
        overlays=[files.read(overlay) for overlay in overlays],
        overrides=overrides,
    )
    place = Place(path, root, files.folders, modules or DiskModules(root))
    spec, diagnostics = _built(resolved, place, import_timeout)
    return Compiled(name, spec, resolved, diagnostics, files.digests, place)


def read_signatures(
    spec: PipelineSpec, modules: DiskModules
) -> Mapping[str, CallableSource | CallableProblem]:
    """Read what all functions of a pipeline take, by `str(CallableRef)`, or why that cannot be told."""
    refs = {str(ref): ref for step in spec.steps.values() for ref in callables_of(step)}
    return {text: read_signature(ref, spec.module_folders, modules) for text, ref in refs.items()}


def _built(
    resolved: Resolved, place: Place, import_timeout: float | None = None
) -> tuple[PipelineSpec | None, tuple[Diagnostic, ...]]:
    """Build a pipeline of its document, read the signatures of its callables, and check all."""
    spec, findings = build_spec(
        resolved.document,
        file=place.file,
        root=place.root,
        folders=place.folders,
        is_partial=bool(resolved.mistakes),
    )
    if spec is not None:
        callables = read_signatures(spec, place.modules)
        live: Mapping[str, Verdict] = {}
        if import_timeout is not None:
            from pipespec.operations.importing import import_all  # noqa: PLC0415 - it knows how steps run

            callables, live = import_all(Evidence(spec, callables), timeout=import_timeout)
        found = check_meaning(spec, callables, exists=input_exists, suffixes=_installed(spec), live=live)
        findings = (*findings, *found)
    return spec, _ordered(resolved.mistakes, findings)


def _installed(spec: PipelineSpec) -> frozenset[str]:
    """Ask packages for their formats, only where a file is of none of ours: to look through them takes 20 ms."""
    if used_suffixes(spec) <= FORMATS.keys():
        return frozenset()
    from pipespec.step.formats.plugins import installed_suffixes  # noqa: PLC0415 - as above

    return installed_suffixes()


def _after_lists(spec: PipelineSpec, lists: Mapping[str, tuple[str, ...]]) -> PipelineSpec:
    """Let variants wait for the steps that listed the values of their axes, as their one entry did before."""
    upstream = dict(spec.upstream)
    joined: dict[tuple[str, tuple[str, ...]], tuple[str, ...]] = {}
    for step_id, step in spec.steps.items():
        if step.name in lists:
            pair = (step.name, upstream[step_id])
            if pair not in joined:
                joined[pair] = tuple(dict.fromkeys((*lists[step.name], *upstream[step_id])))
            upstream[step_id] = joined[pair]
    return replace(spec, upstream=upstream)


def _filled(document: MappingNode, step: StepSpec, values: Mapping[str, Sequence[JSON]]) -> MappingNode:
    """Put values in place of axes of a step, one after the other."""
    matrix = step.matrix
    for axis, found in values.items():
        assert matrix is not None
        document = fill_axis(document, step.name, axis, found, matrix)
        steps = document.get("steps")
        body = steps.get(step.name) if isinstance(steps, MappingNode) else None
        matrix = body.get("matrix") if isinstance(body, MappingNode) else None
    return document


def _ordered(mistakes: Sequence[Diagnostic], findings: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Sort all by place; what stands where a reference has a mistake already follows from that."""
    kept = [
        found for found in findings if not any(_overlap(found.span, mistake.span) for mistake in mistakes)
    ]
    return tuple(sorted(dict.fromkeys((*mistakes, *kept)), key=lambda one: (one.span, one.code)))


def _overlap(one: Span, other: Span) -> bool:
    if one.file != other.file:
        return False
    return (one.line, one.column) < (other.end_line, other.end_column) and (other.line, other.column) < (
        one.end_line,
        one.end_column,
    )
