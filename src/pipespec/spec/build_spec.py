"""Build a pipeline from the resolved tree: apply defaults, expand matrices, connect references.

Takes the tree. Returns a `PipelineSpec` and everything that is wrong with the file, including its structure, in one
pass. Invalid parts are left out, and errors that only follow from another error are not reported. Whatever requires
knowledge of the functions is done in `checks`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Final

from pipespec.document.interpolation.interpolate import is_broken
from pipespec.document.nodes import MappingNode, ScalarNode
from pipespec.document.wording import quote
from pipespec.errors import Diagnostic
from pipespec.spec.contracts.data_schema import SchemaFile
from pipespec.spec.node_reading import entries, flag, text
from pipespec.spec.pipeline_settings import read_engine, read_experiment, read_mlflow, read_notify
from pipespec.spec.pipeline_spec import PipelineSpec, StepSpec
from pipespec.spec.places import Places, locate_schema
from pipespec.spec.schema.document_schema import shape_findings
from pipespec.spec.schema.json_schema import Path as ShapePath
from pipespec.spec.spec_findings import SpecFindings
from pipespec.spec.steps.connect_inputs import Connector
from pipespec.spec.steps.matrix import MOST_VARIANTS, Point, axes_of, count, empty_grids, expand
from pipespec.spec.steps.step_drafts import StepDraft, lay_defaults, read_step
from pipespec.spec.steps.variant_index import VariantIndex
from pipespec.spec.steps.variants import make_variants, variant_of

__all__ = ["build_spec"]

_PIPELINE_NAME: Final = re.compile(r"[a-z][a-z0-9_-]*")


def build_spec(
    document: MappingNode, *, file: Path, root: Path, folders: Mapping[str, Path], is_partial: bool = False
) -> tuple[PipelineSpec | None, tuple[Diagnostic, ...]]:
    """Return the pipeline and all findings about its structure. If there are errors, only `checks` can use it.

    `document` is interpolated. `file` and `root` are absolute. `folders` maps each `Span.file` to the absolute folder
    from which relative paths in that file start. The pipeline is None if it has no usable step. If `is_partial`, the
    document still contains references with mistakes; errors that follow from those are not reported.
    """
    shape = shape_findings(document)
    found = SpecFindings()
    pipeline = _name(document, file, found)
    places = Places(file, root, folders)
    drafts = _drafts(document, pipeline, places, found)
    expanded = _expanded(drafts, found)
    damaged = _damaged(document, [path for path, _ in shape], drafts, expanded, is_partial=is_partial)
    variants = _variants(document, drafts, expanded, damaged)
    spans = {draft.shared.name: draft.shared.span for draft in drafts}
    connector = Connector(variants, spans, document, found)
    steps: dict[str, StepSpec] = {}
    for draft in drafts:
        name, told = draft.shared.name, found.told
        made = make_variants(draft, expanded.get(name, ()), document, connector, places=places, found=found)
        steps.update(zip(variants[name].ids, made, strict=True))
        damaged |= {name} if found.told > told or not draft.is_whole else set()
    _check_capitals(drafts, found)
    spec = PipelineSpec(
        name=pipeline,
        file=file,
        root=root,
        steps=steps,
        upstream=_upstream(steps, connector),
        document=document,
        description=text(document.get("description")),
        mlflow=read_mlflow(document.get("mlflow"), found),
        engine=read_engine(document.get("engine"), found),
        notify=read_notify(document.get("notify"), places, found),
        params_schema=_params_schema(document, places, found),
        damaged=damaged,
        empty_steps={
            name: draft.shared for draft in drafts if not expanded.get(name := draft.shared.name, True)
        },
    )
    diagnostics = (*(diagnostic for _, diagnostic in shape), *found.as_tuple())
    return spec if drafts else None, tuple(sorted(diagnostics, key=lambda one: (one.span, one.code)))


def _name(document: MappingNode, file: Path, found: SpecFindings) -> str:
    stated = text(document.get("name"))
    if "name" not in document.entries and not _PIPELINE_NAME.fullmatch(file.stem):
        start = document.span
        message = f"the pipeline has no 'name', and that of its file, {quote(file.stem)}, is not a valid name"
        hint = "add 'name:' with lower-case letters, digits, '_' and '-', starting with a letter"
        found.error(
            "bad-name", message, start._replace(end_line=start.line, end_column=start.column + 1), hint
        )
    return stated if stated is not None else file.stem


def _params_schema(document: MappingNode, places: Places, found: SpecFindings) -> SchemaFile | None:
    node = document.get("params_schema")
    if not isinstance(node, ScalarNode) or not text(node):
        return None
    return locate_schema(node, "'params_schema'", places, found)


def _drafts(document: MappingNode, pipeline: str, places: Places, found: SpecFindings) -> list[StepDraft]:
    defaults, engine = document.get("defaults"), document.get("engine")
    is_seeded = flag(engine.get("seed") if isinstance(engine, MappingNode) else None, default=True)
    drafts = []
    for step, entry in entries(document.get("steps")).items():
        if isinstance(entry.value, MappingNode):
            body = lay_defaults(defaults, entry.value)
            experiment = read_experiment(document, pipeline, step, found)
            draft = read_step(
                step, entry.key_span, body, experiment, document, places, found, is_seeded=is_seeded
            )
            drafts += [draft] if draft is not None else []
    return drafts


def _expanded(drafts: Iterable[StepDraft], found: SpecFindings) -> Mapping[str, Sequence[Point]]:
    """Return the points of each step by its name: one empty point if it has no matrix, or if its points are not known yet.

    A step is left out if its variants would exceed the limit.
    """
    room = MOST_VARIANTS
    points: dict[str, Sequence[Point]] = {}
    for draft in drafts:
        name, span, grids = draft.shared.name, draft.shared.span, draft.grids
        wanted = count(grids or ())
        if wanted > room:
            message = f"the matrix of step {quote(name)} has {wanted:,} variants; a pipeline may have at most {MOST_VARIANTS:,}"
            message += f", of which {MOST_VARIANTS - room:,} are already used" if room < MOST_VARIANTS else ""
            found.error("too-many-variants", message, span)
        elif grids and not draft.is_deferred:
            points[name] = expand(grids, name, span, found)
            room -= wanted
        else:
            points[name] = ({},)
    return points


def _damaged(
    document: MappingNode,
    culprits: Iterable[ShapePath],
    drafts: Iterable[StepDraft],
    expanded: Mapping[str, Sequence[Point]],
    *,
    is_partial: bool,
) -> frozenset[str]:
    """Return the steps with mistakes in their structure, references or matrix; all steps if the defaults have a mistake."""
    damaged = {one.shared.name for one in drafts if one.grids is None or one.shared.name not in expanded}
    steps = entries(document.get("steps"))
    for path in culprits:
        if path[:1] == ("defaults",):
            return frozenset(steps)
        if path[:1] == ("steps",) and len(path) > 1:
            damaged.add(str(path[1]))
    if is_partial:
        defaults = document.get("defaults")
        if defaults is not None and is_broken(defaults):
            return frozenset(steps)
        damaged |= {name for name, entry in steps.items() if is_broken(entry.value)}
    return frozenset(damaged)


def _variants(
    document: MappingNode,
    drafts: Iterable[StepDraft],
    expanded: Mapping[str, Sequence[Point]],
    damaged: frozenset[str],
) -> Mapping[str, VariantIndex]:
    """Return the variants of all declared steps, including steps that could not be read."""
    names = (*entries(document.get("steps")), *damaged)  # one of them may be misplaced
    variants = {name: VariantIndex(name, (), {}, is_damaged=True) for name in names}
    for draft in drafts:
        name = draft.shared.name
        variants[name] = VariantIndex(
            name,
            map(variant_of, expanded.get(name, ())),
            draft.shared.outputs,
            axes=axes_of(draft.grids or ()),
            empty=empty_grids(draft.grids or ()),
            deferred=draft.deferred,
            is_damaged=name in damaged,
        )
    return variants


def _upstream(steps: Mapping[str, StepSpec], connector: Connector) -> Mapping[str, tuple[str, ...]]:
    """Return the ids that each id waits for. Steps that read the same variants and nothing else share the tuple."""
    upstream = {}
    for step_id, step in steps.items():
        awaited = [source.producers for source in step.step_inputs]
        for name, span in step.needs:
            index = connector.index(name, f"step {quote(step.name)} needs", span)
            awaited += [index.ids] if index is not None else []
        upstream[step_id] = (
            awaited[0] if len(awaited) == 1 else tuple(dict.fromkeys(chain.from_iterable(awaited)))
        )
    return upstream


def _check_capitals(drafts: Iterable[StepDraft], found: SpecFindings) -> None:
    """Report steps whose names differ only in case: on some systems, their experiments and files are the same."""
    first: dict[str, str] = {}
    for draft in drafts:
        name = draft.shared.name
        other = first.setdefault(name.lower(), name)
        if other != name:
            message = f"steps {quote(other)} and {quote(name)} differ only in upper and lower case"
            found.error(
                "step-clash",
                message,
                draft.shared.span,
                "some systems treat them as the same name; rename one of them",
            )
