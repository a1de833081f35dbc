"""Compare two versions of a pipeline from any source: files, git revisions, past runs.

Takes what the user names (`news.yaml`, `news.yaml@v1`, `run:ID`) and returns a `Difference`. Files and revisions are
read as not trusted: nothing is imported, and no environment variable and no connection is used. A run is read from the
store, and its code from the manifests of its steps.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from pipespec.document.interpolation.resolver_interface import Problem
from pipespec.document.layers.resolve_layers import Fetch, IncludedSource, resolve
from pipespec.document.nodes import JSON, Node, ScalarNode
from pipespec.engine.final_metrics import final_metrics
from pipespec.errors import (
    Diagnostic,
    InvalidPipelineError,
    PipespecError,
    Severity,
    Span,
    StoreUnavailableError,
    UsageError,
)
from pipespec.frozen_values import frozen
from pipespec.operations.compiling.compile_file import Compiled, compile_file, read_signatures
from pipespec.operations.inspecting.input_contents import (
    ExternalSource,
    content_at_revision,
    content_in_manifests,
    content_on_disk,
)
from pipespec.operations.planning.gather_facts import code_of, schemas_of
from pipespec.operations.planning.named_run import find_run, is_run
from pipespec.operations.planning.open_store import read_store, read_store_at
from pipespec.plan.pipeline_diff import Difference, Side, compare_pipelines
from pipespec.plan.records import own_metrics
from pipespec.project.disk_modules import DiskModules
from pipespec.project.git_revision import GitModules, GitTree
from pipespec.project.pipeline_files import PipelineFiles
from pipespec.project.project_resolvers import ProjectAnswers
from pipespec.project.project_root import find_root, without_dots
from pipespec.python.identity.code_facts import CodeFacts, CodePiece
from pipespec.spec.asked_texts import read_asked_texts
from pipespec.spec.build_spec import build_spec
from pipespec.spec.pipeline_spec import PipelineSpec
from pipespec.tracking import record_names
from pipespec.tracking.artifacts import read
from pipespec.tracking.reading.ledger import Ledger
from pipespec.tracking.run_facts import RunFacts, complete_record

__all__ = ["compare"]

_LAST_COMMIT: Final = "HEAD"
_STEPS_OF_RUN: Final = 500
"""Number of steps of a run whose manifests are read to find their code."""


def compare(
    old: str,
    new: str | None = None,
    *,
    overlays: Sequence[str] = (),
    overrides: Sequence[str] = (),
    trusted: bool = False,
    keep: Callable[[Compiled], None] = lambda _: None,
) -> Difference:
    """Compare two pipelines, with overlays and overrides applied to the second.

    Without a second, a file is compared with its last committed version, and a run with the file that it ran. `trusted`
    files may read the environment, so that they are what a run would see. If one of the two is a run, all may. `keep`
    is called with the second pipeline as it was compiled, if it is a file.

    Raises:
        UsageError: for a revision or run that does not exist, or a revision or run whose pipeline has mistakes.
        InvalidPipelineError: for a file with mistakes.
        StoreUnavailableError: if a run's store cannot be read.
    """
    if new is None and not is_run(old) and _revision(old) is None:
        old, new = f"{old}@{_LAST_COMMIT}", old
    store = next((_file_of(one) for one in (new, old) if one and not is_run(one)), None)
    if new is None:
        new = _file_of(old) if _revision(old) is not None else _file_of_run(old)
    trusted = trusted or is_run(old) or is_run(new)
    first = _side(old, store, _Layers((), (), trusted))
    return compare_pipelines(first, _side(new, store, _Layers(overlays, overrides, trusted), keep))


@frozen
class _Layers:
    """The layers over a file, and whether its references may read the environment."""

    overlays: Sequence[str]
    overrides: Sequence[str]
    trusted: bool


def _side(
    name: str, store: str | None, layers: _Layers, keep: Callable[[Compiled], None] = lambda _: None
) -> Side:
    if is_run(name):
        return _of_run(name, store, layers)
    revision = _revision(name)
    if revision is not None:
        return _of_revision(name, revision, layers)
    compiled = compile_file(
        name, overlays=layers.overlays, overrides=layers.overrides, trusted=layers.trusted
    )
    spec = compiled.checked()
    keep(compiled)
    content = content_on_disk(compiled.place.root)
    return _known_side(name, spec, compiled.modules, content)


def _known_side(
    name: str, spec: PipelineSpec, modules: DiskModules, content: Callable[[ExternalSource], str | None]
) -> Side:
    """Return a side whose code and schemas can be read."""
    steps = spec.steps.values()
    schemas = schemas_of(spec, steps, modules)
    return Side(name, spec, code_of(spec, steps, modules), content=content, schemas=schemas)


def _revision(name: str) -> str | None:
    """Return the revision in `FILE@REVISION`. An existing file is never a revision, whatever its name."""
    _, at, revision = name.partition("@")
    return revision if at and not Path(name).exists() else None


def _file_of(name: str) -> str:
    return name if _revision(name) is None else name.partition("@")[0]


# ------------------------------------------------------------------------------------------------- git


def _of_revision(name: str, revision: str, layers: _Layers) -> Side:
    file = _file_of(name)
    path = without_dots(Path(file))
    root = find_root(path)
    tree = GitTree.open(root, revision)
    files = PipelineFiles(root, tree)
    try:
        source = files.read(file)
    except InvalidPipelineError as invalid:
        raise UsageError(f"{invalid.diagnostics[0].message} at revision '{revision}'") from invalid
    answers = ProjectAnswers(root, files.folders, tree)
    modules = GitModules(tree)
    spec = _built(name, source, path, files, answers, layers, fetch=files.fetch)
    spec = read_asked_texts(spec, read_signatures(spec, modules))
    return _known_side(name, spec, modules, content_at_revision(tree))


def _built(
    name: str,
    source: IncludedSource,
    path: Path,
    files: PipelineFiles,
    answers: ProjectAnswers,
    layers: _Layers,
    *,
    fetch: Fetch,
) -> PipelineSpec:
    """Build a pipeline from a text that is not the file on disk. Overlays are still files on disk."""
    above = PipelineFiles(find_root(path))
    try:
        resolved = resolve(
            source,
            fetch=fetch,
            resolvers=answers.resolvers(path.stem, trusted=layers.trusted),
            overlays=[above.read(overlay) for overlay in layers.overlays],
            overrides=layers.overrides,
        )
    except InvalidPipelineError as invalid:
        raise _with_mistakes(name, invalid.diagnostics) from invalid
    folders = {**above.folders, source.file: path.parent, **files.folders}
    spec, findings = build_spec(resolved.document, file=path, root=find_root(path), folders=folders)
    mistakes = [found for found in (*resolved.mistakes, *findings) if found.severity is Severity.ERROR]
    if spec is None or mistakes:
        raise _with_mistakes(name, mistakes)
    return spec


def _with_mistakes(name: str, mistakes: Sequence[Diagnostic]) -> UsageError:
    first = min(mistakes, key=lambda found: found.span)
    return UsageError(
        f"'{name}' has errors, the first at {first.span.file}:{first.span.line}: {first.message}"
    )


# ------------------------------------------------------------------------------------------------- runs


def _of_run(name: str, store: str | None, layers: _Layers) -> Side:
    """Read the pipeline that an invocation recorded. Its paths start at the file that ran."""
    with _ledger(store) as ledger:
        facts = _invocation(name, ledger)
        text = _artifact(facts, record_names.PIPELINE_FILE, ledger)
        if text is None:
            raise UsageError(
                f"run '{facts.run_id}' has no '{record_names.PIPELINE_FILE}', so it is not a run of a pipeline"
            )
        source = facts.tags.get("mlflow.source.name", "pipeline.yaml")
        path = _start_of_paths(source, store)
        files = PipelineFiles(find_root(path))
        answers = ProjectAnswers(find_root(path), {name: path.parent})
        spec = _built(name, IncludedSource(name, text), path, files, answers, layers, fetch=_nothing_included)
        manifests = list(_manifests_of_run(facts, ledger))
    spec = _with_params_of(manifests, spec)
    code = {call: known for manifest in manifests for call, known in _code_in(manifest)}
    unknown = sorted({str(step.call) for step in spec.steps.values() if str(step.call) not in code})
    notes = (f"the code that run {facts.run_id[:8]} called was not recorded for: {', '.join(unknown)}",)
    measured = own_metrics(facts.metrics) or final_metrics(_metrics_in(manifests))
    content = content_in_manifests(manifests)
    return Side(name, spec, code, notes if unknown else (), content, metrics=measured)


def _with_params_of(manifests: Sequence[Mapping[str, JSON]], spec: PipelineSpec) -> PipelineSpec:
    """Return the pipeline with what functions got for texts that the surroundings gave: a matrix is recorded with the texts."""
    got = {str(manifest.get("step")): _mapping(manifest.get("params")) for manifest in manifests}
    steps = {
        step_id: replace(
            step, params={name: _as_got(node, got[step_id].get(name)) for name, node in step.params.items()}
        )
        if step_id in got
        else step
        for step_id, step in spec.steps.items()
    }
    return replace(spec, steps=steps)


def _as_got(node: Node, value: JSON) -> Node:
    if isinstance(node, ScalarNode) and isinstance(node.value, str) and isinstance(value, int | float):
        return ScalarNode(value, node.span, origin=node.origin)
    return node


def _metrics_in(manifests: Sequence[Mapping[str, JSON]]) -> Mapping[str, Mapping[str, float]]:
    """Return the metrics of steps, which an invocation of an earlier version does not contain itself."""
    return {
        str(manifest.get("step")): {
            name: float(value)
            for name, value in _mapping(manifest.get("metrics")).items()
            if isinstance(value, int | float)
        }
        for manifest in manifests
    }


def _start_of_paths(source: str, store: str | None) -> Path:
    """Return the file that ran, if it still exists; otherwise the other side's file."""
    roots = (Path.cwd(), find_root(Path(store or "pipeline.yaml").absolute()))
    found = next((path for root in roots if (path := root / source).exists()), None)
    return found or Path(store or source).absolute()


def _nothing_included(written: str, span: Span) -> Problem:
    del span
    return Problem(f"'{written}' is included by a recorded document, which must not have includes")


def _ledger(store: str | None) -> Ledger:
    """Open the store of a pipeline's file; without one, that of the project of the working directory."""
    if store is None or not Path(store).exists():
        return read_store_at(None, None, find_root(Path("pipeline.yaml").absolute()))
    return read_store(compile_file(store, trusted=True).checked())


def _invocation(name: str, ledger: Ledger) -> RunFacts:
    facts = find_run(name, ledger)
    if record_names.INVOCATION in facts.tags and record_names.STEP in facts.tags:
        return find_run(facts.tags[record_names.INVOCATION], ledger)  # the run of a step means its invocation
    return facts


def _file_of_run(name: str) -> str:
    with _ledger(None) as ledger:
        source = _invocation(name, ledger).tags.get("mlflow.source.name", "")
    if not Path(source).exists():
        raise UsageError(f"'{name}' ran '{source}', which does not exist here; give a second pipeline")
    return source


def _manifests_of_run(facts: RunFacts, ledger: Ledger) -> Iterator[Mapping[str, JSON]]:
    """Read the manifests of the steps of an invocation, as far as they exist."""
    report = _artifact(facts, record_names.RUN_FILE, ledger)
    for run_id in _runs_in(report)[:_STEPS_OF_RUN]:
        step = ledger.run(run_id)
        record = None if step is None else complete_record(step)
        if record is None:
            continue
        try:
            yield ledger.manifest(record)
        except StoreUnavailableError:
            raise
        except PipespecError:
            continue


def _runs_in(report: bytes | None) -> list[str]:
    if report is None:
        return []
    try:
        return [str(step["run_id"]) for step in json.loads(report)["steps"] if step.get("run_id")]
    except (ValueError, KeyError, TypeError, AttributeError):
        return []


def _code_in(manifest: Mapping[str, JSON]) -> Iterator[tuple[str, CodeFacts]]:
    """Yield the code of each callable that a manifest describes."""
    sources, parts = _mapping(manifest.get("sources")), _mapping(manifest.get("parts"))
    pieces = {name: CodePiece(str(text), "", 1) for name, text in sources.items()}
    own = _mapping(parts.get("code"))
    package = own.get("package")
    installed = tuple(map(str, package)) if isinstance(package, list) else ()
    counted = {name: str(digest) for name, digest in _mapping(manifest.get("code")).items()}
    if own:
        yield (
            str(manifest.get("call")),
            CodeFacts(
                str(own.get("digest", "")),
                counted,
                (),
                package=(installed[0], installed[1]) if len(installed) == 2 else None,
                pieces=pieces,
            ),
        )
    for call, told in _mapping(manifest.get("also_called")).items():
        entry = _mapping(told)
        counted = {name: str(digest) for name, digest in _mapping(entry.get("code")).items()}
        yield call, CodeFacts(str(entry.get("digest", "")), counted, (), pieces=pieces)


def _mapping(value: JSON) -> Mapping[str, JSON]:
    return value if isinstance(value, dict) else {}


def _artifact(facts: RunFacts, name: str, ledger: Ledger) -> bytes | None:
    try:
        return read(facts.artifact_uri, name, ledger.tracking_uri)
    except FileNotFoundError:
        return None
