"""Read registered models as inputs: `{model: news-classifier@champion}`.

Takes these texts. Returns the version that each text means now, and where its files are. If one of our steps created
the version, run and digest are those of its record. For any other version, the content is read: on this machine, or
once for each version in the folder of downloads. Refuses names, aliases and versions that do not exist, with the
nearest ones.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from pipespec.document.wording import did_you_mean, listing, quote
from pipespec.errors import PipespecError, StoreUnavailableError, UsageError
from pipespec.operations.planning.open_store import read_registry
from pipespec.operations.planning.plan_waves import Result
from pipespec.plan.records import OtherResult, OutputRecord
from pipespec.project.digest_memory import DigestMemory
from pipespec.project.input_digests import digest_input
from pipespec.spec.pipeline_spec import DirInput, PipelineSpec
from pipespec.spec.registered_models import ModelInput
from pipespec.state_folder import StateFolder
from pipespec.step.step_job import Artifact
from pipespec.tracking import record_names
from pipespec.tracking.artifact_uris import local_path, location
from pipespec.tracking.artifacts import localise
from pipespec.tracking.models.registration import OUTPUT
from pipespec.tracking.models.registry import ModelVersion, Registry, WantedVersions
from pipespec.tracking.reading.ledger import Ledger
from pipespec.tracking.record_artifacts import recorded_artifact
from pipespec.tracking.run_facts import finished_record

__all__ = ["ModelReading", "find_version", "model_results"]

_RUNS: Final = "runs:/"
_LISTED: Final = 5
"""Maximum number of aliases or versions that are named."""


def model_results(
    sources: Iterable[ModelInput], spec: PipelineSpec, ledger: Ledger
) -> Mapping[ModelInput, Result]:
    """Return the version that each of these means now.

    Raises:
        UsageError: if there is none.
        PipespecError: if its files cannot be read.
        StoreUnavailableError: if the registry cannot be read.
    """
    with read_registry(spec) as registry:
        reading = ModelReading(spec.root, ledger, registry)
        return {source: reading.result(source) for source in sources}


def find_version(registry: Registry, source: ModelInput) -> ModelVersion:
    """Return the version that a text means now.

    Raises:
        UsageError: if there is none.
        StoreUnavailableError: if the registry cannot be read.
    """
    aliases = registry.aliases(source.name)
    if aliases is None:
        known = registry.names()
        near = did_you_mean(source.name, known)
        hint = near or (f"models are {listing(known[:_LISTED])}" if known else "no model is registered")
        raise UsageError(f"model {quote(source.text)}: there is no model {quote(source.name)}; {hint}")
    version = source.version
    if source.alias is not None:
        version = aliases.get(source.alias)
        if version is None:
            near = did_you_mean(source.alias, [*aliases])
            hint = near or (f"its aliases are {listing([*aliases][:_LISTED])}" if aliases else "it has none")
            raise UsageError(
                f"model {quote(source.text)}: {quote(source.name)} has no alias {quote(source.alias)}; {hint}"
            )
    found = registry.versions(WantedVersions(source.name, version, only_last=version is None))
    if not found:
        known = sorted(str(one.version) for one in registry.versions(WantedVersions(source.name)))
        hint = f"its versions are {', '.join(known[-_LISTED:])}" if known else "it has none"
        missing = "no version" if version is None else f"no version {version}"
        raise UsageError(f"model {quote(source.text)}: {quote(source.name)} has {missing}; {hint}")
    return found[0]


class ModelReading:
    """Finds the files of versions of models, and their content. `root` is the project's."""

    def __init__(self, root: Path, ledger: Ledger, registry: Registry) -> None:
        self._root = root
        self._ledger = ledger
        self._registry = registry

    def result(self, source: ModelInput) -> Result:
        """Return the version that a text means now, and where its files are. Raises the errors of `model_results`."""
        version = find_version(self._registry, source)
        recorded = self._recorded(version)
        if recorded is not None:
            return recorded
        try:
            artifact, digest = self._looked_at(version)
        except StoreUnavailableError:
            raise
        except (PipespecError, OSError) as error:
            message = (
                f"model {quote(source.text)}: the files of version {version.version} cannot be read: {error}"
            )
            raise PipespecError(message) from None
        told = OutputRecord(digest, 0, 0, artifact.name)
        result = OtherResult(told, "", "", version.run_id, model=version.name, version=version.version)
        return Result(result, artifact)

    def _recorded(self, version: ModelVersion) -> Result | None:
        """Return what our run recorded about a version that was created from it."""
        output = version.tags.get(OUTPUT)
        if not output or not version.run_id:
            return None
        facts = self._ledger.run(version.run_id)
        record = None if facts is None else finished_record(facts)
        if record is None or output not in record.outputs:
            return None
        step = version.tags.get(record_names.STEP, record.step)
        told = OtherResult(
            record.outputs[output], step, output, record.run_id, record.ended, version.name, version.version
        )
        return Result(told, replace(recorded_artifact(record, output), is_model=True))

    def _looked_at(self, version: ModelVersion) -> tuple[Artifact, str]:
        """Return where the files of a version are that others created, and the digest of their content."""
        place = self._place(version)
        name = version.name
        folder = local_path(place)
        with DigestMemory(self._root) as memory:
            if folder is not None:
                digest = digest_input(DirInput(str(folder), str(folder)), memory).digest
                return Artifact(f"{folder}/", digest, name, is_model=True), digest
            downloads = StateFolder.of(self._root).made().downloads
            far = Artifact(f"{place.rstrip('/')}/", None, name)
            kept_as = hashlib.sha256(far.location.encode()).hexdigest()  # a version never changes
            kept = localise(far, downloads, self._registry.uri, kept_as=kept_as).location
            digest = digest_input(DirInput(kept.rstrip("/"), kept.rstrip("/")), memory).digest
        return Artifact(kept, digest, name, is_model=True), digest

    def _place(self, version: ModelVersion) -> str:
        place = self._registry.location(version)
        if place.startswith(_RUNS):
            run_id, _, path = place.removeprefix(_RUNS).lstrip("/").partition("/")
            facts = self._ledger.run(run_id)
            if facts is None:
                raise PipespecError(f"its run {run_id[:8]} is not in the tracking store")
            return location(facts.artifact_uri, path)
        return place
