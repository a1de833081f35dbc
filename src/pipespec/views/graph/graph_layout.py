"""Where the nodes of a picture stand: the layout of pages, computed without a browser.

Runs `templates/page/graph/layout.js` and the engine below it in a V8 that a wheel brings. Same nodes, same layout.
Refuses where that wheel is not installed, naming the extra that brings it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final

from pipespec.errors import UsageError
from pipespec.frozen_values import frozen
from pipespec.views.html_page import package_text

__all__ = ["Box", "Layout", "lay_out"]

_SCRIPTS: Final = ("vendor/dagre.js", "graph/layout.js")
_MISSING: Final = "var structuredClone = (value) => JSON.parse(JSON.stringify(value));"
"""What browsers have and a bare V8 has not."""


@frozen
class Box:
    """A node's place; `y` grows downwards."""

    x: float
    y: float
    width: float
    height: float


@frozen
class Layout:
    """The whole's size, boxes by node, and a path of SVG for each edge, in their order.

    `frames` are around many nodes that read and feed the same; edges end at them.
    """

    width: float
    height: float
    boxes: Mapping[str, Box]
    frames: tuple[Box, ...]
    paths: tuple[str, ...]


def lay_out(sizes: Mapping[str, tuple[float, float]], edges: Sequence[tuple[str, str]]) -> Layout:
    """Place nodes, given by their width and height, and edges from one node to another, from left to right.

    Raises:
        UsageError: where the engine's wheel is not installed.
    """
    try:
        from py_mini_racer import MiniRacer  # noqa: PLC0415 - an extra
    except ImportError:
        raise UsageError(
            "a picture needs the package 'mini-racer', which is not installed; "
            "install it with 'pip install \"pipespec[svg]\"', or use '--format html'"
        ) from None
    nodes = [{"id": name, "width": width, "height": height} for name, (width, height) in sizes.items()]
    links = [{"from": source, "to": reader} for source, reader in edges]
    with MiniRacer() as engine:
        engine.eval(_MISSING)
        for script in _SCRIPTS:
            engine.eval(package_text(script))
        found = json.loads(engine.eval(f"JSON.stringify(layOut({json.dumps(nodes)}, {json.dumps(links)}))"))
    boxes = {name: Box(**box) for name, box in found["nodes"].items()}
    frames = tuple(Box(**box) for box in found["frames"])
    return Layout(found["width"], found["height"], boxes, frames, tuple(found["edges"]))
