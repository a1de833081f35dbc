"""Find the registered models that a past run read, by name and version as its steps recorded them.

Takes a `RecordedRun`. Returns, by the text of the inputs, the versions and the folders that have their files. If one of
our steps produced a version, its files are those of that run, whatever the registry says now. Otherwise the registry is
asked for that version. An alias that was moved since changes nothing. Refuses files that are gone or have changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipespec.document.wording import quote
from pipespec.errors import PipespecError, StoreUnavailableError, UsageError
from pipespec.operations.planning.open_store import read_registry_at
from pipespec.operations.planning.registered_inputs import ModelReading
from pipespec.operations.reproducing.recorded_run import RecordedRun
from pipespec.plan.records import RecordedModel
from pipespec.spec.registered_models import ModelInput
from pipespec.state_folder import StateFolder
from pipespec.tracking.artifacts import verified_path
from pipespec.tracking.reading.ledger import Ledger
from pipespec.tracking.record_artifacts import recorded_artifact
from pipespec.tracking.run_facts import finished_record

__all__ = ["recorded_models"]


def recorded_models(run: RecordedRun, project: Path, ledger: Ledger) -> Mapping[str, RecordedModel]:
    """Return the versions of models that a run read. `project` is the real project root.

    Raises:
        UsageError: if their files are gone or have changed, or steps read different versions by the same text.
        StoreUnavailableError: if the store or the registry cannot be read.
    """
    found: dict[str, RecordedModel] = {}
    for step in run.steps.values():
        for _, entry in step.inputs():
            text = str(entry.get("model", ""))
            if not text:
                continue
            if text not in found:
                found[text] = _recorded(entry, project, ledger)
            if found[text].version != entry["version"]:
                raise UsageError(
                    f"steps of the run read versions {found[text].version} and {entry['version']} of {quote(text)}; reproduce the run of"
                    " one of them"
                )
    return found


def _recorded(entry: Mapping[str, Any], project: Path, ledger: Ledger) -> RecordedModel:
    name, version, digest = str(entry["name"]), int(entry["version"]), str(entry["digest"])
    run_id, output = str(entry.get("run_id", "")), str(entry.get("output", ""))
    downloads = StateFolder.of(project).made().downloads
    try:
        facts = ledger.run(run_id) if output else None
        record = None if facts is None else finished_record(facts)
        if record is not None and output in record.outputs:
            artifact = recorded_artifact(record, output)
        else:
            with read_registry_at(ledger.tracking_uri, project) as registry:
                reading = ModelReading(project, ledger, registry)
                artifact = reading.result(ModelInput(f"{name}/{version}", name, version=version)).artifact
        folder = verified_path(artifact, downloads, ledger.tracking_uri)
    except StoreUnavailableError:
        raise
    except PipespecError as error:
        raise UsageError(f"input {quote(str(entry['model']))} was version {version}: {error}") from error
    if artifact.digest != digest:
        raise UsageError(
            f"version {version} of model {quote(name)} changed since: its files were {digest[:16]} and are"
            f" {(artifact.digest or '')[:16]} (sha256)"
        )
    return RecordedModel(name, version, digest, str(folder), str(entry.get("step", "")), output, run_id)
