"""Use MLflow's own client without its log output, and with errors in one line.

`Session(uri, log)` holds an `MlflowClient`, created at the first use, because importing mlflow takes seconds. While one
is open, messages of mlflow, alembic and sqlalchemy go to the log file, and requests have time limits. None of this
affects processes that are started for user code: `fluent.activate` undoes it there.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import sqlite3
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipespec.activity import busy
from pipespec.errors import PipespecError, StoreUnavailableError
from pipespec.tracking.sqlite_schema import open_database, unreadable
from pipespec.tracking.tracking_uri import is_sqlite, shown, sqlite_path

if TYPE_CHECKING:
    from mlflow import MlflowClient

__all__ = ["Session", "import_mlflow", "quiet", "speaking", "unset_limits", "without_progress"]

_ALWAYS: Final[Mapping[str, str]] = {
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}

# With MLflow's own limits, "connection refused" takes 247 s, and a silent server more than 480 s.
# Three tries of 6 s, their pauses and the import of mlflow take less than 30 s in total.
_LIMITS: Final[Mapping[str, str]] = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "6",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
}

_TALKATIVE: Final = ("mlflow", "alembic", "sqlalchemy", "sqlalchemy.engine", "huey", "urllib3", "py.warnings")
_WARNERS: Final = r"(mlflow|alembic|sqlalchemy|pydantic|google)(\..*)?"

_PREAMBLES: Final = ("(raised as a result of", "(Background on", "[SQL", "[parameters")
"""Prefixes of SQLAlchemy's lines that do not describe the error."""
_DRIVERS: Final = frozenset({"psycopg", "psycopg2", "pymysql", "MySQLdb", "asyncpg", "pyodbc"})
_FULL: Final = (errno.ENOSPC, errno.EDQUOT)

_REFUSALS: Final = frozenset({"INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST", "INVALID_STATE"})


class Session:
    """One client of one store. Close it. Several may be open at a time, and may be closed in any order."""

    def __init__(self, uri: str, log: Path | None) -> None:
        self.uri = uri
        self._log = log
        self._client: MlflowClient | None = None

    @property
    def client(self) -> MlflowClient:
        """The client. The first use imports mlflow and opens the store.

        Raises:
            StoreUnavailableError: if the store cannot be opened.
        """
        if self._client is None:
            _quiet.enter(self._log)
            try:
                with speaking(self.uri):
                    self._client = self._make()
            except BaseException:
                _quiet.leave()
                raise
        return self._client

    def _make(self) -> MlflowClient:
        mlflow = import_mlflow()
        _quiet.redirect()
        if is_sqlite(self.uri):
            self._look_at_file(sqlite_path(self.uri))
        return mlflow.MlflowClient(tracking_uri=self.uri)

    def _look_at_file(self, path: Path) -> None:
        # MLflow would create its tables in any database, and migrate an older store without asking.
        try:
            open_database(path)[0].close()
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise unreadable(path, error) from error

    def close(self) -> None:
        """Close the client. The last one to close also restores the log output."""
        if self._client is not None:
            self._client = None
            _quiet.leave()


@contextlib.contextmanager
def quiet(log: Path | None) -> Iterator[None]:
    """Import mlflow, and send its messages in this block to the file `log`."""
    _quiet.enter(log)
    try:
        import_mlflow()
        _quiet.redirect()
        yield
    finally:
        _quiet.leave()


def import_mlflow() -> Any:
    """Import mlflow without the warnings of the modules that it imports.

    Raises:
        PipespecError: if a module of the user has the same name.
    """
    with busy("importing mlflow"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow  # noqa: PLC0415 - takes seconds; code that does not need it has avoided it
    if not hasattr(mlflow, "__path__"):
        raise PipespecError(
            f"the module '{mlflow.__file__}' stands in the place of the package mlflow; rename it"
        )
    return mlflow


@contextlib.contextmanager
def without_progress() -> Iterator[None]:
    """Prevent MLflow from showing progress bars and printing addresses inside the block."""
    ours = {name: value for name, value in _ALWAYS.items() if name not in os.environ}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name in ours:
            os.environ.pop(name, None)


@contextlib.contextmanager
def speaking(uri: str) -> Iterator[None]:
    """Turn every failure of a store into one of our errors, in one line, without a password.

    Raises:
        StoreUnavailableError: if it cannot be reached or did not execute a request.
        PipespecError: if it refused, for example because a run was deleted meanwhile.
    """
    try:
        yield
    except (PipespecError, KeyboardInterrupt):
        raise
    except Exception as error:
        refused = getattr(error, "error_code", None) in _REFUSALS
        if not refused and not _is_of_a_store(error):
            raise
        if refused:
            raise PipespecError(f"tracking store {shown(uri)}: {_one_line(error)}") from error
        raise _unavailable(uri, error) from error


def _is_of_a_store(error: Exception) -> bool:
    package = type(error).__module__.partition(".")[0]
    return isinstance(error, OSError | sqlite3.Error) or package in {
        "alembic",
        "azure",
        "botocore",
        "boto3",
        "google",
        "mlflow",
        "requests",
        "sqlalchemy",
        "urllib3",
    }


def _unavailable(uri: str, error: Exception) -> StoreUnavailableError:
    """Return the root cause of an error. SQLAlchemy and MLflow put what they were doing before it."""
    cause = next((one for one in _beneath(error) if isinstance(one, sqlite3.Error)), None)
    if cause is not None and is_sqlite(uri):
        return unreadable(sqlite_path(uri), cause, deed="used")
    full = any(isinstance(one, OSError) and one.errno in _FULL for one in _beneath(error))
    way_out = "; make room, and run again" if full else ""
    return StoreUnavailableError(f"tracking store {shown(uri)}: {_one_line(error)}{way_out}")


def _beneath(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and its causes. SQLAlchemy keeps the error of a driver in `orig`."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if isinstance(one, BaseException) and id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting += [one.__context__, one.__cause__, getattr(one, "orig", None)]


def _one_line(error: Exception) -> str:
    """Return the first line that describes the cause."""
    driver = next((one for one in _beneath(error) if _is_driver(one)), error)
    text = shown(str(driver)).strip() or type(driver).__name__
    lines = text.splitlines()
    line = next((one for one in lines if not one.startswith(_PREAMBLES)), lines[0])
    return line if len(line) <= 300 else f"{line[:300]}..."


def _is_driver(error: BaseException) -> bool:
    """Return whether an error comes from a database driver: `psycopg.OperationalError`, wrapped by SQLAlchemy."""
    return type(error).__module__.partition(".")[0] in _DRIVERS


def unset_limits() -> None:
    """Restore MLflow's own time limits for user code, whose uploads may take minutes."""
    for name, value in _LIMITS.items():
        if os.environ.get(name) == value:
            del os.environ[name]
    _quiet.forget()


class _Quiet:
    """The process-wide part of all open sessions: environment, log handlers and warning filters."""

    def __init__(self) -> None:
        self._sessions = 0
        self._environment: dict[str, str] = {}
        self._handler: logging.Handler | None = None
        self._loggers: dict[str, tuple[list[logging.Handler], bool]] = {}
        self._filter: Any = None

    def enter(self, log: Path | None) -> None:
        self._sessions += 1
        if self._sessions > 1:
            return
        for name, value in {**_ALWAYS, **_LIMITS}.items():
            if name not in os.environ:
                os.environ[name] = self._environment[name] = value
        warnings.filterwarnings("ignore", module=_WARNERS)
        self._filter = warnings.filters[0]
        self._handler = logging.NullHandler() if log is None else _to_file(log)

    def redirect(self) -> None:
        """Replace the handlers that mlflow installed when it was imported."""
        if self._handler is None:
            return
        for name in _TALKATIVE:
            logger = logging.getLogger(name)
            self._loggers.setdefault(name, (logger.handlers, logger.propagate))
            logger.handlers, logger.propagate = [self._handler], False

    def leave(self) -> None:
        self._sessions = max(0, self._sessions - 1)
        if self._sessions > 0:
            return
        for name, value in self._environment.items():
            if os.environ.get(name) == value:
                del os.environ[name]
        if self._handler is not None:
            self._handler.close()
        self.forget()

    def forget(self) -> None:
        """Restore the loggers, as if no session had been opened."""
        for name, (handlers, propagate) in self._loggers.items():
            logger = logging.getLogger(name)
            logger.handlers, logger.propagate = handlers, propagate
        warnings.filters[:] = [one for one in warnings.filters if one is not self._filter]  # type: ignore[index]
        self._sessions, self._environment, self._handler, self._loggers = 0, {}, None, {}


def _to_file(log: Path) -> logging.Handler:
    from pipespec.tracking.noise_log import NoiseLog  # noqa: PLC0415 - an idle run contacts no store

    with contextlib.suppress(OSError):  # then there is no log
        log.parent.mkdir(parents=True, exist_ok=True)
    return NoiseLog(log, "%(asctime)s %(levelname)s %(name)s: %(message)s")


_quiet: Final = _Quiet()
