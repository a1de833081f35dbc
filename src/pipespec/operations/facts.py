"""What the world says about a pipeline at one moment: code, inputs, packages and probes -> `Facts`.

Gathered for the selected steps only, so that planning is pure and a run uses what it planned. Files and code
are read; a probe runs the project's code, in a process of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from pipespec.document.nodes import JSON, plain
from pipespec.plan.code import code_facts
from pipespec.plan.model import CodeFacts, Facts, OutputRecord
from pipespec.project.disk_modules import DiskModules
from pipespec.project.inputs import DigestMemory, digest_input
from pipespec.project.packages import package_versions
from pipespec.spec.evidence import callables_of
from pipespec.spec.model import DirInput, FileInput, FilesInput, PipelineInput, PipelineSpec, StepSpec

__all__ = ["code_of", "digests_of_sources", "facts_with", "gather_facts", "with_more"]

_PROBE_LIMIT: Final = 120.0
"""Seconds that all probes of a plan may take together."""


def gather_facts(
    spec: PipelineSpec,
    steps: Iterable[StepSpec],
    modules: DiskModules,
    *,
    results: Mapping[PipelineInput, OutputRecord],
) -> Facts:
    """Gather what the keys of these steps are made of.

    `results` are the outputs of other pipelines that the steps read.

    Raises:
        UsageError: where an input is not there or cannot be content, or a probe fails.
    """
    chosen = tuple(steps)
    return facts_with(spec, chosen, code_of(spec, chosen, modules), results=results)


def facts_with(
    spec: PipelineSpec,
    steps: Sequence[StepSpec],
    code: Mapping[str, CodeFacts],
    *,
    results: Mapping[PipelineInput, OutputRecord],
) -> Facts:
    """Gather all but the code, which is known; raises as `gather_facts`."""
    return Facts(
        code=code,
        files=_files(spec, steps),
        probes=_probes(spec, steps),
        packages=package_versions({name for step in steps for name in step.identity.packages}),
        results=results,
        sources=digests_of_sources(code),
    )


def with_more(facts: Facts, more: Facts) -> Facts:
    """Join what was gathered at two moments; where both say something, the first moment's word counts."""
    return Facts(
        code={**more.code, **facts.code},
        files={**more.files, **facts.files},
        probes={**more.probes, **facts.probes},
        packages={**more.packages, **facts.packages},
        results={**more.results, **facts.results},
        sources={**more.sources, **facts.sources},
    )


def code_of(spec: PipelineSpec, steps: Iterable[StepSpec], modules: DiskModules) -> dict[str, CodeFacts]:
    """Count the code of all that these steps call."""
    refs = {str(ref): ref for step in steps for ref in callables_of(step)}
    return {text: code_facts(ref, spec.module_folders, modules) for text, ref in refs.items()}


def digests_of_sources(code: Mapping[str, CodeFacts]) -> dict[str, str]:
    """Return sha256 of each file of the project that was counted, by its absolute path."""
    files = {file for facts in code.values() for file in facts.files}
    return {file: hashlib.sha256(Path(file).read_bytes()).hexdigest() for file in sorted(files)}


def _files(spec: PipelineSpec, steps: Iterable[StepSpec]) -> dict[str, OutputRecord]:
    sources = {
        source.pattern if isinstance(source, FilesInput) else source.path: source
        for step in steps
        for source in (declared.source for declared in step.inputs.values())
        if isinstance(source, FileInput | DirInput | FilesInput)
    }
    if not sources:
        return {}
    with DigestMemory(spec.root) as memory:
        return {place: digest_input(source, memory) for place, source in sources.items()}


def _probes(spec: PipelineSpec, steps: Iterable[StepSpec]) -> Mapping[str, JSON]:
    # A matrix that is not known yet has no variants to ask for.
    probing = [step for step in steps if step.identity.probe is not None and not step.deferred]
    if not probing:
        return {}
    from pipespec.step.probe import ProbeRequest, run_probes  # noqa: PLC0415 - 20 ms, and few pipelines probe

    probes = [
        ProbeRequest(
            step.id, str(step.identity.probe), {name: plain(node) for name, node in step.params.items()}
        )
        for step in probing
    ]
    return run_probes(
        probes, module_folders=tuple(map(str, spec.module_folders)), root=str(spec.root), timeout=_PROBE_LIMIT
    )
