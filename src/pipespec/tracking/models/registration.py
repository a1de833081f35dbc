"""Registering a recorded output as a version of a model: once for each key and name, whoever else does so at the same time.

Takes the record of a finished run; gives the version. A version bears the key as a tag. Whoever made one looks again: of several with
one key the first counts, and the others are deleted. An alias is moved once, when its version is
registered, and the version notes that: where a person moves it later it stays.
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
"""The alias that was moved to a version when it was registered."""
_RESULT: Final = "pipespec.result"
"""Key and output in one: what is sought, and must be there once."""
_FEW: Final = 5
"""Up to so many outputs are looked for one by one."""


@frozen
class ToRegister:
    """An output of a finished run, and where it is to be registered."""

    record: StepRecord
    step: str
    """The id of the step now; the record has what it was when it ran."""
    output: str
    name: str
    alias: str | None
    pipeline: str
    invocation: str
    """The id of the run of the invocation that asks for it; empty where nothing was executed."""

    @property
    def result(self) -> str:
        """What a version of it bears, so that there is one."""
        return f"{self.record.key or self.record.run_id}.{self.record.generation}.{self.output}"

    @property
    def tags(self) -> Mapping[str, str]:
        """Return what the version bears."""
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
    """Return the versions that an output is already, the one that counts first."""
    found = registry.versions(WantedVersions(name=wanted.name, tag=(_RESULT, wanted.result)))
    return sorted(found, key=lambda version: version.version)


def find_all(
    registry: Registry, wanted: Sequence[ToRegister]
) -> Iterator[tuple[ToRegister, Sequence[ModelVersion]]]:
    """Yield each output with the versions that it is already; of a model that many are to be versions of, all are read at once."""
    count = Counter(one.name for one in wanted)
    known: dict[str, defaultdict[str, list[ModelVersion]]] = {}
    for name in (name for name, number in count.items() if number > _FEW):
        known[name] = defaultdict(list)
        for version in reversed(registry.versions(WantedVersions(name=name))):
            known[name][version.tags.get(_RESULT, "")].append(version)
    for one in wanted:
        yield one, known[one.name][one.result] if one.name in known else find_versions(registry, one)


def is_done(found: Sequence[ModelVersion], wanted: ToRegister) -> bool:
    """Say whether nothing is left to do."""
    return len(found) == 1 and wanted.alias in (None, found[0].tags.get(ALIAS))


def register(registry: ClientRegistry, wanted: ToRegister) -> ModelVersion:
    """Register an output, and move its alias, as far as that was not done before.

    Raises:
        StoreUnavailableError: where the registry does not answer; asked again, it goes on where it was.
        PipespecError: where it refuses.
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
