"""Waiting until something happens in folders, by the package watchfiles.

Takes folders; tells that something changed there since it was made, not what: whoever waits looks at what matters. Refuses where
the package is not installed, naming the extra that brings it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Final

from pipespec.errors import PipespecError, UsageError

__all__ = ["FolderWatch", "require_watchfiles"]

_QUIET_MS: Final = 150
"""What is saved within so short a time of each other is one change."""
_LONGEST_MS: Final = 2_000
_LOOK_MS: Final = 200


def require_watchfiles() -> Any:
    """Return the package.

    Raises:
        UsageError: where it is not installed.
    """
    try:
        import watchfiles  # noqa: PLC0415 - an extra
    except ImportError:
        raise UsageError(
            "'watch' needs the package 'watchfiles', which is not installed; "
            'install it with: pip install "pipespec[watch]"'
        ) from None
    return watchfiles


class FolderWatch:
    """The folders alone, not those below them; `ignored` are files and folders in which nothing counts."""

    def __init__(self, folders: Collection[Path], ignored: Collection[Path]) -> None:
        """Begin.

        Raises:
            UsageError: as `require_watchfiles`.
            PipespecError: where the system watches no more folders.
        """
        self.folders = frozenset(folders)
        self._ignored = tuple(ignored)
        self._changes = self._watch(require_watchfiles())
        self._happened = False
        self._look()  # it begins with the first look

    def wait(self) -> None:
        """Return once something changed, and nothing for a moment after it.

        Raises:
            KeyboardInterrupt: at once.
        """
        while not self._happened:
            self._look()
        self._happened = False

    def _look(self) -> None:
        try:
            self._happened |= bool(next(self._changes))
        except OSError as error:
            raise PipespecError(f"the system cannot watch {len(self.folders)} folders: {error}") from error

    def _watch(self, watchfiles: Any) -> Iterator[Any]:
        found: Iterator[Any] = watchfiles.watch(
            *sorted(self.folders),
            watch_filter=lambda _, path: self._counts(Path(path)),
            debounce=_LONGEST_MS,
            step=_QUIET_MS,
            rust_timeout=_LOOK_MS,
            yield_on_timeout=True,
            recursive=False,
            ignore_permission_denied=True,
        )
        return found

    def _counts(self, path: Path) -> bool:
        return not any(path.is_relative_to(place) for place in self._ignored)
