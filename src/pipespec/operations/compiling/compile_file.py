"""The compiler: a pipeline file -> a checked `PipelineSpec`, or every mistake with its place.

The way of a pipeline, in order: read, lay layers, interpolate (`document`), build (`spec`), read signatures
(`python`), check (`checks`). This is where files, environment and git enter; the stages themselves ask for nothing.

A file that is not trusted reads no environment variable and asks git nothing; `validate`, `graph`, `render` and
`diff` compile that way.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pipespec.activity import busy
from pipespec.checks.check_context import CheckContext
from pipespec.checks.check_meaning import check_meaning
from pipespec.checks.format_checks import used_suffixes
from pipespec.checks.import_results import ImportResult
from pipespec.checks.notice_checks import url_text
from pipespec.checks.service_problem import ServiceProblem
from pipespec.document.interpolation.text_templates import is_unset
from pipespec.document.layers.resolve_layers import Resolved
from pipespec.document.nodes import JSON, MappingNode, plain
from pipespec.document.password_masking import without_addresses
from pipespec.errors import Diagnostic, InvalidPipelineError, Severity, Span
from pipespec.frozen_values import frozen
from pipespec.operations.compiling.pipeline_source import CompileOptions, PointSteps
from pipespec.operations.compiling.read_document import read_document
from pipespec.project.disk_modules import DiskModules
from pipespec.project.input_presence import content_problem, input_exists, siblings
from pipespec.project.project_resolvers import ProjectAnswers
from pipespec.project.source_stamps import SourcesRead
from pipespec.project.source_tree import WatchedTree
from pipespec.python.identity.counted_code import code_facts
from pipespec.python.signature import CallableProblem, CallableSource
from pipespec.python.signature_reader import read_signature
from pipespec.python.source_files import source_file_problem
from pipespec.spec.asked_texts import read_asked_texts
from pipespec.spec.build_spec import build_spec
from pipespec.spec.contracts.data_schema import DataSchema, SchemaProblem
from pipespec.spec.file_formats import FORMATS
from pipespec.spec.pipeline_spec import DeferredAxis, PipelineSpec, StepSpec
from pipespec.spec.steps.matrix import fill_axis

if TYPE_CHECKING:
    from pipespec.python.function_bodies import BodyFacts
    from pipespec.spec.message_templates import MessageTemplate
    from pipespec.step.secrets import Redactor

__all__ = ["CompilePlace", "Compiled", "compile_file", "from_here", "read_signatures"]


@frozen
class CompilePlace:
    """Where a pipeline is: its file and the project's root, both absolute.

    `folders` maps each file named in a span to the folder that its relative paths start from. `modules` has read
    the project's code, and remembers it.
    """

    file: Path
    root: Path
    folders: Mapping[str, Path]
    modules: DiskModules
    files: WatchedTree
    answers: ProjectAnswers

    @property
    def is_document_current(self) -> bool:
        """True where files, environment and git would make the same document."""
        return self.files.is_current() and self.answers.is_current()

    def sources_read(self) -> SourcesRead | None:
        """Return all that was read so far; None where more was asked than files and environment."""
        environment = self.answers.environment()
        documents, code = self.files.contents(), self.modules.contents()
        changed = any(code[path] != documents[path] for path in documents.keys() & code.keys())
        if environment is None or changed:
            return None
        began = min(self.files.began, self.modules.began)
        return SourcesRead(began, {**documents, **code}, self.modules.listings(), environment)


@frozen
class Compiled:
    """A `PipelineSource` and all that was found on the way; `spec` is None where there is not one step to speak of.

    `name` is the file as the user wrote it.
    """

    name: str
    spec: PipelineSpec | None
    resolved: Resolved
    diagnostics: tuple[Diagnostic, ...]
    place: CompilePlace
    options: CompileOptions
    again: Callable[[], Compiled]
    """Compiles the file anew, as it is by then."""
    lists: Mapping[str, tuple[DeferredAxis, ...]] = field(default_factory=dict)
    """The axes whose values outputs have listed by now, by the declared name of the step that has them."""

    @property
    def modules(self) -> DiskModules:
        """The project's code, as far as it was read."""
        return self.place.modules

    @property
    def pipeline(self) -> PipelineSpec:
        """The pipeline; raises as `checked`."""
        return self.checked()

    @property
    def document(self) -> MappingNode:
        """The resolved document as it is shown and recorded."""
        from pipespec.views.rendering.relocation import presentable  # noqa: PLC0415 - `validate` shows none

        return presentable(self.resolved.document, self.place.folders)

    @property
    def sources(self) -> Mapping[str, str]:
        """The text of each file named in a span, as it may be shown."""
        files = without_addresses(self.resolved.sources, self.resolved.document)
        return files if self.spec is None else {**files, **self._template_texts(self.spec)}

    def _template_texts(self, spec: PipelineSpec) -> Mapping[str, str]:
        return {one.name: one.text for one in _templates(spec, self.place.modules).values()}

    @property
    def layers(self) -> tuple[str, ...]:
        """The files and `--set` options that make up the document, the lowest first."""
        return tuple(self.resolved.sources)

    @property
    def tags(self) -> Mapping[str, str]:
        """Nothing: only a sweep marks the invocation's run."""
        return {}

    def sources_read(self) -> SourcesRead | None:
        """Return all that decided what was compiled; None where that was more than files, code and environment."""
        is_known = self.spec is not None and used_suffixes(self.spec) <= FORMATS.keys()
        return self.place.sources_read() if is_known else None

    def contents_read(self) -> Mapping[str, bytes | None]:
        """Return what was read of pipeline files and code so far, by path."""
        return {**self.place.files.contents(), **self.modules.contents()}

    def files(self) -> Mapping[str, str]:
        """Return the document as the invocation's run keeps it."""
        from pipespec.tracking.record_names import PIPELINE_FILE  # noqa: PLC0415 - only a run needs both
        from pipespec.views.document_view import to_yaml  # noqa: PLC0415

        return {PIPELINE_FILE: to_yaml(self.document)}

    def points(self) -> Iterable[PointSteps]:
        """Return nothing: only a sweep has points."""
        return ()

    def redactor(self) -> Redactor:
        """Return what takes the pipeline's secrets, as the environment has them now, out of texts."""
        from pipespec.step.secrets import redactor  # noqa: PLC0415 - only a run needs it

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

    def reread(self) -> Compiled:
        """Return the pipeline as its files, the project's code, environment and git have it now.

        Raises:
            InvalidPipelineError: where it has mistakes now.
        """
        if self.place.is_document_current and self.modules.is_current():
            return self
        compiled = self.again()
        compiled.checked()
        return compiled

    def filled(self, step: str, values: Mapping[str, Sequence[JSON]]) -> Compiled:
        """Return the pipeline with values in place of references in the matrix of one step, by its id.

        Raises:
            InvalidPipelineError: where the pipeline with these values has mistakes.
        """
        declared = self.pipeline.steps[step]
        listed = tuple(axis for axis in declared.deferred if axis.written in values)
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
    keeps_unset: bool | None = None,
    modules: DiskModules | None = None,
    import_timeout: float | None = None,
    counts_code: bool = False,
) -> Compiled:
    """Compile a pipeline file with overlays (files) and overrides (`path=value`, as `--set`) laid over it.

    With `keeps_env` references to the environment stay as written, with their defaults: what is made of the
    pipeline reads them later. With `keeps_unset` `???` is an open value; by default that is so of a file that is
    not trusted and keeps no such references. `modules` has read the project's code already, for another version of the
    file. With an `import_timeout`, in seconds for each, its callables are imported on trial, in a process of their own.
    `counts_code` has the code of all callables counted and the functions of steps read, and gives advice on both; Apprise is then
    asked about the URLs of `notify` as well.

    Raises:
        InvalidPipelineError: where the document cannot be read or resolved, so that nothing more can be said.
    """
    name = os.fspath(file)
    with busy(f"reading {name}"):
        read = read_document(
            name,
            overlays=overlays,
            overrides=overrides,
            trusted=trusted,
            keeps_env=keeps_env,
            keeps_unset=keeps_unset,
        )
        known = modules or DiskModules(read.root)
        place = CompilePlace(read.file, read.root, read.folders, known, read.tree, read.answers)
        spec, diagnostics = _built(read.resolved, place, import_timeout, counts_code=counts_code)
    if trusted:
        diagnostics = tuple(map(_with_environment, diagnostics))
    folder = Path.cwd()

    def again() -> Compiled:
        return compile_file(
            from_here(name, folder),
            overlays=[from_here(overlay, folder) for overlay in overlays],
            overrides=overrides,
            trusted=trusted,
            keeps_env=keeps_env,
        )

    options = CompileOptions(tuple(overlays), tuple(overrides), trusted)
    return Compiled(name, spec, read.resolved, diagnostics, place, options, again)


def _with_environment(found: Diagnostic) -> Diagnostic:
    """Add to a module that is missing that another environment is active."""
    if found.code != "module-not-found":
        return found
    from pipespec.step.active_environment import other_environment  # noqa: PLC0415 - only for this mistake

    other = other_environment()
    return replace(found, hint="; ".join(filter(None, (found.hint, other)))) if other else found


def from_here(name: str, folder: Path) -> str:
    """Spell a path for the present working directory that was spelt when `folder` was that."""
    return name if Path.cwd() == folder else os.path.relpath(folder / name)


def read_signatures(
    spec: PipelineSpec, modules: DiskModules
) -> Mapping[str, CallableSource | CallableProblem]:
    """Read what all functions of a pipeline take, by `str(CallableRef)`, or why that cannot be told."""
    refs = {str(ref): ref for step in spec.steps.values() for ref in step.callables}
    found = {text: read_signature(ref, spec.module_folders, modules) for text, ref in refs.items()}
    for file in {str(file): file for step in spec.steps.values() for file in step.source_files}.values():
        problem = source_file_problem(file, spec.root, spec.module_folders, modules)
        if problem is not None:
            found[str(file)] = problem
    return found


def _built(
    resolved: Resolved,
    place: CompilePlace,
    import_timeout: float | None = None,
    *,
    counts_code: bool = False,
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
        spec = read_asked_texts(spec, callables)
        live: Mapping[str, ImportResult] = {}
        if import_timeout is not None:
            from pipespec.operations.compiling.try_imports import import_all  # noqa: PLC0415 - it knows how steps run

            with busy("importing what the pipeline calls"):
                callables, live = import_all(CheckContext(spec, callables), timeout=import_timeout)
        found = check_meaning(
            spec,
            callables,
            exists=input_exists,
            problem=partial(content_problem, root=spec.root),
            siblings=siblings,
            suffixes=_installed(spec),
            live=live,
            widened=_widened(spec, place.modules) if counts_code else {},
            bodies=_bodies(spec, place.modules) if counts_code else {},
            schemas=_schemas(spec, place.modules),
            templates=_templates(spec, place.modules),
            services=_services(spec) if counts_code else {},
        )
        findings = (*findings, *found)
    told = {found.span for found in findings}
    advice = (found for found in resolved.advice if found.span not in told)
    return spec, _ordered(resolved.mistakes, (*findings, *advice))


def _widened(spec: PipelineSpec, modules: DiskModules) -> dict[str, tuple[str, ...]]:
    """Count the code of all callables, and say for which of them whole modules count."""
    refs = {str(ref): ref for step in spec.steps.values() for ref in step.callables}
    found = {text: code_facts(ref, spec.module_folders, modules) for text, ref in refs.items()}
    return {text: facts.widened for text, facts in found.items() if facts.widened}


def _bodies(spec: PipelineSpec, modules: DiskModules) -> dict[str, BodyFacts]:
    """Read the bodies of the functions that steps call."""
    from pipespec.python.function_bodies import read_body  # noqa: PLC0415 - only `validate` asks for it

    refs = {str(step.call): step.call for step in spec.steps.values()}
    found = {text: read_body(ref, spec.module_folders, modules) for text, ref in refs.items()}
    return {text: body for text, body in found.items() if body is not None}


def _schemas(spec: PipelineSpec, modules: DiskModules) -> Mapping[str, DataSchema | SchemaProblem]:
    """Read the JSON schemas that a pipeline names; most name none."""
    named = [schema for step in spec.steps.values() for schema in step.schemas]
    named += [spec.params_schema] if spec.params_schema is not None else []
    if not named:
        return {}
    from pipespec.project.schema_files import read_schemas  # noqa: PLC0415 - as said

    return read_schemas(named, spec.root, modules)


def _templates(spec: PipelineSpec, modules: DiskModules) -> Mapping[str, MessageTemplate]:
    """Read the templates of messages that a pipeline names; most name none."""
    named = [notice.template for notice in spec.notify if notice.template is not None]
    if not named:
        return {}
    from pipespec.project.template_files import read_templates  # noqa: PLC0415 - as said

    return read_templates(named, modules)


def _services(spec: PipelineSpec) -> Mapping[str, ServiceProblem]:
    """Ask Apprise which URLs it does not understand: a second, which only `validate` takes."""
    told = [notice.url for notice in spec.notify if not is_unset(notice.url)]
    urls = [url_text(url) for url in told if isinstance(plain(url), str)]
    if not urls:
        return {}
    from pipespec.project.message_services import service_problems  # noqa: PLC0415 - most pipelines tell nobody

    with busy("asking Apprise about the URLs of 'notify'"):
        return service_problems(urls)


def _installed(spec: PipelineSpec) -> frozenset[str]:
    """Ask packages for their formats, only where a file is of none of ours: to look through them takes 20 ms."""
    if used_suffixes(spec) <= FORMATS.keys():
        return frozenset()
    from pipespec.step.formats.format_plugins import installed_suffixes  # noqa: PLC0415 - as above

    return installed_suffixes()


def _after_lists(spec: PipelineSpec, lists: Mapping[str, tuple[DeferredAxis, ...]]) -> PipelineSpec:
    """Let variants wait for the steps that listed the values of their axes, as their one entry did before."""
    upstream = dict(spec.upstream)
    above = {
        name: tuple(producer for axis in listed for producer in axis.source.producers)
        for name, listed in lists.items()
    }
    joined: dict[tuple[str, tuple[str, ...]], tuple[str, ...]] = {}
    for step_id, step in spec.steps.items():
        if step.name in lists:
            pair = (step.name, upstream[step_id])
            if pair not in joined:
                joined[pair] = tuple(dict.fromkeys((*above[step.name], *upstream[step_id])))
            upstream[step_id] = joined[pair]
    steps = {
        step_id: replace(step, listed=lists[step.name]) if step.name in lists else step
        for step_id, step in spec.steps.items()
    }
    return replace(spec, steps=steps, upstream=upstream)


def _filled(document: MappingNode, step: StepSpec, values: Mapping[str, Sequence[JSON]]) -> MappingNode:
    """Put values in place of references of a step's matrix, one after the other."""
    matrix = step.matrix
    for reference, found in values.items():
        assert matrix is not None
        document = fill_axis(document, step.name, reference, found, matrix)
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
