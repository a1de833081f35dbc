"""Guess which run has a key: a file in `.pipespec/`, one per tracking store.

It is a cache and never the truth: every guess is verified in the store before it counts, missing keys are looked up,
and a file that cannot be read or written counts as no file. It knows which keys were requested together, so that the
first level of a plan is enough to read the whole plan ahead.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import secrets
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from pipespec.state_folder import StateFolder

__all__ = ["RunIndex"]

_KEY: Final = re.compile(r"[0-9a-f]{64}")
_RUN: Final = re.compile(r"[0-9a-f]{32}")
_ROW: Final = re.compile(r"([0-9a-f]{32})(?: ([0-9a-f]{16}))?")
"""A run, and the set of keys that were requested together with its key."""


class RunIndex:
    """The map from key to run id, for one store."""

    def __init__(self, root: Path, tracking_uri: str) -> None:
        name = hashlib.sha256(tracking_uri.encode()).hexdigest()[:16]
        self._file = StateFolder.of(root).path / f"index-{name}.json"
        self._runs, self._sets = _read(self._file)
        self._seen: set[str] = set()
        self._changed = False

    def guesses(self, keys: Collection[str]) -> Mapping[str, str]:
        """Return the known runs of these keys."""
        return {key: self._runs[key] for key in keys if key in self._runs}

    def company(self, keys: Collection[str]) -> Mapping[str, str]:
        """Return the known runs of these keys, and of all keys that were requested together with any of them."""
        sets = {self._sets[key] for key in keys if key in self._sets}
        together = {key for key, one in self._sets.items() if one in sets}
        return self.guesses(together.union(keys))

    def learn(self, runs: Mapping[str, str]) -> None:
        """Add what was read from the store."""
        for key, run_id in runs.items():
            if _KEY.fullmatch(key) and _RUN.fullmatch(run_id):
                self._seen.add(key)
                self._changed = self._changed or self._runs.get(key) != run_id
                self._runs[key] = run_id

    def save(self) -> None:
        """Write what was learned, together with what others wrote meanwhile; completely or not at all."""
        self._keep_together()
        if not self._changed:
            return
        runs, sets = _read(self._file)
        runs.update(self._runs)
        sets.update(self._sets)
        merged = {key: f"{run_id} {sets[key]}" if key in sets else run_id for key, run_id in runs.items()}
        temporary = self._file.with_name(f"{self._file.name}.{secrets.token_hex(8)}")
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            try:
                temporary.write_text(json.dumps(merged, separators=(",", ":")), encoding="utf-8")
                temporary.replace(self._file)
                self._changed = False
            finally:
                temporary.unlink(missing_ok=True)

    def _keep_together(self) -> None:
        """Make one set of the keys that were read, unless they are already (a part of) one."""
        if len({self._sets.get(key) for key in self._seen} - {None}) == 1 and self._seen <= self._sets.keys():
            return
        name = hashlib.sha256("".join(sorted(self._seen)).encode()).hexdigest()[:16]
        self._sets.update(dict.fromkeys(self._seen, name))
        self._changed = self._changed or bool(self._seen)


def _read(file: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Return the run of each key, and its set."""
    try:
        rows = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}, {}
    if not isinstance(rows, dict):
        return {}, {}
    found = {
        key: match
        for key, row in rows.items()
        if _KEY.fullmatch(key) and isinstance(row, str) and (match := _ROW.fullmatch(row))
    }
    runs = {key: match[1] for key, match in found.items()}
    return runs, {key: match[2] for key, match in found.items() if match[2]}
