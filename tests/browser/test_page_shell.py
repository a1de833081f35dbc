"""The shell of all pages: what it may load, and that the data of a page stay data."""

import re

import pytest

from pipespec.views.html_page import json_text, package_text, render_page

pytestmark = pytest.mark.browser

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "<img src=x onerror=alert(1)>",
    "]]>&lt;&amp;",
    "`${alert(1)}`",
    "\u2028\u2029",
    "\"'\\",
    "\ud800",
    "日本語",
]


def test_data_arrive_as_they_were(open_page):
    opened = open_page(render_page("base.html.j2", title="t", data={"x": {"texts": HOSTILE, "n": [1, None]}}))

    codes = "readData('x').texts.map((text) => Array.from(text, (one) => one.codePointAt(0)))"
    assert opened.page.evaluate(codes) == [[ord(one) for one in text] for text in HOSTILE]
    assert opened.page.evaluate("readData('x').n") == [1, None]
    assert opened.page.locator("img").count() == 0


def test_a_title_is_text(open_page):
    opened = open_page(render_page("base.html.j2", title="</title><img src=x onerror=alert(1)>", data={}))

    assert opened.page.title() == "</title><img src=x onerror=alert(1)>"
    assert opened.page.locator("img").count() == 0


@pytest.mark.parametrize(
    "attempt",
    [
        "new Image().src = 'http://127.0.0.1:9/x'",
        "fetch('http://127.0.0.1:9/x').catch(() => 0)",
        "document.body.append(element('script', {}, 'window.ran = 1'))",
        "document.body.append(element('iframe', {src: 'http://127.0.0.1:9/x'}))",
        "document.body.append(element('link', {rel: 'stylesheet', href: 'http://127.0.0.1:9/x'}))",
        "document.body.append(element('p', {onclick: 'window.ran = 1'})); document.body.lastChild.click()",
        "setTimeout('window.ran = 1')",
    ],
)
def test_the_policy_refuses_what_is_not_in_the_page(open_page, attempt):
    opened = open_page(render_page("base.html.j2", title="t", data={}))
    refused = (
        "window.refused = 0; document.addEventListener('securitypolicyviolation', () => window.refused++)"
    )
    opened.page.evaluate(refused)
    opened.page.evaluate(f"() => {{ {attempt} }}")
    opened.page.wait_for_function("() => window.refused > 0")

    assert opened.page.evaluate("window.ran") is None
    assert opened.console
    assert all("Content Security Policy" in message for message in opened.console)
    opened.console.clear()
    del opened.requests[1:]  # the driver counts what was refused, too


def test_json_within_a_script_has_no_mark_of_html():
    written = json_text(HOSTILE)

    assert re.search(r"[<>&\u2028\u2029\ud800]", written) is None
    written.encode()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_json_does_not_have_is_refused(value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_text([value])


def _luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one, other):
    bright, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_words_can_be_read_on_their_grounds(scheme):
    blocks = re.findall(r":root \{(.*?)\n\s*\}", package_text("colours.css"), re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): (#\w{6});", blocks[scheme]))
    states = [name.removesuffix("-ground") for name in colours if name.endswith("-ground")]
    pairs = [
        ("ink", "ground"),
        ("ink", "raised"),
        ("faint", "ground"),
        ("faint", "raised"),
        ("accent", "ground"),
    ]
    pairs += [("ink", "found")]
    for state in states:
        pairs += [(state, f"{state}-ground"), (state, "ground"), ("ink", f"{state}-ground")]

    assert len(states) == 7
    too_weak = {pair: _contrast(*(colours[name] for name in pair)) for pair in pairs}
    assert {pair: found for pair, found in too_weak.items() if found < 4.5} == {}
