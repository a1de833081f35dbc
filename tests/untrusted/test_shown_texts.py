"""Texts that are markup, code or escape sequences, at every place of a pipeline: they stay text wherever they are shown."""

import pytest
from hostile_documents import PLACES, TEXTS, with_text
from hostile_folders import FUNCTIONS
from shown_forms import faults_in, shown

pytestmark = pytest.mark.faults


@pytest.fixture
def folder(empty_project, monkeypatch):
    empty_project.write("bomb.py", FUNCTIONS)
    monkeypatch.chdir(empty_project.folder)
    return empty_project


def forms_with(project, text, place):
    project.write("before.yaml", with_text("another-word", place))
    project.write("pipeline.yaml", with_text(text, place))
    return shown("pipeline.yaml", other="before.yaml")


@pytest.mark.parametrize("place", PLACES)
def test_a_text_stays_text_in_every_form(folder, place):
    harmless = forms_with(folder, "word", place)
    assert faults_in(harmless, harmless) == []

    forms = {name: forms_with(folder, text, place) for name, text in TEXTS.items()}

    sound = {name for name, shown_ in forms.items() if "HTML" in shown_}
    short = {name for name, text in TEXTS.items() if len(text) < 1_000}
    if place not in ("input", "tag", "param name"):  # such names are refused, and shown by what refuses them
        assert sound >= short
    found = {name: faults_in(shown_, harmless) for name, shown_ in forms.items()}
    assert {name: faults for name, faults in found.items() if faults} == {}


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("findings", "a\x1b[31mb"),
        ("findings", "a\u202eb"),
        ("GitHub", "::error ::a\n::set-output name=a::b"),
        ("HTML", "<p>a</p><img src=x onerror=y>"),
        ("HTML", "<p>a</p><script></script>"),
        ("HTML", "<p><a href='javascript:a'></a></p>"),
        ("SVG", "<svg><script/></svg>"),
        ("Markdown", "a <b>c</b> [d](http://e)"),
        ("Mermaid", 'a["b"]\nclick a href "javascript:c"'),
        ("DOT", 'a [label="b"]; \n c [URL="javascript:d"]'),
        ("module", "import os\nos.system('a')"),
    ],
)
def test_a_form_that_obeys_is_found(form, text):
    """Else the other tests show nothing."""
    harmless = {
        "HTML": "<p>a</p>",
        "SVG": "<svg/>",
        "Mermaid": 'a["b"]',
        "DOT": 'a [label="b"]',
        "module": "a = 1",
    }

    assert faults_in({form: text}, {form: harmless.get(form, "a")}) != []
