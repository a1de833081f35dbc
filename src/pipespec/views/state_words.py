"""The words for the states of steps, and for what a plan does with a step: the only table of how each is shown.

Words: `StepStatus.state` (what records say), `StepState` (how a step of a run ended) and `Action` (what a run would
do).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from pipespec.frozen_values import frozen
from pipespec.views.styled_text import Style, styled

__all__ = ["ENDED", "FILLS", "MARKS", "state_style", "state_word"]


@frozen
class _Look:
    """The symbol beside the word, the style of the word, and the fill of a node in a picture."""

    mark: str
    style: Style
    fill: str = ""


_STATES: Final = {
    "failed": _Look("✕", Style.BAD, "#f4b6b6"),
    "interrupted": _Look("◐", Style.BAD, "#e3cdf5"),
    "running": _Look("▶", Style.PLACE, "#b6d4f4"),
    "blocked": _Look("⊘", Style.OPEN),
    "cancelled": _Look("■", Style.OPEN),
    "missing": _Look("○", Style.QUIET, "#e4e4e4"),
    "stale": _Look("↻", Style.OPEN, "#f7e3a1"),
    "ran": _Look("✓", Style.GOOD),
    "reused": _Look("=", Style.QUIET),
    "complete": _Look("✓", Style.GOOD, "#bfe5bf"),
}
"""The most important state comes first. It represents several steps, and lists begin with it."""

_ACTIONS: Final = {"run": Style.OPEN, "wait": Style.OPEN, "reuse": Style.QUIET}

MARKS: Final[Mapping[str, str]] = MappingProxyType({state: look.mark for state, look in _STATES.items()})
"""The symbol of each state, for users who cannot distinguish colours. The most important state comes first."""

FILLS: Final[Mapping[str, str]] = MappingProxyType(
    {state: look.fill for state, look in _STATES.items() if look.fill}
)
"""The fill of a node, by the state in its record."""

ENDED: Final = ("failed", "blocked", "cancelled", "ran", "reused")
"""How a step of a run may have ended, worst first."""


def state_style(word: str) -> Style | None:
    """Return the style of a word; None if it is neither a state nor an action."""
    return _STATES[word].style if word in _STATES else _ACTIONS.get(word)


def state_word(word: str) -> str:
    """Return a word in its style."""
    return styled(word, state_style(word))
