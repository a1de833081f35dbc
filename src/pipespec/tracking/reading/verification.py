"""Compare the outputs of records with their digests, instead of only checking that they exist: for `--verify`.

Takes another source of records. A run whose content is gone or altered is left out, and reported as lost. Every byte is
read, and downloaded from a remote store even if it was downloaded before.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from pipespec.errors import PipespecError, StoreUnavailableError
from pipespec.plan.records import StepRecord
from pipespec.plan.witness import BrokenWitness
from pipespec.tracking.artifacts import verify
from pipespec.tracking.reading.ledger import Ledger
from pipespec.tracking.record_artifacts import recorded_artifact

__all__ = ["VerifiedRecords"]


class VerifiedRecords:
    """Implements `plan.plan.Records`. Downloads are stored in `downloads`."""

    def __init__(self, ledger: Ledger, downloads: Path) -> None:
        self._ledger = ledger
        self._downloads = downloads
        self._flaws: dict[str, str] = {}

    def complete(self, keys: Collection[str]) -> Mapping[str, StepRecord]:
        """Return the complete runs whose outputs have the content that they recorded."""
        return {
            key: record
            for key, record in self._ledger.complete(keys).items()
            if not self._note_flaw(key, record)
        }

    def lost(self, keys: Collection[str]) -> Mapping[str, str]:
        """Return what is gone or altered."""
        return {**self._ledger.lost(keys), **{key: self._flaws[key] for key in keys if key in self._flaws}}

    def broken(self, keys: Collection[str]) -> Mapping[str, BrokenWitness]:
        """Return what has changed of what runs used."""
        return self._ledger.broken(keys)

    def finished_before(self, steps: Collection[str]) -> Collection[str]:
        """Return those that finished, whatever happened to their outputs later."""
        return self._ledger.finished_before(steps)

    def numbers(self, record: StepRecord, output: str, part: str | None) -> Mapping[str, float]:
        """Return the numbers of an output."""
        return self._ledger.numbers(record, output, part)

    def _note_flaw(self, key: str, record: StepRecord) -> bool:
        for name in record.outputs:
            artifact = recorded_artifact(record, name)
            try:
                verify(artifact, self._downloads, self._ledger.tracking_uri)
            except StoreUnavailableError:
                raise
            except PipespecError as error:
                self._flaws[key] = f"output '{name}': {error}"
                return True
        return False
