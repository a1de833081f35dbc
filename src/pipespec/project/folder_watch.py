"""Wait until something happens in folders, with the package watchfiles.

Takes folders. Reports that something in them has changed since the start, but not what: the caller examines what
matters to it. Refuses if the package is not installed, and names the extra that contains it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Final

from pipespec.errors import PipespecError, UsageError

__all__ = ["FolderWatch", "require_watchfiles"]

_QUIET_MS: Final = 150
"""Changes within this time of each other count as one change."""
_LONGEST_MS: Final = 2_000
_LOOK_MS: Final = 200


def require_watchfiles() -> Any:
    """Return the package.

    Raises:
        UsageError: if it is not installed.
    """
    try:
        import watchfiles  # noqa: PLC0415 - it is an extra
    except ImportError:
        raise UsageError(
            "'watch' needs the package 'watchfiles', which is not installed; "
            'install it with: pip install "pipespec[watch]"'
        ) from None
    return watchfiles


class FolderWatch:
    """Watches the folders themselves, not those below them. `ignored` are files and folders whose changes do not count."""

    def __init__(self, folders: Collection[Path], ignored: Collection[Path]) -> None:
        """Start watching.

        Raises:
            UsageError: as `require_watchfiles`.
            PipespecError: if the system does not watch any more folders.
        """
        self.folders = frozenset(folders)
        self._ignored = tuple(ignored)
        self._changes = self._watch(require_watchfiles())
        self._happened = False
        self._look()  # watching starts with the first call

    def wait(self) -> None:
        """Wait until something has changed, and nothing more has changed for a moment.

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
        except (
            RuntimeError
        ):  # something with a name that is no text: watchfiles ends there, and cannot tell more
            self._changes = self._watch(require_watchfiles())
            next(self._changes)
            self._happened = True

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
