"""`graph --format html` as readers use it: drawn, searched, opened, walked by keyboard, in light and in dark."""

import random
import re
from dataclasses import replace

import pytest

from pipespec.document.nodes import ScalarNode
from pipespec.errors import Span
from pipespec.plan.results import StepStatus
from pipespec.views.graph.graph_page import to_html
from pipespec.views.graph.portrait import Portrait
from pipespec.views.graph.svg import to_svg

pytestmark = pytest.mark.browser

STATES = {"ids": "complete", "titles": "stale", "train[depth=4]": "failed", "train[depth=8]": "complete"}
GEOMETRY = """() => {
  const box = (one) => { const {x, y, width, height} = one.getBoundingClientRect(); return [x, y, x + width, y + height] }
  const ends = (path) => [path.getPointAtLength(0), path.getPointAtLength(path.getTotalLength())]
    .map((point) => { const at = point.matrixTransform(path.getScreenCTM()); return [at.x, at.y] })
  return {
    nodes: [...document.querySelectorAll('.node .body')].map(box),
    frames: [...document.querySelectorAll('.frame')].map(box),
    texts: [...document.querySelectorAll('.node')].map((node) => [...node.querySelectorAll('text')].map(box)),
    edges: [...document.querySelectorAll('.edge .line')].map(ends),
  }
}"""


def params(step, **nodes):
    return replace(step, params=nodes)


@pytest.fixture
def small(make):
    """ids -> titles -> train (two variants) -> best -> clean, and the state of most of them."""
    column = ScalarNode("題名", Span("p.yaml", 3, 1, 3, 2))
    depth = ScalarNode(4, Span("over.yaml", 7, 3, 7, 4, "overlay"))
    spec = make.pipeline(
        make.step("ids", description="Which articles\nare in scope."),
        params(make.step("titles", inputs={"a": "ids"}), column=column),
        params(
            make.step("train", variant=(("depth", 4),), inputs={"t": "titles"}, tags=("model",)), depth=depth
        ),
        make.step("train", variant=(("depth", 8),), inputs={"t": "titles"}, tags=("model",)),
        make.step("best", inputs={"models": make.reads("train", "model", fan_in=True)}),
        make.step("clean", needs=("best",)),
    )
    statuses = {
        step: StepStatus(step, state, f"{number:032x}", 10.0, 12.5, {"f1": 0.8765}, "7")
        for number, (step, state) in enumerate(STATES.items())
    }
    return Portrait(spec, {"work:titles": "work.py:12"}, statuses, "https://mlflow.test/lab")


def chosen(page):
    return (
        page.locator(".graph-panel h2").text_content() if page.locator(".graph-panel").is_visible() else None
    )


def focused(page):
    return page.evaluate("() => document.activeElement.getAttribute('aria-label')")


def assert_well_drawn(page, count):
    """All nodes are drawn, none over another, their texts within them, and each edge ends at nodes or frames."""
    found = page.evaluate(GEOMETRY)
    nodes = found["nodes"]
    assert len(nodes) == count
    by_left = sorted(nodes)
    for number, one in enumerate(by_left):
        for other in by_left[number + 1 :]:
            if other[0] >= one[2]:
                break
            assert other[1] >= one[3] or one[1] >= other[3], (one, other)
    scale = (nodes[0][3] - nodes[0][1]) / 46
    for box, texts in zip(nodes, found["texts"], strict=True):
        for text in texts:
            assert box[0] + 6 * scale <= text[0], (box, text)
            assert text[2] <= box[2] + 0.1, (box, text)
            assert box[1] <= text[1], (box, text)
            assert text[3] <= box[3], (box, text)
    boxes = nodes + found["frames"]
    sides = [(box[side], (box[1] + box[3]) / 2) for box in boxes for side in (0, 2)]
    sides += [((box[0] + box[2]) / 2, box[side]) for box in boxes for side in (1, 3)]
    near = {(round(x), round(y)) for x, y in sides}
    around = {(x + i, y + j) for x, y in near for i in (-1, 0, 1) for j in (-1, 0, 1)}
    assert [end for edge in found["edges"] for end in edge if tuple(map(round, end)) not in around] == []
    return found


def test_steps_are_drawn_with_their_states_and_variants_as_one(open_page, small):
    page = open_page(to_html(small)).page

    found = assert_well_drawn(page, 5)
    assert len(found["edges"]) == 4
    assert [text.strip() for text in page.locator(".node text").all_text_contents()] == [
        "ids", "✓ complete · 2.5 s", "titles", "↻ stale · 2.5 s", "train \u00d72", "✕ 1 failed  ✓ 1 complete",
        "best", "work:best", "clean", "work:clean",
    ]  # fmt: skip
    assert page.locator(".edge.order").count() == 1
    assert page.locator(".graph-bar .states").inner_text().split("\n") == [
        "✕ 1 failed",
        "↻ 1 stale",
        "✓ 2 complete",
    ]


def test_a_click_opens_variants_and_a_button_folds_them(open_page, small):
    page = open_page(to_html(small)).page

    page.locator(".node.folded").click()
    assert_well_drawn(page, 6)
    assert focused(page) == "train[depth=4], failed"
    assert page.locator(".graph-panel li").all_text_contents() == [
        "train[depth=4] ✕ failed",
        "train[depth=8] ✓ complete",
    ]

    page.get_by_role("button", name="Fold the 2 variants").click()
    assert_well_drawn(page, 5)
    assert focused(page) == "train, 2 variants, 1 failed, 1 complete"


def test_the_panel_tells_of_a_step_and_links_to_its_run(open_page, small):
    page = open_page(to_html(small)).page

    page.get_by_role("button", name="titles, stale").click()
    panel = page.locator(".graph-panel")
    assert [line.replace("\t", " ").strip() for line in panel.inner_text().split("\n") if line.strip()] == [
        "Close", "titles", "↻ stale", "FUNCTION", "work:titles", "work.py:12", "PARAMS", "column", "題名", "p.yaml:3",
        "INPUTS", "a ids.out", "OUTPUTS", "out out.json", "NEEDS", "ids", "READ BY", "train[depth=4]", "train[depth=8]",
        "LAST RUN", f"Run {1:032x} in MLflow", "Took 2.5 s.", "METRICS", "f1 0.8765",
    ]  # fmt: skip
    link = page.get_by_role("link", name="in MLflow")
    assert (
        link.get_attribute("href")
        == f"https://mlflow.test/lab/#/experiments/7/runs/{1:032x}?workflowType=machine_learning"
    )
    assert (link.get_attribute("target"), link.get_attribute("rel")) == ("_blank", "noopener noreferrer")

    page.get_by_role("button", name="train[depth=4]", exact=True).click()
    assert chosen(page) == "train[depth=4]"
    assert "over.yaml:7 (overlay)" in panel.inner_text()
    page.get_by_role("button", name="Close").click()
    assert chosen(page) is None


def test_search_marks_what_it_finds_and_enter_goes_there(open_page, small):
    page = open_page(to_html(small)).page

    page.keyboard.press("/")
    page.keyboard.type("model")
    assert page.locator(".count").text_content() == "2 of 6"
    assert page.locator(".node.found").count() == 1
    page.keyboard.press("Enter")
    assert (chosen(page), page.locator(".count").text_content()) == ("train[depth=4]", "1 of 2")
    page.keyboard.press("Enter")
    assert (chosen(page), page.locator(".count").text_content()) == ("train[depth=8]", "2 of 2")
    page.keyboard.press("Enter")
    assert chosen(page) == "train[depth=4]"
    page.keyboard.press("Shift+Enter")
    assert chosen(page) == "train[depth=8]"
    page.keyboard.press("Escape")
    assert page.locator(".node.found").count() == 0
    for query, count in (
        ("work:titles", 1),
        ("FAILED", 1),
        ("\uff54\uff52ain", 2),
        ("train depth=8", 1),
        ("nothing", 0),
    ):
        page.get_by_role("searchbox").fill(query)
        assert page.locator(".count").text_content() == f"{count} of 6", query


def test_all_can_be_reached_by_keyboard_alone(open_page, small):
    page = open_page(to_html(small)).page

    page.keyboard.press("Tab")
    assert focused(page) == "Search by name, function, tag, state"
    for _ in range(4):  # over the buttons of the states
        page.keyboard.press("Tab")
    assert focused(page) == "ids, complete"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert focused(page) == "train, 2 variants, 1 failed, 1 complete"
    page.keyboard.press("Enter")
    assert focused(page) == "train[depth=4], failed"
    page.keyboard.press("ArrowDown")
    assert focused(page) == "train[depth=8], complete"
    page.keyboard.press("Enter")
    assert chosen(page) == "train[depth=8]"
    assert "train[depth=8]: details are in the panel" in page.get_by_role("status").all_text_contents()
    page.keyboard.press("Escape")
    assert chosen(page) is None
    page.keyboard.press("ArrowRight")
    assert focused(page) == "best"
    page.keyboard.press("PageDown")
    assert focused(page) == "clean"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert focused(page).startswith("train[")
    page.keyboard.press("Backspace")
    assert focused(page) == "train, 2 variants, 1 failed, 1 complete"
    page.keyboard.press("Home")
    assert focused(page) == "ids, complete"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [400, 1280])
def test_the_page_fits_its_window_in_light_and_dark(open_page, small, width, dark):
    page = open_page(to_html(small), width=width, dark=dark).page
    page.evaluate("view.choose('titles')")

    ground = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(20, 23, 27)" if dark else "rgb(255, 255, 255)")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    assert page.evaluate("() => document.documentElement.scrollHeight") <= 800
    assert_chosen_in_view(page)


LETTERS = """() => ({
  least: Math.min(...[...document.querySelectorAll('.node text')].map(
    (text) => parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a)),
  canvas: document.querySelector('.graph-canvas').getBoundingClientRect().toJSON(),
  drawn: document.querySelector('.graph-picture > g').getBoundingClientRect().toJSON(),
})"""
TEN = {
    "a chain": [(n - 1, n) for n in range(1, 10)],
    "a fan": [(0, n) for n in range(1, 9)] + [(n, 9) for n in range(1, 9)],
    "branches": [(0, 1), (1, 2), (1, 3), (2, 4), (3, 4), (4, 5), (0, 6), (6, 7), (5, 8), (7, 8), (8, 9)],
}


@pytest.mark.parametrize("shape", TEN)
def test_ten_steps_are_whole_in_view_with_letters_that_can_be_read(open_page, make, shape):
    graph = to_html(graph_of(make, 10, TEN[shape]))
    page = open_page(graph).page

    def whole(page):
        found = page.evaluate(LETTERS)
        room, drawn = found["canvas"], found["drawn"]
        assert (room["left"] <= drawn["left"], drawn["right"] <= room["right"]) == (True, True)
        assert (room["top"] <= drawn["top"], drawn["bottom"] <= room["bottom"]) == (True, True)
        return found["least"]

    assert_well_drawn(page, 10)
    assert whole(page) >= 12
    page.evaluate("view.choose('s4')")
    assert whole(page) >= 12
    phone = open_page(graph, width=400).page
    assert whole(phone) >= 8.5
    phone.evaluate("view.choose('s4')")
    assert phone.evaluate(LETTERS)["least"] >= 8
    assert_chosen_in_view(phone)


@pytest.mark.parametrize(("width", "least"), [(1280, 10), (400, 7)])
def test_forty_steps_side_by_side_fill_the_window_with_letters_that_can_be_read(
    open_page, make, width, least
):
    fan = [(0, n) for n in range(1, 41)] + [(n, 41) for n in range(1, 41)]
    page = open_page(to_html(graph_of(make, 42, fan)), width=width).page

    found = page.evaluate(LETTERS)
    assert found["least"] >= least
    used = [found["drawn"][side] / found["canvas"][side] for side in ("width", "height")]
    assert max(used) > 0.85
    page.evaluate("view.choose('s20')")
    assert page.evaluate(LETTERS)["least"] >= least
    assert_chosen_in_view(page)


def assert_chosen_in_view(page):
    node = page.locator(".node.chosen .body").bounding_box()
    canvas = page.locator(".graph-canvas").bounding_box()
    for start, size in (("x", "width"), ("y", "height")):
        assert canvas[start] <= node[start]
        assert node[start] + node[size] <= canvas[start] + canvas[size]


def test_an_edge_is_named_by_its_outputs_where_the_pointer_is(open_page, small):
    page = open_page(to_html(small)).page
    tip = page.locator(".graph-tip")

    def point_at(number):
        x, y = page.evaluate(
            """(number) => { const path = document.querySelectorAll('.edge .line')[number]
              const at = path.getPointAtLength(path.getTotalLength() / 2).matrixTransform(path.getScreenCTM())
              return [at.x, at.y] }""",
            number,
        )
        page.mouse.move(x, y)
        return tip.inner_text().split("\n") if tip.is_visible() else None

    assert point_at(0) == ["out", "ids → titles"]
    assert point_at(2) == ["model", "train[*] → best"]
    assert point_at(3) == ["order only", "best → clean"]
    page.mouse.move(5, 400)
    assert not tip.is_visible()


def test_wheel_drag_and_buttons_move_the_picture_and_a_drag_is_no_click(open_page, small):
    page = open_page(to_html(small)).page
    place = page.locator(".node .body").first.bounding_box
    begun = place()

    x, y = round(begun["x"]), round(begun["y"])
    page.mouse.move(x + 20, y + 10)
    page.mouse.down()
    page.mouse.move(x + 120, y + 60, steps=5)
    page.mouse.up()
    moved = place()
    # The line around a node is wider while the pointer is on it.
    assert (moved["x"] - begun["x"], moved["y"] - begun["y"]) == pytest.approx((100, 50), abs=1)
    assert chosen(page) is None
    page.mouse.wheel(0, -300)
    assert place()["width"] > moved["width"]
    page.get_by_role("button", name="Show all").click()
    assert place() == begun


def graph_of(make, count, edges):
    needs = {}
    for source, reader in edges:
        needs.setdefault(reader, {})[f"i{source}"] = f"s{source}"
    return Portrait(make.pipeline(*(make.step(f"s{n}", inputs=needs.get(n, {})) for n in range(count))))


def random_edges(count):
    chance = random.Random(7)
    return [(source, n) for n in range(1, count) for source in chance.sample(range(n), min(3, n))]


SHAPES = {
    "chains": [(n - 1, n) for n in range(500) if n % 10],
    "fan": [(0, n) for n in range(1, 499)] + [(n, 499) for n in range(1, 499)],
    "random": random_edges(500),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_five_hundred_steps_are_all_drawn(open_page, make, shape):
    page = open_page(to_html(graph_of(make, 500, SHAPES[shape]))).page
    page.evaluate("view.viewport.zoom(1 / view.viewport.scale)")

    found = assert_well_drawn(page, 500)
    assert len(found["edges"]) == len(SHAPES[shape])


def test_of_ten_thousand_steps_those_around_one_are_drawn_and_search_leads_on(open_page, make):
    page = open_page(to_html(graph_of(make, 10_000, [(n - 1, n) for n in range(1, 10_000)]))).page

    assert_well_drawn(page, 120)
    assert (
        "10,000 nodes are too many to draw at once: these are the 120 around s0"
        in page.locator(".graph-notice").inner_text()
    )
    page.get_by_role("searchbox").fill("s7777")
    page.keyboard.press("Enter")
    assert chosen(page) == "s7777"
    assert page.locator(".node").count() == 120
    assert page.locator(".node.chosen .node-name").text_content() == "s7777"


def test_variants_that_feed_each_other_are_drawn(open_page, make):
    steps = []
    for n in range(20):
        before = {"x": make.reads("b", selection=(("n", n - 1),))} if n else {}
        steps.append(make.step("a", variant=(("n", n),), inputs=before))
        steps.append(
            make.step("b", variant=(("n", n),), inputs={"x": make.reads("a", selection=(("n", n),))})
        )
    page = open_page(to_html(Portrait(make.pipeline(*steps)))).page

    assert page.locator(".node").count() == 2
    assert page.locator(".edge").count() == 2
    page.locator(".node").first.click()
    page.locator(".node.folded").click()
    assert_well_drawn(page, 40)


HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "<img src=x onerror=alert(1)>",
    "`${alert(1)}`",
    "${env:HOME} {{ 7*7 }} {% raw %}",
    "\"'><svg onload=alert(1)>",
    "a\nb\r\nc\td",
    "\x1b[31mred\x1b[0m\x07",
    "\u202etxt.exe\u2066\u200f",
    "javascript:alert(1)",
    "__proto__",
    "constructor",
    "toString",
    "\u2028\u2029\ud800",
    "日本語の名前",
    "x" * 500,
]


def hostile_portrait(make):
    steps = [make.step("a")]
    statuses = {}
    for text in HOSTILE:
        step = make.step(
            text,
            variant=((text, text),),
            inputs={text: "a"},
            outputs={text: text},
            tags=(text,),
            description=text,
        )
        step = params(step, **{text: ScalarNode(text, Span(text, 1, 1, 1, 2, "set"))})
        steps.append(step)
        statuses[step.id] = StepStatus(step.id, "complete", text, 1.0, 2.0, {text: 1.0}, text)
    return Portrait(
        make.pipeline(*steps), {f"work:{text}": text for text in HOSTILE}, statuses, "https://mlflow.test"
    )


def test_hostile_texts_are_only_shown(open_page, make):
    portrait = hostile_portrait(make)
    page = open_page(to_html(portrait)).page
    ours = page.evaluate("() => document.querySelectorAll('script, img, iframe, style').length")

    assert_well_drawn(page, len(HOSTILE) + 1)
    for number in range(len(HOSTILE) + 1):
        page.evaluate("(number) => view.choose([...view.steps.byId.keys()][number])", number)
        text = page.locator(".graph-panel").inner_text()
        assert re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200f\u2028-\u202e\u2066]", text) is None
        assert all(
            link.get_attribute("href").startswith("https://mlflow.test/#/")
            for link in page.locator("a").all()
        )
    assert page.evaluate("() => document.querySelectorAll('script, img, iframe, style').length") == ours
    assert page.locator(".graph-panel svg").count() == 0
    page.get_by_role("searchbox").fill("<img src=x")
    assert page.locator(".count").text_content() == f"1 of {len(HOSTILE) + 1}"


def test_hostile_and_wide_names_stay_within_the_boxes_of_a_picture(open_page, make, tmp_path):
    portrait = hostile_portrait(make)
    file = tmp_path / "picture.svg"
    file.write_text(to_svg(portrait.spec, portrait.states), encoding="utf-8")
    page = open_page(file).page

    boxes = page.evaluate("""() => [...document.querySelectorAll('.node')].map((node) => [
      node.querySelector('rect').getBBox().width, ...[...node.querySelectorAll('text')].map((text) => text.getBBox())
        .map((box) => box.x + box.width)])""")
    assert len(boxes) == len(HOSTILE) + 1
    assert [box for box in boxes if max(box[1:]) > box[0] - 4] == []
    assert page.locator("script").count() == 0
