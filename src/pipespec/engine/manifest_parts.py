"""Digests of single files in directory outputs, from the manifests of their runs."""

from __future__ import annotations

from pipespec.document.nodes import JSON
from pipespec.plan.records import StepRecord
from pipespec.tracking.reading.ledger import Ledger

__all__ = ["ManifestParts"]


class ManifestParts:
    """Looks up digests of files in directory outputs in the manifests of their runs. Each manifest is read once."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._known: dict[str, dict[str, JSON]] = {}

    def digest_of_part(self, record: StepRecord, output: str, part: str) -> str | None:
        """Return the sha256 of one file, or None if it is not in the manifest."""
        if record.run_id not in self._known:
            self._known[record.run_id] = self._ledger.manifest(record)
        match self._known[record.run_id]:
            case {"outputs": {**outputs}}:
                match outputs.get(output):
                    case {"manifest": {**files}}:
                        digest = files.get(part)
                        return digest if isinstance(digest, str) else None
        return None
