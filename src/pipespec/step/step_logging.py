"""What a step logs with Python's `logging` and nobody handles goes to its log: from INFO on, with its time.

Code that configures logging finds it as Python makes it: no handler, and the level WARNING as soon as it adds one. So what
is ours is the handler of last resort, and a level that is known from any that is set. `logging` is not imported
for it.
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
    """The level of the root logger, while nobody else has set one."""


def log_on_import() -> None:
    """Configure logging, or have that done when it is imported."""
    if "logging" in sys.modules:
        _configure(sys.modules["logging"])
    else:
        act_after_import({"logging": _configure})


def _configure(logging: Any) -> None:
    root = logging.root
    if root.handlers or root.level != logging.WARNING:
        return  # a module that was imported has configured it
    logging.lastResort = _handler(logging)
    root.setLevel(_OurLevel(logging.INFO))
    root.addHandler = _withdrawing(logging, root.addHandler)
    logging.basicConfig = _asked_for(logging, logging.basicConfig)


def _handler(logging: Any) -> Any:
    class StepLog(logging.Handler):  # type: ignore[misc]
        """Writes to the standard error as it is by then: a function may have replaced it."""

        def emit(self, record: LogRecord) -> None:
            try:
                sys.stderr.write(f"{self.format(record)}\n")
            except Exception:  # noqa: BLE001 - as handlers of `logging` do
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
    """`logging.info` and its like call this by themselves, which configures nothing for anybody."""

    @functools.wraps(basic_config)
    def configure(**given: Any) -> None:
        if given or sys._getframe(1).f_globals is not vars(logging):  # noqa: SLF001 - who asks tells them apart
            basic_config(**given)

    return configure
