"""Runs tasks that depend on each other on its own stack, so that long chains of references need no recursion.

A task is a generator. It yields a `Wanted`, receives the value, and returns its own value, or None if it failed. Each
node is resolved once for each rule. Refuses circles, and chains of more than 20,000 tasks.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import Final, TypeAlias

from pipespec.document.interpolation.interpolation_findings import InterpolationFindings
from pipespec.document.interpolation.reference_rules import PlaceRule
from pipespec.document.nodes import Node
from pipespec.errors import Span
from pipespec.frozen_values import frozen

__all__ = ["Task", "Tasks", "Wanted"]

_LONGEST_CHAIN: Final = 20_000
_SHOWN_OF_CIRCLE: Final = 12


@frozen
class Wanted:
    """A task's request for the value of a node, with the name by which messages call it."""

    node: Node
    rule: PlaceRule
    label: str
    span: Span | None = None
    """The place of the reference to it, if it was referred to."""


Task: TypeAlias = Generator[Wanted, Node | None, Node | None]
_Key: TypeAlias = tuple[int, int]


class Tasks:
    """Starts tasks with `begin`, runs them, and stores their results. Nodes must live longer than this."""

    def __init__(self, begin: Callable[[Wanted], Task], findings: InterpolationFindings) -> None:
        self._begin = begin
        self._findings = findings
        self._done: dict[_Key, Node | None] = {}
        self._active: dict[_Key, str] = {}

    def run(self, first: Wanted) -> Node | None:
        """Return the result of the task for `first`, after all tasks that it waits for."""
        waiting: list[tuple[_Key, Task]] = []
        request: Wanted | None = first
        value: Node | None = None
        while True:
            if request is not None:
                key = id(request.node), id(request.rule)
                value = self._done.get(key)
                if key in self._active:
                    self._refuse_circle(key, request)
                elif key not in self._done:
                    self._active[key] = request.label
                    waiting.append((key, self._begin(request)))
                    self._bound_chain(request)
            if not waiting:
                return value
            key, task = waiting[-1]
            try:
                request = task.send(value)
            except StopIteration as finished:
                waiting.pop()
                del self._active[key]
                value = self._done[key] = finished.value
                request = None

    def _bound_chain(self, request: Wanted) -> None:
        if len(self._active) > _LONGEST_CHAIN:
            message = f"more than {_LONGEST_CHAIN:,} references form a chain"
            self._findings.stop("too-deep", message, request.span or request.node.span)

    def _refuse_circle(self, key: _Key, request: Wanted) -> None:
        path = " -> ".join(_circle(self._active, key))
        message = f"references form a circle: {path}"
        hint = "give one of them a value without a reference to the others"
        self._findings.mistake("reference-cycle", message, request.span or request.node.span, hint)


def _circle(active: Mapping[_Key, str], key: _Key) -> list[str]:
    """Return the names of what waits for each other from `key` to `key`, cut in the middle if there are many."""
    labels = list(active.values())[list(active).index(key) :]
    if len(labels) > _SHOWN_OF_CIRCLE:
        half = _SHOWN_OF_CIRCLE // 2
        labels = [*labels[:half], f"… {len(labels) - 2 * half} more …", *labels[-half:]]
    return [*labels, labels[0]]
