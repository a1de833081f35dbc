"""Collect the facts on which a pipeline depends at one moment (code, inputs, packages and probes) as `Facts`.

They are collected for the selected steps only, so that planning is pure and a run uses exactly what it planned. Files
and code are read. A probe executes the project's code, in a separate process.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from pipespec.activity import busy
from pipespec.document.nodes import JSON
from pipespec.errors import MissingPackageError, UsageError
from pipespec.plan.plan import Facts
from pipespec.plan.records import OtherResult, OutputRecord
from pipespec.project.digest_memory import DigestMemory
from pipespec.project.disk_modules import DiskModules
from pipespec.project.input_digests import digest_input
from pipespec.project.input_presence import ExternalInput, external_inputs, is_remote
from pipespec.project.installed_packages import package_versions
from pipespec.project.schema_files import read_schemas
from pipespec.python.identity.code_facts import CodeFacts
from pipespec.python.identity.counted_code import code_facts
from pipespec.python.identity.import_lines import import_lines
from pipespec.python.modules import modules_of
from pipespec.python.source_files import source_file_facts
from pipespec.spec.contracts.data_schema import DataSchema, SchemaProblem
from pipespec.spec.pipeline_spec import PipelineInput, PipelineSpec, StepSpec
from pipespec.spec.registered_models import ModelInput

__all__ = ["code_of", "facts_with", "gather_facts", "schemas_of", "sources_of", "with_more"]

_PROBE_LIMIT: Final = 120.0
"""Seconds that all probes of a plan may take together."""


def gather_facts(
    spec: PipelineSpec,
    steps: Iterable[StepSpec],
    modules: DiskModules,
    *,
    results: Mapping[PipelineInput | ModelInput, OtherResult],
) -> Facts:
    """Collect everything from which the keys of these steps are computed.

    `results` are the outputs of other pipelines, and the models, that the steps read.

    Raises:
        UsageError: if an input does not exist or cannot be used as content, or if a probe fails.
    """
    chosen = tuple(steps)
    with busy("reading the code of the steps"):
        code = code_of(spec, chosen, modules)
    return facts_with(spec, chosen, code, modules, results=results)


def facts_with(
    spec: PipelineSpec,
    steps: Sequence[StepSpec],
    code: Mapping[str, CodeFacts],
    modules: DiskModules,
    *,
    results: Mapping[PipelineInput | ModelInput, OtherResult],
) -> Facts:
    """Collect everything except the code, which is known. Raises the same errors as `gather_facts`."""
    return Facts(
        code=code,
        files=_files(spec, steps),
        probes=_probes(spec, steps),
        packages=package_versions({name for step in steps for name in step.identity.packages}),
        results=results,
        sources=sources_of(code, modules),
        schemas=schemas_of(spec, steps, modules),
    )


def with_more(facts: Facts, more: Facts) -> Facts:
    """Merge what was collected at two moments. If both contain a value, that of the first moment is used."""
    return Facts(
        code={**more.code, **facts.code},
        files={**more.files, **facts.files},
        probes={**more.probes, **facts.probes},
        packages={**more.packages, **facts.packages},
        results={**more.results, **facts.results},
        sources={**more.sources, **facts.sources},
        schemas={**more.schemas, **facts.schemas},
    )


def code_of(spec: PipelineSpec, steps: Iterable[StepSpec], modules: DiskModules) -> dict[str, CodeFacts]:
    """Count the code of everything that these steps call, with the lines that import it."""
    chosen = tuple(steps)
    refs = {str(ref): ref for step in chosen for ref in step.callables}
    known = modules_of(spec.module_folders, modules)
    found = {text: code_facts(ref, spec.module_folders, modules) for text, ref in refs.items()}
    for ref in {str(ref): ref for step in chosen for ref in step.source_files}.values():
        facts = source_file_facts(ref, spec.root, spec.module_folders, modules)
        if facts is not None:
            found[str(ref)] = facts
    return {
        text: replace(facts, import_lines=import_lines(facts.counted, known)) for text, facts in found.items()
    }


def sources_of(code: Mapping[str, CodeFacts], modules: DiskModules) -> dict[str, bytes]:
    """Return the bytes of each file of the project that was counted, as they were parsed, by its absolute path."""
    files = {file for facts in code.values() for file in facts.files}
    return {file: modules.content(Path(file)) for file in sorted(files)}


def schemas_of(spec: PipelineSpec, steps: Iterable[StepSpec], modules: DiskModules) -> dict[str, DataSchema]:
    """Return the content of the schemas of these steps' inputs and outputs, by their paths.

    Raises:
        UsageError: if one cannot be used.
    """
    declared = [schema for step in steps for schema in step.schemas]
    found: dict[str, DataSchema] = {}
    for path, schema in read_schemas(declared, spec.root, modules).items() if declared else ():
        if isinstance(schema, SchemaProblem):
            raise UsageError(f"a schema cannot be used: {schema}")
        found[path] = schema
    return found


def _files(spec: PipelineSpec, steps: Sequence[StepSpec]) -> dict[str, OutputRecord]:
    sources = external_inputs(steps)
    if not sources:
        return {}
    found = {}
    with DigestMemory(spec.root) as memory:
        for place, source in sources.items():
            try:
                found[place] = digest_input(source, memory)
            except UsageError as error:
                if not is_remote(place) or isinstance(error, MissingPackageError):
                    raise
                # `validate` has reported the place of what is missing here; a remote store is queried for the first
                # time.
                raise UsageError(f"{_place(steps, source)}{error}") from error
    return found


def _place(steps: Iterable[StepSpec], source: ExternalInput) -> str:
    """Return the first place at which the pipeline names an input."""
    return next(
        (
            f"{declared.span}: input '{name}' of step '{step.name}': "
            for step in steps
            for name, declared in step.inputs.items()
            if declared.source == source
        ),
        "",
    )


def _probes(spec: PipelineSpec, steps: Iterable[StepSpec]) -> Mapping[str, JSON]:
    # A matrix that is not known yet has no variants to probe.
    probing = [step for step in steps if step.identity.probe is not None and not step.deferred]
    if not probing:
        return {}
    from pipespec.step.questions.probes import ProbeRequest, run_probes  # noqa: PLC0415 - 20 ms, and few pipelines probe

    probes = [ProbeRequest(step.id, str(step.identity.probe), step.param_values) for step in probing]
    folders = tuple(map(str, spec.module_folders))
    with busy("asking the probes"):
        return run_probes(probes, module_folders=folders, root=str(spec.root), timeout=_PROBE_LIMIT)
