"""Register a recorded output as a version of a model: once for each key and name, even if others do the same at the same time.

Takes the record of a finished run. Returns the version. A version has the key as a tag. Whoever created a version
searches again: if several versions have one key, the first counts, and the others are deleted. An alias is set once,
when its version is registered, and the version records this. If a user later moves the alias, it stays there.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from pipespec.fault_points import reach
from pipespec.frozen_values import frozen
from pipespec.plan.records import StepRecord
from pipespec.tracking import record_names
from pipespec.tracking.artifact_uris import stored_name
from pipespec.tracking.models.client_registry import ClientRegistry
from pipespec.tracking.models.registry import ModelVersion, Registry, WantedVersions

__all__ = ["ALIAS", "DIGEST", "OUTPUT", "ToRegister", "find_all", "find_versions", "is_done", "register"]

OUTPUT: Final = "pipespec.output"
DIGEST: Final = "pipespec.digest"
ALIAS: Final = "pipespec.alias"
"""The alias that was set to a version when the version was registered."""
_RESULT: Final = "pipespec.result"
"""Key and output in one value, which is searched for and must exist only once."""
_FEW: Final = 5
"""Up to this number, outputs are searched for one by one."""


@frozen
class ToRegister:
    """An output of a finished run, and the model as which it is registered."""

    record: StepRecord
    step: str
    """The current id of the step. The record contains the id at the time of the run."""
    output: str
    name: str
    alias: str | None
    pipeline: str
    invocation: str
    """The run id of the invocation that requests it; empty if nothing was executed."""

    @property
    def result(self) -> str:
        """The tag of a version that ensures that there is only one."""
        return f"{self.record.key or self.record.run_id}.{self.record.generation}.{self.output}"

    @property
    def tags(self) -> Mapping[str, str]:
        """Return the tags of the version."""
        told = {
            record_names.PIPELINE: self.pipeline,
            record_names.STEP: self.step,
            record_names.KEY: self.record.key,
            record_names.INVOCATION: self.invocation,
            OUTPUT: self.output,
            DIGEST: self.record.outputs[self.output].digest,
            _RESULT: self.result,
        }
        return {tag: value for tag, value in told.items() if value}


def find_versions(registry: Registry, wanted: ToRegister) -> Sequence[ModelVersion]:
    """Return the versions that already exist of an output. The one that counts is first."""
    found = registry.versions(WantedVersions(name=wanted.name, tag=(_RESULT, wanted.result)))
    return sorted(found, key=lambda version: version.version)


def find_all(
    registry: Registry, wanted: Sequence[ToRegister]
) -> Iterator[tuple[ToRegister, Sequence[ModelVersion]]]:
    """Yield each output with its existing versions. For a model with many outputs, all versions are read at once."""
    count = Counter(one.name for one in wanted)
    known: dict[str, defaultdict[str, list[ModelVersion]]] = {}
    for name in (name for name, number in count.items() if number > _FEW):
        known[name] = defaultdict(list)
        for version in reversed(registry.versions(WantedVersions(name=name))):
            known[name][version.tags.get(_RESULT, "")].append(version)
    for one in wanted:
        yield one, known[one.name][one.result] if one.name in known else find_versions(registry, one)


def is_done(found: Sequence[ModelVersion], wanted: ToRegister) -> bool:
    """Return whether nothing is left to do."""
    return len(found) == 1 and wanted.alias in (None, found[0].tags.get(ALIAS))


def register(registry: ClientRegistry, wanted: ToRegister) -> ModelVersion:
    """Register an output and set its alias, unless this was already done.

    Raises:
        StoreUnavailableError: if the registry does not answer. A repeated call continues where this one stopped.
        PipespecError: if it refuses.
    """
    found = find_versions(registry, wanted)
    if not found:
        registry.create_model(wanted.name)
        file = wanted.record.outputs[wanted.output].file.rstrip("/")
        source = f"{wanted.record.artifact_uri.rstrip('/')}/{stored_name(file)}"
        reach("register.before-version")
        made = registry.create_version(wanted.name, source, wanted.record.run_id, wanted.tags)
        reach("register.after-version")
        found = find_versions(registry, wanted) or [made]
    first, *others = found
    for other in others:
        registry.delete_version(other)
    if wanted.alias not in (None, first.tags.get(ALIAS)):
        assert wanted.alias is not None
        registry.set_alias(first, wanted.alias)
        reach("register.after-alias")
        registry.set_tag(first, ALIAS, wanted.alias)
    return first
