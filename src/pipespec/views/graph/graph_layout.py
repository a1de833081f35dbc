"""The positions of the nodes in a picture: the layout of pages, computed without a browser.

Runs `templates/page/graph/layout.js` and its layout engine in a V8 that a wheel provides. The same nodes always get the
same layout. Refuses if that wheel is not installed, and names the extra that contains it.
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
"""What browsers have and a bare V8 does not have."""


@frozen
class Box:
    """A node's position. `y` grows downwards."""

    x: float
    y: float
    width: float
    height: float


@frozen
class Layout:
    """The total size, boxes by node, and an SVG path for each edge, in their order.

    `frames` surround several nodes that read and feed the same nodes; edges end at them.
    """

    width: float
    height: float
    boxes: Mapping[str, Box]
    frames: tuple[Box, ...]
    paths: tuple[str, ...]


def lay_out(sizes: Mapping[str, tuple[float, float]], edges: Sequence[tuple[str, str]]) -> Layout:
    """Place nodes, given by their width and height, and edges from one node to another, from left to right.

    Raises:
        UsageError: if the engine's wheel is not installed.
    """
    try:
        from py_mini_racer import MiniRacer  # noqa: PLC0415 - it is an extra
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
