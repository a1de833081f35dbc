"""The compiler: a pipeline file -> a checked `PipelineSpec`, or every mistake with its place.

The way of a pipeline, in order: read, lay layers, interpolate (`document`), build, read signatures, check
(`spec`). This is where files, environment and git enter; the stages themselves ask for nothing.

A file that is not trusted reads no environment variable and asks git nothing; `validate`, `graph`, `render` and
`diff` compile that way.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipespec.document.layers import Resolved, resolve
from pipespec.document.nodes import plain
from pipespec.errors import Diagnostic, InvalidPipelineError, Severity, Span
from pipespec.project.answers import ProjectAnswers
from pipespec.project.disk_modules import DiskModules
from pipespec.project.pipeline_files import PipelineFiles
from pipespec.project.presence import input_exists
from pipespec.project.root import find_root
from pipespec.spec.build import build_spec
from pipespec.spec.checks import check_meaning
from pipespec.spec.evidence import callables_of
from pipespec.spec.model import PipelineSpec
from pipespec.spec.source import read_signature
from pipespec.step.secret import Redactor, redactor

__all__ = ["Compiled", "compile_file"]


@dataclass(frozen=True, slots=True)
class Compiled:
    """A pipeline and all that was found on the way; `spec` is None where there is not one step to speak of.

    `name` is the file as the user wrote it. `digests` maps each absolute file that was read to sha256 of its
    bytes. `modules` has read the project's code, and remembers it.
    """

    name: str
    spec: PipelineSpec | None
    resolved: Resolved
    diagnostics: tuple[Diagnostic, ...]
    digests: Mapping[str, str]
    modules: DiskModules

    @property
    def sources(self) -> Mapping[str, str]:
        """The text of each file named in a span."""
        return self.resolved.sources

    def redactor(self) -> Redactor:
        """Return what takes the pipeline's secrets, as the environment has them now, out of texts."""
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


def compile_file(
    file: str | os.PathLike[str],
    *,
    overlays: Sequence[str] = (),
    overrides: Sequence[str] = (),
    trusted: bool,
) -> Compiled:
    """Compile a pipeline file with overlays (files) and overrides (`path=value`, as `--set`) laid over it.

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
        resolvers=answers.resolvers(path.stem, trusted=trusted),
        overlays=[files.read(overlay) for overlay in overlays],
        overrides=overrides,
    )
    spec, findings = build_spec(
        resolved.document, file=path, root=root, folders=files.folders, is_partial=bool(resolved.mistakes)
    )
    modules = DiskModules(root)
    if spec is not None:
        refs = {str(ref): ref for step in spec.steps.values() for ref in callables_of(step)}
        callables = {text: read_signature(ref, spec.module_folders, modules) for text, ref in refs.items()}
        findings = (*findings, *check_meaning(spec, callables, exists=input_exists))
    return Compiled(
        name=name,
        spec=spec,
        resolved=resolved,
        diagnostics=_ordered(resolved.mistakes, findings),
        digests=files.digests,
        modules=modules,
    )


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
