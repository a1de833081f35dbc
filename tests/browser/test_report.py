"""The report of an invocation as its readers see it: drawn, walked by keyboard, narrow and dark, whatever it holds."""

import itertools
import struct
import zlib

import pytest

from pipespec.plan.results import Execution, SweepPoint
from pipespec.views.report.report_page import to_html
from pipespec.views.report.report_parts import (
    Cause,
    Metric,
    OutputPart,
    PastValue,
    PicturePreview,
    Report,
    RunEnvironment,
    StepPart,
    Table,
    TextPreview,
)

pytestmark = pytest.mark.browser

HOSTILE = "</script><img src=x onerror=alert(1)>'\"`${alert(1)}`\u202e\x1b[31m\r\n<svg onload=alert(1)>日本語"
LONG = "a_step_with_a_name_that_is_longer_than_any_column[depth=16,kind='日本語の変種']"


def png(width, height):
    """A picture of one grey."""

    def chunk(kind, content):
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    rows = zlib.compress((b"\0" + b"\x80" * width) * height)
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def graph_of(*steps):
    def step(name, state):
        return {
            "step": name, "name": name, "variant": {}, "call": name, "place": name, "description": name,
            "params": {name: {"value": name, "file": name, "line": 1, "layer": "file"}}, "inputs": {name: name},
            "outputs": [name], "files": {name: name}, "tags": [name], "state": state,
            "run": {"run_id": name, "seconds": 1.0, "metrics": {name: 1.0}, "url": None, "open": name},
        }  # fmt: skip

    edges = [
        {"from": one, "to": other, "kind": "data", "outputs": [one]}
        for (one, _), (other, _) in itertools.pairwise(steps)
    ]
    return {"version": 1, "pipeline": "p", "steps": [step(*each) for each in steps], "edges": edges}


def report_of(name, *, state="ran", svg=b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'):
    """A report with one of everything, in which all names and texts are `name`."""
    steps = (
        StepPart("first", "reused", name, name, 2.0, "r0"),
        StepPart(name, state, name, name, 3.0, "r1", "", (Cause(name, f"-{name}\n+{name}"),), name, name, name, name, name,
                 (Execution("r", 0, 0.5, 3.0), Execution("r", 1, 4.0, 9.0)), {name: name}),
        StepPart("last", "ran", executions=(Execution("r", 0, 3.0, 3.001), Execution("r", 0, 3.002, 8.0))),
    )  # fmt: skip
    outputs = (
        OutputPart(name, "ran", name, name, 1, 1, "a" * 64, PicturePreview("image/png", png(900, 40))),
        OutputPart(name, "ran", name, name, 1, 1, "b" * 64, PicturePreview("image/svg+xml", svg)),
        OutputPart(name, "ran", name, name, 1, 1, "c" * 64, Table((name,) * 12, ((name,) * 12,) * 8, name)),
        OutputPart(name, "reused", name, name, 1, 1, "d" * 64, TextPreview(f"{name}\n" * 30, name), name),
    )
    metrics = tuple(
        Metric(name, metric, 0.5, tuple(PastValue(0.1 * n, n, "r") for n in range(19)), 0.2, 0.9)
        for metric in (name, f"{name}2")
    )
    return Report(
        pipeline=name,
        description=name,
        command=name,
        ended=1_700_000_000.0,
        seconds=10.0,
        workers=2,
        steps=steps,
        environment=RunEnvironment({name: name}, (name,), (name,) * 30, name),
        invocation=name,
        metrics=metrics,
        outputs=outputs,
        points=(SweepPoint(((name, name),), "ran", {name: 1.0}),),
        left_out=(name,),
        graph=graph_of(("first", "reused"), (name, state), ("last", "ran")),
    )


def boxes(found):
    return [one.bounding_box() for one in found.all()]


def open_details(page):
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")


def test_the_parts_stand_in_the_order_of_what_one_wants_to_know(open_page):
    page = open_page(to_html(report_of("train", state="failed"))).page

    assert page.title() == "train: failed"
    assert page.locator("h1").inner_text() == "train ✕ failed"
    assert page.locator("main > section > h2").all_inner_texts() == [
        "What failed",
        "Points of the sweep",
        "Metrics",
        "Steps",
        "Timeline",
        "Graph",
        "Outputs",
        "Environment",
    ]
    heights = [box["y"] for box in boxes(page.locator("main > section > h2"))]
    assert heights == sorted(heights)


def test_each_link_of_the_head_leads_to_its_part(open_page):
    page = open_page(to_html(report_of("train", state="failed"))).page

    for link in page.locator("nav a").all():
        target = page.locator(link.get_attribute("href"))
        link.press("Enter")
        page.wait_for_function("(id) => location.hash === id", arg=link.get_attribute("href"))
        assert target.count() == 1


def test_bars_of_a_worker_are_in_order_and_do_not_overlap(open_page):
    page = open_page(to_html(report_of("train"))).page

    lanes = page.locator(".lane").all()
    assert [lane.locator(".lane-name").inner_text() for lane in lanes] == [
        "worker 1 75 % busy",
        "worker 2 50 % busy",
    ]
    for lane in lanes:
        track = lane.locator(".turns").bounding_box()
        bars = boxes(lane.locator(".turn > rect"))
        for one, after in itertools.pairwise(bars):
            assert one["x"] + one["width"] <= after["x"] + 1.5  # their lines
        assert track["x"] <= bars[0]["x"]
        assert bars[-1]["x"] + bars[-1]["width"] <= track["x"] + track["width"] + 1.5
        assert all(bar["width"] > 0 for bar in bars)
    seconds = boxes(lanes[0].locator(".turn > rect"))
    assert seconds[0]["width"] == pytest.approx(
        lanes[0].locator(".turns").bounding_box()["width"] / 4, rel=0.01
    )


def test_what_is_drawn_is_told_in_words(open_page):
    page = open_page(to_html(report_of("train"))).page

    for drawn in page.locator("svg[role=img]").all():
        assert drawn.get_attribute("aria-label")
    assert page.locator(".turn").first.get_attribute("aria-label") == (
        "train: failed, attempt 1 of 2, from 0.50 s to 3.0 s"
    )
    assert (
        page.locator(".plot")
        .first.get_attribute("aria-label")
        .startswith("train of train, 20 runs, the oldest first: 0, 0.1, 0.2")
    )
    assert all(image.get_attribute("alt") for image in page.locator("img").all())


def test_pictures_are_shown_and_fit(open_page):
    page = open_page(to_html(report_of("train"))).page
    page.wait_for_function("[...document.images].every((image) => image.complete)")

    assert page.evaluate("[...document.images].map((image) => image.naturalWidth)") == [900, 9]
    image, card = page.locator("img").first.bounding_box(), page.locator(".card.output").first.bounding_box()
    assert image["x"] + image["width"] <= card["x"] + card["width"]


def test_the_graph_tells_of_a_step_that_is_chosen(open_page):
    page = open_page(to_html(report_of("train"))).page

    assert page.locator("#graph .node").count() == 3
    page.locator("#graph input").fill("train")
    page.locator("#graph input").press("Enter")

    assert page.locator(".graph-panel h2").inner_text() == "train"


def test_all_can_be_reached_by_keyboard(open_page):
    page = open_page(to_html(report_of("train", state="failed"))).page
    reached = set()
    for _ in range(80):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.closest('section, header')?.id || 'header'"))
        if page.evaluate("document.activeElement === document.body"):
            break

    assert {
        "failed",
        "metrics",
        "points",
        "steps",
        "timeline",
        "graph-part",
        "outputs",
        "environment",
    } <= reached
    reused = page.locator("details.reused")
    reused.locator("summary").press("Enter")
    assert reused.get_attribute("open") == ""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [400, 1280])
@pytest.mark.parametrize(
    "name", ["train", "モデルの学習", LONG, HOSTILE], ids=["short", "japanese", "long", "hostile"]
)
def test_nothing_is_wider_than_the_page_and_nothing_is_obeyed(open_page, name, width, dark):
    hostile = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'
    page = open_page(to_html(report_of(name, state="failed", svg=hostile)), width=width, dark=dark).page
    open_details(page)

    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert (
        page.locator("script:not([type]), script[type='application/json']").count()
        == page.locator("script").count()
    )
    assert page.locator("[onerror], [onload]").count() == 0
    if name == HOSTILE:
        told = page.locator("body").inner_text()
        assert "</script><img src=x onerror=alert(1)>" in told
        assert "\\u202e\\x1b[31m" in told
        assert not {"\u202e", "\x1b"} & set(told)
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(20, 23, 27)" if dark else "rgb(255, 255, 255)")


def test_without_scripts_all_but_the_graph_is_there(open_page):
    page = open_page(to_html(report_of("train")), java_script_enabled=False).page

    assert page.locator(".turn").count() == 4
    assert page.locator("noscript p").is_visible()
