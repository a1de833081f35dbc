"""A guess at which run bears a key: a file in `.pipespec/`, one per tracking store.

A cache and never the truth: every guess is verified in the store before it counts, what is missing is looked
up, and a file that cannot be read or written is as good as none.
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

__all__ = ["RunIndex"]

_KEY: Final = re.compile(r"[0-9a-f]{64}")
_RUN: Final = re.compile(r"[0-9a-f]{32}")


class RunIndex:
    """Key -> run id, for one store."""

    def __init__(self, root: Path, tracking_uri: str) -> None:
        name = hashlib.sha256(tracking_uri.encode()).hexdigest()[:16]
        self._file = root / ".pipespec" / f"index-{name}.json"
        self._runs = _read(self._file)
        self._changed = False

    def guesses(self, keys: Collection[str]) -> Mapping[str, str]:
        """Return what is known of these keys."""
        return {key: self._runs[key] for key in keys if key in self._runs}

    def learn(self, runs: Mapping[str, str]) -> None:
        """Take in what was seen in the store."""
        for key, run_id in runs.items():
            if self._runs.get(key) != run_id and _KEY.fullmatch(key) and _RUN.fullmatch(run_id):
                self._runs[key] = run_id
                self._changed = True

    def save(self) -> None:
        """Write what was learned, together with what others wrote meanwhile; in one piece, or not at all."""
        if not self._changed:
            return
        merged = {**_read(self._file), **self._runs}
        temporary = self._file.with_name(f"{self._file.name}.{secrets.token_hex(8)}")
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            try:
                temporary.write_text(json.dumps(merged, separators=(",", ":")), encoding="utf-8")
                temporary.replace(self._file)
                self._changed = False
            finally:
                temporary.unlink(missing_ok=True)


def _read(file: Path) -> dict[str, str]:
    try:
        rows = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(rows, dict):
        return {}
    return {
        key: run_id
        for key, run_id in rows.items()
        if _KEY.fullmatch(key) and isinstance(run_id, str) and _RUN.fullmatch(run_id)
    }
