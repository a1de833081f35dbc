"""The stand-alone SVG, and the engine that lays it out."""

import hashlib
import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipespec.errors import UsageError
from pipespec.views.graph.graph_layout import lay_out
from pipespec.views.graph.svg import to_svg

VENDOR = Path(__file__).parents[2] / "src/pipespec/templates/page/vendor"
GOLDEN = Path(__file__).parents[1] / "golden/graph/picture.svg"
SVG = "{http://www.w3.org/2000/svg}"
NAMES = [
    "</text><script>alert(1)</script>",
    "<![CDATA[",
    "]]>",
    "&lt;&amp;",
    "'\"><img src=x onerror=alert(1)>",
    "\x1b[31m\x00",
    "\u202eabc",
    "\ud800\ufffe",
    "{{ 1 }}",
    "日本語の名前",
    "x" * 300,
]


@pytest.fixture(scope="module")
def spec(make):
    return make.pipeline(
        make.step("ids"),
        make.step("titles", inputs={"a": "ids"}),
        *(make.step("train", variant=(("n", n),), inputs={"x": "titles"}) for n in range(9)),
        make.step("best", inputs={"models": make.reads("train", fan_in=True)}, needs=("ids",)),
        make.step("clean", needs=("best",)),
    )


def test_a_picture_is_this_to_the_byte(spec):
    states = {"ids": "complete", "titles": "stale", "train[n=1]": "failed"}

    assert to_svg(spec, states) == GOLDEN.read_text(encoding="utf-8")


def test_nodes_edges_and_states_are_marked(spec):
    root = ET.fromstring(to_svg(spec, {"ids": "complete", "train[n=1]": "failed"}))
    nodes = [group for group in root.iter(f"{SVG}g") if group.get("class") == "node"]

    assert [(node.get("data-state"), node.find(f"{SVG}title").text) for node in nodes] == [
        ("complete", "ids (complete)"),
        ("", "titles"),
        ("failed", "train \u00d79 (9 variants, 1 failed)"),
        ("", "best"),
        ("", "clean"),
    ]
    edges = [group for group in root.iter(f"{SVG}g") if (group.get("class") or "").startswith("edge")]
    assert [(edge.get("class"), edge.find(f"{SVG}title").text) for edge in edges] == [
        ("edge", "ids → titles: out"),
        ("edge", "titles → train: out"),
        ("edge", "train → best: out"),
        ("edge order", "ids → best: order only"),
        ("edge order", "best → clean: order only"),
    ]


def check_harmless(make, names):
    drawn = to_svg(
        make.pipeline(
            make.step("a"),
            *(make.step("b", variant=(("x", n),), inputs={n: "a"}) for n in dict.fromkeys(names)),
        )
    )
    root = ET.fromstring(drawn.encode())

    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags <= {"svg", "title", "style", "rect", "g", "path", "text"}
    assert not any(
        name.startswith("on") or "href" in name for element in root.iter() for name in element.attrib
    )
    assert re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]", drawn) is None


def test_hostile_names_stay_text(make):
    check_harmless(make, NAMES)


@given(st.lists(st.text(), min_size=1, max_size=3))
def test_any_name_stays_text(make, names):
    check_harmless(make, names)


def test_nothing_is_loaded_from_anywhere(spec):
    drawn = to_svg(spec)

    assert re.findall(r"(?:https?:|url\(|@import|href|<script)[^\"]*", drawn) == [
        "http://www.w3.org/2000/svg"
    ]


def test_a_layout_is_the_same_each_time_and_nothing_overlaps():
    sizes = {f"n{number}": (100.0 + number % 7 * 10, 46.0) for number in range(60)}
    edges = [(f"n{number // 3}", f"n{number}") for number in range(1, 60)] + [("n1", "n40"), ("n2", "n59")]
    found = lay_out(sizes, edges)
    boxes = list(found.boxes.values())

    assert lay_out(sizes, edges) == found
    assert list(found.boxes) == list(sizes)
    assert len(found.paths) == len(edges)
    for number, one in enumerate(boxes):
        assert 0 <= one.x <= found.width - one.width + 1
        assert 0 <= one.y <= found.height - one.height + 1
        for other in boxes[number + 1 :]:
            apart = one.x + one.width <= other.x or other.x + other.width <= one.x
            assert apart or one.y + one.height <= other.y or other.y + other.height <= one.y


@pytest.mark.parametrize("count", [0, 1, 12])
def test_steps_that_nothing_joins_are_laid_out(count):
    sizes = dict.fromkeys(["__proto__", "constructor", *map(str, range(12))][:count], (100.0, 46.0))

    assert lay_out(sizes, []).boxes.keys() == sizes.keys()


def test_a_chain_as_long_as_a_picture_has_room_for_is_drawn(make):
    """The engine calls itself once a step, and a V8's stack ends."""
    chain = (make.step(f"s{n}", inputs={"x": f"s{n - 1}"} if n else {}) for n in range(1000))

    assert to_svg(make.pipeline(*chain)).count('class="node"') == 1000


def test_too_many_steps_are_refused(make):
    with pytest.raises(
        UsageError, match=r"^1,001 steps are too many for a picture, which can contain 1,000; "
    ):
        to_svg(make.pipeline(*(make.step(f"s{n}") for n in range(1001))))


def test_a_missing_engine_is_told_with_the_extra_that_brings_it(spec, monkeypatch):
    monkeypatch.setitem(sys.modules, "py_mini_racer", None)

    with pytest.raises(UsageError, match=r"'pip install \"pipespec\[svg\]\"', or use"):
        to_svg(spec)


def test_what_is_not_ours_is_what_is_noted():
    noted = dict(
        re.findall(r"^\| `(\S+)` \|.*\| `([0-9a-f]{64})` \|$", (VENDOR / "README.md").read_text(), re.M)
    )
    digests = {name: hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() for name in noted}

    assert digests == noted
    assert {path.name for path in VENDOR.iterdir()} == {*noted, "README.md", "dagre-LICENSE"}
    licence = (VENDOR / "dagre-LICENSE").read_text().strip()
    assert licence in (VENDOR / "dagre.js").read_text()
