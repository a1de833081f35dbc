"""Choose the run that counts among the runs with a key: the completion rule, the same for every ledger.

Takes candidate runs from a store. Returns one record per key, and remembers which keys had complete runs whose
artifacts are gone or altered.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from pipespec.document.nodes import JSON
from pipespec.errors import PipespecError
from pipespec.plan.records import OutputRecord, StepRecord
from pipespec.plan.witness import (
    NO_WITNESS,
    BrokenWitness,
    Witness,
    WitnessCheck,
    decode_witness,
    witness_from_manifest,
)
from pipespec.tracking import record_names
from pipespec.tracking.acceptances import with_acceptance
from pipespec.tracking.artifact_uris import run_folder
from pipespec.tracking.run_facts import RunFacts, complete_record, flaw, parse_outputs, precedence

__all__ = ["Candidate", "RecordSelection"]

Candidate = tuple[str, RunFacts]
"""A key, and a run that was found for it."""


class RecordSelection:
    """Chooses records, and says why it chose none for other keys with complete runs.

    `artifacts` is the local default folder of a store's artifacts, if there is one. `check` checks what runs used;
    without it, this is not checked.
    """

    def __init__(self, tracking_uri: str, artifacts: Path | None, check: WitnessCheck | None = None) -> None:
        self._tracking_uri = tracking_uri
        self._artifacts = artifacts
        self._check = check
        self._lost: dict[str, str] = {}
        self._broken: dict[str, BrokenWitness] = {}

    def choose(self, keys: Collection[str], candidates: Iterable[Candidate]) -> dict[str, StepRecord]:
        """Return the record that counts for each of these keys that has one.

        The key must be the run's own, or accepted for it; a run with its own key counts before an accepted one. If a
        run with its own key is damaged, an earlier generation never counts instead. It does count if only what the run
        used has changed.
        """
        runs: defaultdict[str, list[tuple[StepRecord, RunFacts]]] = defaultdict(list)
        for key, facts in candidates:
            record = complete_record(facts)
            if record is not None and (record.key == key or record_names.accepted_tag(key) in facts.tags):
                runs[key].append((record, facts))
        for key in keys:
            self._lost.pop(key, None)
            self._broken.pop(key, None)
        chosen = {}
        for key, found in runs.items():
            found.sort(key=lambda run: (run[0].key != key, precedence(run[0])))
            damaged: int | None = None
            for record, facts in found:
                if record.key == key and damaged not in (None, record.generation):
                    continue  # the damaged later generation was made because this one was not good enough
                whole = self._whole(key, record, facts)
                if whole is None and record.key == key:
                    damaged = record.generation
                if whole is not None and self._holds(key, whole):
                    chosen[key] = whole if whole.key == key else with_acceptance(whole, facts, key)
                    self._lost.pop(key, None)
                    self._broken.pop(key, None)
                    break
        return chosen

    def lost(self, keys: Collection[str]) -> Mapping[str, str]:
        """Return what is wrong, for keys that the last `choose` left out although they have complete runs."""
        return {key: self._lost[key] for key in keys if key in self._lost}

    def broken(self, keys: Collection[str]) -> Mapping[str, BrokenWitness]:
        """Return what has changed, for keys that the last `choose` left out because of what their runs used."""
        return {key: self._broken[key] for key in keys if key in self._broken}

    def placed(self, facts: RunFacts) -> RunFacts:
        """Return a run's facts with the current place of its artifacts."""
        uri = self._place(facts.artifact_uri)[1]
        return facts if uri == facts.artifact_uri else replace(facts, artifact_uri=uri)

    def manifest(self, record: StepRecord, digest: str | None) -> dict[str, JSON]:
        """Return the manifest of a record. `digest` is its digest in the run's tag.

        Raises:
            PipespecError: if it is gone, or does not match the tag.
            StoreUnavailableError: if the artifact store cannot be read.
        """
        try:
            return self._read_manifest(record.artifact_uri, digest)
        except (FileNotFoundError, ValueError) as error:
            problem = "it no longer exists" if isinstance(error, FileNotFoundError) else str(error)
            raise PipespecError(
                f"the manifest of step '{record.step}' (run {record.run_id}) cannot be used: {problem}"
            ) from None

    def _read_manifest(self, artifact_uri: str, digest: str | None) -> dict[str, JSON]:
        from pipespec.tracking.artifacts import read  # noqa: PLC0415 - few records need more than their tags

        content = read(artifact_uri, record_names.MANIFEST_FILE, self._tracking_uri)
        if hashlib.sha256(content).hexdigest() != digest:
            raise ValueError(f"'{record_names.MANIFEST_FILE}' was changed")
        manifest: dict[str, JSON] = json.loads(content)
        return manifest

    def _whole(self, key: str, record: StepRecord, facts: RunFacts) -> StepRecord | None:
        folder, uri = self._place(record.artifact_uri)
        try:
            outputs = self._outputs(uri, facts)
            witness = self._witness(uri, facts)
        except FileNotFoundError:
            problem: str | None = f"'{record_names.MANIFEST_FILE}' no longer exists"
        except ValueError as error:
            problem = f"run {record.run_id}: {error}"
        else:
            record = replace(record, outputs=outputs, artifact_uri=uri, witness=witness)
            problem = _refused(record, facts) or (None if folder is None else flaw(record, folder))
        if problem is None:
            return record
        self._lost.setdefault(key, problem)
        return None

    def _outputs(self, artifact_uri: str, facts: RunFacts) -> Mapping[str, OutputRecord]:
        text = facts.tags.get(record_names.OUTPUTS)
        if text is None:
            # They would have exceeded MLflow's limit for a tag.
            text = json.dumps(self._read_manifest(artifact_uri, facts.tags[record_names.MANIFEST])["outputs"])
        return parse_outputs(text)

    def _witness(self, artifact_uri: str, facts: RunFacts) -> Witness:
        text = facts.tags.get(record_names.WITNESS)
        if text is None:
            return NO_WITNESS
        told = decode_witness(text)
        if told is not None:
            return told
        manifest = self._read_manifest(artifact_uri, facts.tags[record_names.MANIFEST])
        return witness_from_manifest(manifest.get("witness"))

    def _holds(self, key: str, record: StepRecord) -> bool:
        changes = () if self._check is None else tuple(self._check.changes(record.witness))
        if changes:
            self._broken.setdefault(key, BrokenWitness(record.run_id, changes))
        return not changes

    def _place(self, artifact_uri: str) -> tuple[Path | None, str]:
        folder = run_folder(artifact_uri, self._artifacts)
        if folder is None or artifact_uri == str(folder):
            return folder, artifact_uri
        return folder, folder.as_uri()


def _refused(record: StepRecord, facts: RunFacts) -> str | None:
    """Say what a reader found wrong with the content of a run."""
    why = facts.tags.get(record_names.DAMAGED)
    return None if why is None else f"run {record.run_id}: {why}"
