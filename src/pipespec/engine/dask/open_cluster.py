"""Reach a Dask cluster, or start it for the run and close it with the run.

Takes the pipeline's settings for the cluster. Returns a client of it. Refuses a class that does not exist or does not
accept its arguments, and an address at which no scheduler answers within a few seconds. Dask's log output goes to a
file.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import logging
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Final

from pipespec.document.wording import quote
from pipespec.errors import ClusterUnavailableError, UsageError
from pipespec.frozen_values import frozen
from pipespec.spec.engine_spec import ClusterSpec
from pipespec.step.failure import causes, one_line
from pipespec.tracking.tracking_uri import shown

__all__ = ["OpenCluster", "answers", "dask_logging_to", "opened_cluster"]

_CONNECT_LIMIT: Final = 8.0
"""Seconds within which Dask must be loaded and a scheduler must answer."""

_LEAST_LIMIT: Final = 3.0
"""Seconds that a scheduler has at least, however long it took to load Dask."""

_MORE: Final = 1.0
"""Seconds in which a client that keeps its limit says so itself."""

_CLOSE_LIMIT: Final = 5.0

_QUIET: Final = 60
"""A logging level above all others: the workers of a cluster on this machine write to our terminal."""


@frozen
class OpenCluster:
    """A cluster with its client."""

    client: Any
    address: str
    workers: Mapping[str, Mapping[str, Any]]
    """What the scheduler knows about each worker, by its address."""
    topic: str
    """The topic of events for this client, which the scheduler forgets when it has left."""
    is_elastic: bool
    """Whether workers are started on demand, so that a cluster may have none."""


@contextlib.contextmanager
def opened_cluster(
    spec: ClusterSpec, *, places: int | None, folder: Path, module_folders: Sequence[Path]
) -> Iterator[OpenCluster]:
    """Reach the cluster, or start it. `folder` is for files of workers on this machine, by default `places` workers.

    Raises:
        UsageError: if Dask or the class of the cluster is not installed, the class does not accept its arguments, or a scheduler
            file is none.
        ClusterUnavailableError: if no scheduler answers, or the cluster does not start.
    """
    if spec.scheduler_file is not None:
        spec = ClusterSpec(_address_in(spec.scheduler_file))
    began = time.monotonic()
    try:
        import distributed  # noqa: F401, PLC0415 - two seconds
    except ModuleNotFoundError as error:
        raise UsageError(
            f"steps with 'executor: dask' need the package '{error.name}', which is not installed: pip install 'pipespec[dask]'"
        ) from None
    with contextlib.ExitStack() as stack:
        where: Any = spec.address
        if spec.address is None:
            stack.enter_context(_script_hidden())
            where = _start(spec, places, folder, module_folders)
            stack.callback(_close_cluster, where)
            began = time.monotonic()
        left = max(_LEAST_LIMIT, began + _CONNECT_LIMIT - time.monotonic())
        try:
            client, workers = _client(where, left)
        except ValueError as error:
            raise UsageError(
                f"{_named(spec)} is no address of a scheduler: {one_line(str(error))}; write it as tcp://HOST:8786"
            ) from None
        except Exception as error:  # noqa: BLE001 - whatever the transport raises, nobody can be asked
            raise _unavailable(spec, error) from None
        stack.callback(_close_client, client)
        is_elastic = spec.adapt is not None
        yield OpenCluster(client, shown(client.scheduler.address), workers, client.id, is_elastic)


def _address_in(file: str) -> str:
    """Return the address in a scheduler file. Dask itself waits for the file, for as long as there is none."""
    try:
        text = Path(file).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ClusterUnavailableError(
            f"there is no scheduler file {quote(file)}; nothing was run, start the scheduler with --scheduler-file, or repeat the command once it"
            " has written it"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"the scheduler file {quote(file)} cannot be read: {why}") from None
    try:
        content = json.loads(text)
    except ValueError as error:
        raise UsageError(f"the scheduler file {quote(file)} is not JSON: {error}") from None
    address = content.get("address") if isinstance(content, dict) else None
    if not isinstance(address, str):
        raise UsageError(
            f"{quote(file)} is not the file of a Dask scheduler: it has no 'address'; 'dask scheduler --scheduler-file {file}' writes one"
        )
    return address


def _client(where: Any, limit: float) -> tuple[Any, Mapping[str, Mapping[str, Any]]]:
    """Return a client with its workers, or raise what it raises, within about so many seconds.

    If a scheduler accepts the connection and sends nothing, because it hangs or is another service, a client waits without a
    limit. So it connects and asks in a thread, which is abandoned then, and ends with the process.
    """
    from distributed import Client  # noqa: PLC0415 - two seconds

    opened: Future[tuple[Any, Mapping[str, Mapping[str, Any]]]] = Future()

    def connect() -> None:
        try:
            client = Client(where, timeout=limit, set_as_default=False, name="pipespec")
            opened.set_result((client, client.scheduler_info(n_workers=-1)["workers"]))
        except Exception as error:  # noqa: BLE001 - raised where it is waited for
            opened.set_exception(error)

    threading.Thread(target=connect, daemon=True).start()
    try:
        return opened.result(limit + _MORE)
    except TimeoutError:
        if opened.done():
            raise
        opened.add_done_callback(lambda late: None if late.exception() else _close_client(late.result()[0]))
        raise TimeoutError(f"it accepted the connection, but sent nothing for {limit:.0f} s") from None


def answers(
    client: Any,
    workers: Iterable[str],
    function: Callable[..., object],
    *about: object,
    limit: float,
    **more: object,
) -> Mapping[str, Any]:
    """Call a function on workers, and return what it returns or raises, by worker, without those that do not answer in `limit` seconds.

    `Client.run` waits for all workers: for minutes, if one hangs.
    """

    async def ask(worker: str) -> Mapping[str, Any]:
        asked = client.run(function, *about, workers=[worker], on_error="return", **more)
        try:
            found: Mapping[str, Any] = await asyncio.wait_for(asked, limit)
        except TimeoutError:
            return {}
        return found

    async def ask_all() -> list[Mapping[str, Any]]:
        return await asyncio.gather(*map(ask, workers))

    return {worker: answer for found in client.sync(ask_all) for worker, answer in found.items()}


def _unavailable(spec: ClusterSpec, error: Exception) -> ClusterUnavailableError:
    """Say why there is no scheduler; what a certificate has to do with it stands in the cause."""
    said = " ".join(map(str, causes(error)))
    if "TLS" in said or "SSL" in said or "certificate" in said:
        cause = one_line(str(_first_cause(error)))
        return ClusterUnavailableError(
            f"the Dask scheduler at {_named(spec)} and this machine do not accept each other ({cause}); nothing was run, check the"
            " certificates in Dask's configuration: distributed.comm.tls.ca-file, client.cert and client.key"
        )
    if isinstance(_first_cause(error), MemoryError):  # the length of a message, in other words
        return ClusterUnavailableError(
            f"what answers at {_named(spec)} is no Dask scheduler; nothing was run, check the port, which is often 8786"
        )
    why = one_line(str(error)) or type(error).__name__
    return ClusterUnavailableError(
        f"the Dask scheduler at {_named(spec)} does not answer ({why}); nothing was run, repeat the command once it does"
    )


def _named(spec: ClusterSpec) -> str:
    return spec.call if spec.address is None else shown(spec.address)


def _start(spec: ClusterSpec, places: int | None, folder: Path, module_folders: Sequence[Path]) -> Any:
    make = _cluster_class(spec.call, module_folders)
    arguments = dict(spec.arguments)
    if spec.is_default:
        # More threads would bring no advantage: each step has a separate process.
        arguments = {"threads_per_worker": 1, **({} if places is None else {"n_workers": places})}
    if make.__name__ == "LocalCluster":
        arguments = {
            "dashboard_address": None,
            "local_directory": str(folder),
            "silence_logs": _QUIET,
            **arguments,
        }
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a port of Dask's pages may be in use
            cluster = make(**arguments)
    except Exception as error:
        cause = _first_cause(error)
        if isinstance(cause, TypeError | ValueError):
            raise UsageError(
                f"'engine.cluster': {quote(spec.call)} does not take its arguments: {one_line(str(cause))}"
            ) from error
        raise ClusterUnavailableError(
            f"the cluster {quote(spec.call)} does not start: {type(cause).__name__}: {one_line(str(cause))}"
        ) from error
    if spec.adapt is not None:
        try:
            cluster.adapt(**spec.adapt)
        except Exception as error:
            _close_cluster(cluster)
            raise UsageError(
                f"'engine.cluster.adapt' does not fit {quote(spec.call)}: {one_line(str(error))}"
            ) from error
    return cluster


def _first_cause(error: BaseException) -> BaseException:
    """Return the error that was raised first: Dask says about a worker only that it did not start."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


@contextlib.contextmanager
def _script_hidden() -> Iterator[None]:
    """Prevent worker processes from importing the user's script, which steps do not need: it would start its run again."""
    main = sys.modules["__main__"]
    hidden: dict[str, Any] = {
        name: main.__dict__.pop(name) for name in ("__file__", "__spec__") if name in main.__dict__
    }
    main.__spec__ = None
    try:
        yield
    finally:
        main.__dict__.update(hidden)


def _cluster_class(call: str, module_folders: Sequence[Path]) -> Any:
    module, _, name = call.partition(":")
    before = list(sys.path)
    sys.path[:0] = map(str, module_folders)
    try:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except ModuleNotFoundError as error:
        package = (error.name or module).partition(".")[0].replace("_", "-")
        raise UsageError(
            f"'engine.cluster.class' is {quote(call)}, but there is no module {quote(error.name or module)}: pip install {package}"
        ) from None
    except AttributeError:
        raise UsageError(
            f"'engine.cluster.class' is {quote(call)}, but module {quote(module)} has no {quote(name)}"
        ) from None
    finally:
        sys.path[:] = before
    return found


def _close_client(client: Any) -> None:
    with contextlib.suppress(Exception):
        client.close(timeout=_CLOSE_LIMIT)


def _close_cluster(cluster: Any) -> None:
    with contextlib.suppress(Exception):
        cluster.close(timeout=_CLOSE_LIMIT)


@contextlib.contextmanager
def dask_logging_to(log: Path) -> Iterator[None]:
    """Send Dask's log output only to a file as long as the cluster is open."""
    handler = logging.FileHandler(log, delay=True, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
    with contextlib.suppress(ModuleNotFoundError):
        import distributed  # noqa: F401, PLC0415 - it sets its own handlers when it is imported
    names = ("asyncio", "bokeh", "distributed", "distributed.client", "tornado")
    loggers = [logging.getLogger(name) for name in names]
    before = [(logger.handlers, logger.level, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.handlers, logger.propagate = [handler], False
    try:
        yield
    finally:
        for logger, (handlers, level, propagate) in zip(loggers, before, strict=True):
            logger.handlers, logger.level, logger.propagate = handlers, level, propagate
        handler.close()
