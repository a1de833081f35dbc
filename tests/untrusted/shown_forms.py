"""All forms in which a pipeline file of a stranger is shown, and what must hold of each.

`shown` compiles a file as `validate` does and returns every form by name: of a pipeline without mistakes its pictures,
module and document, of any the diagnostics. `faults_in` says what is wrong with the forms, given those of a harmless file.
"""

from __future__ import annotations

import ast
import json
import unicodedata
from collections import Counter
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

from markdown_it import MarkdownIt

from pipespec import api
from pipespec.errors import InvalidPipelineError
from pipespec.views import diagnostic_view, diff_view
from pipespec.views.graph.dot import to_dot
from pipespec.views.graph.graph_page import to_html
from pipespec.views.graph.graph_text import render_text
from pipespec.views.graph.mermaid import to_mermaid
from pipespec.views.graph.portrait import to_json
from pipespec.views.graph.svg import to_svg

__all__ = ["faults_in", "shown"]

TERMINAL = ("findings", "GitHub", "graph", "diff", "document", "refusal")
"""Forms that are printed at a terminal or into the log of a CI."""
ONLY_BY_VALIDATE = {"unknown-service"}
"""Mistakes that no other verb looks for, as `docs/diagnostics.md` says: a run must not ask Apprise before it begins."""


def shown(file, *, other=None, pictures=True, overlays=()):
    """Return the forms of a file, by name; what is raised beyond our own errors is a crash."""
    found = api.validate([file], overlays=list(overlays))
    forms = {
        "findings": diagnostic_view.render_text(found.diagnostics, found.sources),
        "JSON findings": json.dumps(diagnostic_view.to_json(found.diagnostics), indent=2, ensure_ascii=False),
        "GitHub": diagnostic_view.to_github(found.diagnostics),
        "SARIF": json.dumps(diagnostic_view.to_sarif(found.diagnostics), indent=2, ensure_ascii=False),
    }
    try:
        pipeline = api.load(file, overlays=list(overlays), trusted=False)
    except InvalidPipelineError as error:
        assert any(one.severity.value == "error" for one in found.diagnostics), (
            "load refuses what validate takes"
        )
        return forms | {"refusal": diagnostic_view.render_text(error.diagnostics, error.sources)}
    refused = {one.code for one in found.diagnostics if one.severity.value == "error"}
    assert refused <= ONLY_BY_VALIDATE, "load takes what validate refuses"
    portrait = pipeline.portrait()
    forms |= {
        "graph": render_text(portrait.spec),
        "Mermaid": to_mermaid(portrait.spec),
        "DOT": to_dot(portrait.spec),
        "JSON graph": json.dumps(to_json(portrait), indent=2, ensure_ascii=False),
    }
    try:
        forms["document"] = api.render(file, format_="yaml", overlays=list(overlays))
        forms["module"] = api.render(file, overlays=list(overlays))
    except InvalidPipelineError as error:  # not all can be a module
        forms["refusal"] = diagnostic_view.render_text(error.diagnostics, error.sources)
    if pictures:
        forms |= {"HTML": to_html(portrait), "SVG": to_svg(portrait.spec)}
    if other is not None:
        difference = api.diff(other, file, overlays=list(overlays))
        forms |= {
            "diff": diff_view.render_text(difference),
            "Markdown": diff_view.render_markdown(difference),
        }
    return forms


def faults_in(forms, harmless):
    """Return what is wrong, one line each; `harmless` are the forms of a file that differs in nothing but words."""
    return [
        f"{name}: {fault}"
        for name, text in forms.items()
        for fault in _LOOKS.get(name, _controls)(text, harmless.get(name, ""))
    ]


def _controls(text, _harmless):
    """A terminal obeys control characters, and changes of direction hide what stands there."""
    found = {
        character
        for character in text
        if character not in "\n " and unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp", "Cs", "Co")
    }
    # Soft hyphens and joiners belong to words; bidi controls never do.
    yield from (f"shows U+{ord(one):04X} as it is" for one in sorted(found))


def _github(text, _harmless):
    yield from _controls(text, "")
    yield from (
        f"starts a command: {line[:60]}"
        for line in text.split("\n")
        if line and not line.startswith(("::error ", "::warning ", "::notice "))
    )


def _json(text, _harmless):
    json.loads(text)
    yield from _controls(json.dumps(json.loads(text)), "")


class _Structure(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.found = Counter()

    def handle_starttag(self, tag, attrs):
        self.found[tag, tuple(sorted(name for name, _ in attrs))] += 1
        for name, value in attrs:
            if name.startswith("on") or (value or "").strip().lower().startswith(
                ("javascript:", "http", "//")
            ):
                self.found[f"{tag} {name}={value[:60]}", ()] += 1

    def handle_decl(self, decl):
        self.found[f"<!{decl}", ()] += 1


def _kinds_of(page):
    reader = _Structure()
    reader.feed(page)
    reader.close()
    return reader.found


def _html(text, harmless):
    new = set(_kinds_of(text)) - set(_kinds_of(harmless))
    yield from (f"has what a harmless page has not: {one}" for one in sorted(map(str, new)))
    if _kinds_of(text)["script", ()] > _kinds_of(harmless)["script", ()]:
        yield "has another script"


def _svg(text, harmless):
    def kinds(picture):
        return {(one.tag, tuple(sorted(one.attrib))) for one in ET.fromstring(picture).iter()}

    yield from (f"has what a harmless picture has not: {one}" for one in kinds(text) - kinds(harmless))


def _markdown(text, harmless):
    yield from _controls(text.replace("\u00ad", ""), "")
    new = set(_kinds_of(MarkdownIt("commonmark").enable("table").render(text)))
    known = set(_kinds_of(MarkdownIt("commonmark").enable("table").render(harmless)))
    allowed = {
        ("code", ("class",)),
        ("pre", ()),
        ("code", ()),
        ("p", ()),
        ("ul", ()),
        ("li", ()),
        ("strong", ()),
    }
    yield from (f"becomes {one}" for one in sorted(map(str, new - known - allowed)))


def _lines(text, harmless):
    """A label must not end its statement: the same lines begin in the same way."""
    yield from _controls(text, "")
    heads = [line.split('"')[0] for line in text.split("\n")]
    if heads != [line.split('"')[0] for line in harmless.split("\n")]:
        yield f"has other statements: {heads[:9]}"


def _module(text, harmless):
    """Rendered Python has literals where the file has words: the same calls, names and imports, and nothing else."""

    def shape(source):
        return {
            ast.dump(node.func) if isinstance(node, ast.Call) else ast.dump(node)
            for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.Call | ast.Import | ast.ImportFrom | ast.Name | ast.Attribute)
        }

    yield from _controls(text, "")
    yield from (f"says {one[:99]}" for one in sorted(shape(text) - shape(harmless)))


_LOOKS = {
    "GitHub": _github,
    "JSON findings": _json,
    "SARIF": _json,
    "JSON graph": _json,
    "HTML": _html,
    "SVG": _svg,
    "Markdown": _markdown,
    "Mermaid": _lines,
    "DOT": _lines,
    "module": _module,
}
