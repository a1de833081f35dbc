"""Send messages of Python's `logging` without a handler to the step's log: from level INFO on, with their time.

Code that configures logging finds it as Python creates it: no handler, and the level WARNING as soon as the code adds a
handler. Therefore our handler is the handler of last resort, and our level can be distinguished from every level that
code sets. `logging` is not imported for this.
"""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Any, Final

from pipespec.step.after_import import act_after_import

if TYPE_CHECKING:
    from logging import LogRecord

__all__ = ["log_on_import"]

_FORMAT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class _OurLevel(int):
    """The level of the root logger as long as no other code has set it."""


def log_on_import() -> None:
    """Configure logging now, or when it is imported."""
    if "logging" in sys.modules:
        _configure(sys.modules["logging"])
    else:
        act_after_import({"logging": _configure})


def _configure(logging: Any) -> None:
    root = logging.root
    if root.handlers or root.level != logging.WARNING:
        return  # an imported module has configured it
    logging.lastResort = _handler(logging)
    root.setLevel(_OurLevel(logging.INFO))
    root.addHandler = _withdrawing(logging, root.addHandler)
    logging.basicConfig = _asked_for(logging, logging.basicConfig)


def _handler(logging: Any) -> Any:
    class StepLog(logging.Handler):  # type: ignore[misc]
        """Writes to the current standard error: a function may have replaced it."""

        def emit(self, record: LogRecord) -> None:
            try:
                sys.stderr.write(f"{self.format(record)}\n")
            except Exception:  # noqa: BLE001 - like handlers of `logging`
                self.handleError(record)

    handler = StepLog()
    handler.setFormatter(logging.Formatter(_FORMAT))
    return handler


def _withdrawing(logging: Any, add: Any) -> Any:
    @functools.wraps(add)
    def add_handler(handler: Any) -> None:
        if isinstance(logging.root.level, _OurLevel):
            logging.root.setLevel(logging.WARNING)
        add(handler)

    return add_handler


def _asked_for(logging: Any, basic_config: Any) -> Any:
    """Ignore calls by `logging.info` and similar functions themselves, which would configure logging without a request."""

    @functools.wraps(basic_config)
    def configure(**given: Any) -> None:
        if given or sys._getframe(1).f_globals is not vars(logging):  # noqa: SLF001 - the caller distinguishes them
            basic_config(**given)

    return configure
