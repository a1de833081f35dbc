"""The compiler: a pipeline file -> a checked `PipelineSpec`, or every mistake with its place.

The way of a pipeline, in order: read, lay layers, interpolate (`document`), build, read signatures, check
(`spec`). This is where files, environment and git enter; the stages themselves ask for nothing.

A file that is not trusted reads no environment variable and asks git nothing; `validate`, `graph`, `render` and
`diff` compile that way.
"""

from __future__ import annotations

import difflib
import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipespec.document.interpolate import interpolate_document
from pipespec.document.yaml_reader import MAX_BYTES, read
from pipespec.errors import Diagnostic, InvalidPipelineError, Severity, Span
from pipespec.project import DiskModules, find_root, input_exists
from pipespec.project.answers import ProjectAnswers
from pipespec.project.remote import is_remote
from pipespec.spec.build import build_spec
from pipespec.spec.checks import check_meaning
from pipespec.spec.evidence import ExternalInput, callables_of
from pipespec.spec.model import FilesInput, PipelineSpec
from pipespec.spec.source import read_signature

__all__ = ["Compiled", "compile_file"]


@dataclass(frozen=True, slots=True)
class Compiled:
    """A pipeline and all that was found on the way; `spec` is None where there is not one step to speak of.

    `name` is the file as the user wrote it. `sources` maps each file named in a span to its text, `digests` each
    absolute file that was read to sha256 of its bytes. `modules` has read the project's code, and remembers it.
    """

    name: str
    spec: PipelineSpec | None
    diagnostics: tuple[Diagnostic, ...]
    sources: Mapping[str, str]
    digests: Mapping[str, str]
    modules: DiskModules

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
    content = _read(path, name)
    document = read(content, file=name)
    sources = {name: content.decode()}
    folders = {name: path.parent}
    resolvers = ProjectAnswers(root, folders).resolvers(path.stem, trusted=trusted)
    resolved = interpolate_document(document, resolvers, sources)
    spec, findings = build_spec(resolved, file=path, root=root, folders=folders)
    modules = DiskModules(root)
    if spec is not None:
        refs = {str(ref): ref for step in spec.steps.values() for ref in callables_of(step)}
        callables = {text: read_signature(ref, spec.module_folders, modules) for text, ref in refs.items()}
        findings = (*findings, *check_meaning(spec, callables, exists=_exists))
    return Compiled(
        name=name,
        spec=spec,
        diagnostics=tuple(sorted(findings, key=lambda one: (one.span, one.code))),
        sources=sources,
        digests={str(path): hashlib.sha256(content).hexdigest()},
        modules=modules,
    )


def _read(path: Path, name: str) -> bytes:
    """Read a file of the pipeline, at most a byte more than may be in one.

    Raises:
        InvalidPipelineError: where it cannot be read, as the only finding.
    """
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        reason = (
            "there is no such file"
            if isinstance(error, FileNotFoundError)
            else f"it cannot be read: {error.strerror}"
        )
        hint = None
        if path.parent.is_dir():
            names = [entry.name for entry in path.parent.iterdir() if entry.suffix in (".yaml", ".yml")]
            nearest = difflib.get_close_matches(path.name, names, n=1)
            hint = f"did you mean '{Path(name).with_name(nearest[0])}'?" if nearest else None
        found = Diagnostic("unreadable-file", f"'{name}': {reason}", Span(name, 1, 1, 1, 1), hint)
        raise InvalidPipelineError([found], {}) from error


def _exists(source: ExternalInput) -> bool:
    """Look for an external input; what is behind a URI is asked for only by a run."""
    location = source.pattern if isinstance(source, FilesInput) else source.path
    return is_remote(location) or input_exists(source)
