"""The compiler: from a pipeline file to a checked `PipelineSpec`, or every mistake with its place.

The stages of a pipeline, in order: read, merge layers, interpolate (`document`), build (`spec`), read signatures
(`python`), check (`checks`). Files, environment and git are accessed here; the stages themselves do not access them.

For a file that is not trusted, no environment variable is read and git is not called. `validate`, `graph`, `render` and
`diff` compile in that way.
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
from pipespec.operations.compiling.processor_limit import within_limit
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
    """Where a pipeline is: its file and the project root, both absolute.

    `folders` maps each file named in a span to the folder from which its relative paths start. `modules` has read the
    project's code, and caches it.
    """

    file: Path
    root: Path
    folders: Mapping[str, Path]
    modules: DiskModules
    files: WatchedTree
    answers: ProjectAnswers

    @property
    def is_document_current(self) -> bool:
        """True if the same files, environment and git state would result in the same document."""
        return self.files.is_current() and self.answers.is_current()

    def sources_read(self) -> SourcesRead | None:
        """Return everything that was read so far; None if more than files and environment was read."""
        environment = self.answers.environment()
        documents, code = self.files.contents(), self.modules.contents()
        changed = any(code[path] != documents[path] for path in documents.keys() & code.keys())
        if environment is None or changed:
            return None
        began = min(self.files.began, self.modules.began)
        return SourcesRead(began, {**documents, **code}, self.modules.listings(), environment)


@frozen
class Compiled:
    """A `PipelineSource` and all that was found while compiling. `spec` is None if there is no usable step.

    `name` is the file as the user wrote it.
    """

    name: str
    spec: PipelineSpec | None
    resolved: Resolved
    diagnostics: tuple[Diagnostic, ...]
    place: CompilePlace
    options: CompileOptions
    again: Callable[[], Compiled]
    """Compiles the file again, as it is at that time."""
    lists: Mapping[str, tuple[DeferredAxis, ...]] = field(default_factory=dict)
    """The axes whose values outputs have listed so far, by the declared name of the step that has them."""

    @property
    def modules(self) -> DiskModules:
        """The project's code, as far as it was read."""
        return self.place.modules

    @property
    def pipeline(self) -> PipelineSpec:
        """The pipeline. Raises the same errors as `checked`."""
        return self.checked()

    @property
    def document(self) -> MappingNode:
        """The resolved document as it is displayed and recorded."""
        from pipespec.views.rendering.relocation import presentable  # noqa: PLC0415 - `validate` does not show any

        document = self.resolved.document if self.spec is None else self.spec.document
        return presentable(document, self.place.folders)

    @property
    def sources(self) -> Mapping[str, str]:
        """The text of each file named in a span, as it may be displayed."""
        files = {name: without_addresses(text) for name, text in self.resolved.sources.items()}
        return files if self.spec is None else {**files, **self._template_texts(self.spec)}

    def _template_texts(self, spec: PipelineSpec) -> Mapping[str, str]:
        return {one.name: one.text for one in _templates(spec, self.place.modules).values()}

    @property
    def layers(self) -> tuple[str, ...]:
        """The files and `--set` options that make up the document, the lowest first."""
        return tuple(self.resolved.sources)

    @property
    def tags(self) -> Mapping[str, str]:
        """Nothing: only a sweep sets tags on the invocation's run."""
        return {}

    def sources_read(self) -> SourcesRead | None:
        """Return everything that determined the result; None if that was more than files, code and environment."""
        is_known = self.spec is not None and used_suffixes(self.spec) <= FORMATS.keys()
        return self.place.sources_read() if is_known else None

    def contents_read(self) -> Mapping[str, bytes | None]:
        """Return the content of pipeline files and code that was read so far, by path."""
        return {**self.place.files.contents(), **self.modules.contents()}

    def files(self) -> Mapping[str, str]:
        """Return the document as it is stored with the invocation's run."""
        from pipespec.tracking.record_names import PIPELINE_FILE  # noqa: PLC0415 - both are needed only by a run
        from pipespec.views.document_view import to_yaml  # noqa: PLC0415

        return {PIPELINE_FILE: to_yaml(self.document)}

    def points(self) -> Iterable[PointSteps]:
        """Return nothing: only a sweep has points."""
        return ()

    def redactor(self) -> Redactor:
        """Return a redactor that removes the pipeline's secrets, with their present values in the environment, from texts."""
        from pipespec.step.secrets import redactor  # noqa: PLC0415 - needed only by a run

        return redactor(plain(self.resolved.document), os.environ)

    def checked(self) -> PipelineSpec:
        """Return the pipeline.

        Raises:
            InvalidPipelineError: if there is any mistake; advice does not count.
        """
        mistakes = [found for found in self.diagnostics if found.severity is Severity.ERROR]
        if mistakes:
            raise InvalidPipelineError(mistakes, self.sources)
        assert self.spec is not None
        return self.spec

    def reread(self) -> Compiled:
        """Return the pipeline as its files, the project's code, environment and git define it now.

        Raises:
            InvalidPipelineError: if it has mistakes now.
        """
        if self.place.is_document_current and self.modules.is_current():
            return self
        compiled = self.again()
        compiled.checked()
        return compiled

    def filled(self, step: str, values: Mapping[str, Sequence[JSON]]) -> Compiled:
        """Return the pipeline with values instead of references in the matrix of one step, by its id.

        Raises:
            InvalidPipelineError: if the pipeline with these values has mistakes.
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
    """Compile a pipeline file with overlays (files) and overrides (`path=value`, as `--set`).

    With `keeps_env`, references to the environment stay as written, with their defaults: a program generated from the
    pipeline reads the variables later. With `keeps_unset`, `???` is an open value. This is the default for a file that
    is not trusted and does not keep such references. `modules` has already read the project's code, for another version
    of the file. With an `import_timeout`, in seconds for each callable, the callables are imported as a test, in a
    separate process. With `counts_code`, the code of all callables is counted, the functions of steps are read, and
    there is advice on both; in addition, Apprise checks the URLs of `notify`.

    Raises:
        InvalidPipelineError: if the document cannot be read or resolved, so that nothing more can be checked.
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
    """If a module is missing, add to the hint that another environment is active."""
    if found.code != "module-not-found":
        return found
    from pipespec.step.active_environment import other_environment  # noqa: PLC0415 - needed only for this mistake

    other = other_environment()
    return replace(found, hint="; ".join(filter(None, (found.hint, other)))) if other else found


def from_here(name: str, folder: Path) -> str:
    """Convert a path relative to `folder`, the earlier working directory, to one relative to the present working directory."""
    return name if Path.cwd() == folder else os.path.relpath(folder / name)


def read_signatures(
    spec: PipelineSpec, modules: DiskModules
) -> Mapping[str, CallableSource | CallableProblem]:
    """Read the signatures of all functions of a pipeline, by `str(CallableRef)`, or why they are not known."""
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
    """Build a pipeline from its document, read the signatures of its callables, and check everything."""
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
            within_limit=within_limit,
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
    from pipespec.python.function_bodies import read_body  # noqa: PLC0415 - needed only by `validate`

    refs = {str(step.call): step.call for step in spec.steps.values()}
    found = {text: read_body(ref, spec.module_folders, modules) for text, ref in refs.items()}
    return {text: body for text, body in found.items() if body is not None}


def _schemas(spec: PipelineSpec, modules: DiskModules) -> Mapping[str, DataSchema | SchemaProblem]:
    """Read the JSON schemas that a pipeline names. Most pipelines name none."""
    named = [schema for step in spec.steps.values() for schema in step.schemas]
    named += [spec.params_schema] if spec.params_schema is not None else []
    if not named:
        return {}
    from pipespec.project.schema_files import read_schemas  # noqa: PLC0415 - see above

    return read_schemas(named, spec.root, modules)


def _templates(spec: PipelineSpec, modules: DiskModules) -> Mapping[str, MessageTemplate]:
    """Read the templates of messages that a pipeline names. Most pipelines name none."""
    named = [notice.template for notice in spec.notify if notice.template is not None]
    if not named:
        return {}
    from pipespec.project.template_files import read_templates  # noqa: PLC0415 - see above

    return read_templates(named, modules)


def _services(spec: PipelineSpec) -> Mapping[str, ServiceProblem]:
    """Ask Apprise which URLs it does not understand. This takes a second, so only `validate` does it."""
    told = [notice.url for notice in spec.notify if not is_unset(notice.url)]
    urls = [url_text(url) for url in told if isinstance(plain(url), str)]
    if not urls:
        return {}
    from pipespec.project.message_services import service_problems  # noqa: PLC0415 - most pipelines notify nobody

    with busy("asking Apprise about the URLs of 'notify'"):
        return service_problems(urls)


def _installed(spec: PipelineSpec) -> frozenset[str]:
    """Read the formats that packages add, but only if a file has a format that is not ours: searching the packages takes 20 ms."""
    if used_suffixes(spec) <= FORMATS.keys():
        return frozenset()
    from pipespec.step.formats.format_plugins import installed_suffixes  # noqa: PLC0415 - as above

    return installed_suffixes()


def _after_lists(spec: PipelineSpec, lists: Mapping[str, tuple[DeferredAxis, ...]]) -> PipelineSpec:
    """Let variants wait for the steps that listed the values of their axes, as their single entry did before."""
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
    """Replace references of a step's matrix by values, one after the other."""
    matrix = step.matrix
    for reference, found in values.items():
        assert matrix is not None
        document = fill_axis(document, step.name, reference, found, matrix)
        steps = document.get("steps")
        body = steps.get(step.name) if isinstance(steps, MappingNode) else None
        matrix = body.get("matrix") if isinstance(body, MappingNode) else None
    return document


def _ordered(mistakes: Sequence[Diagnostic], findings: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Sort all by place. Leave out findings at the place of a wrong reference, because they only follow from it."""
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
