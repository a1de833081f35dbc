"""The documentation as a site: each document is a page, no link is broken, and nothing is loaded from elsewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
pytestmark = pytest.mark.installs


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    pytest.importorskip("material", reason="needs the docs extra")
    pytest.importorskip("mkdocstrings", reason="needs the docs extra")
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=550,
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_each_document_is_a_page(site):
    documents = {path.relative_to(REPOSITORY / "docs") for path in (REPOSITORY / "docs").rglob("*.md")}
    pages = {path.relative_to(site).with_suffix(".md") for path in site.rglob("*.html")}

    beside = {Path(name) for name in ("index.md", "architecture.md", "contributing.md", "changelog.md")}
    assert pages == documents | beside | {Path("404.md")}


def test_pages_load_nothing_from_elsewhere(site):
    loaded = re.compile(r"""(?:\bsrc|<link [^>]*\bhref)=["']?((?:https?:)?//[^"' >]+)""")
    found = {
        (page.name, address)
        for page in site.rglob("*.html")
        for address in loaded.findall(page.read_text(encoding="utf-8"))
    }

    assert found == set()


def test_the_reference_has_functions_methods_and_what_they_raise(site):
    page = (site / "api.html").read_text(encoding="utf-8")

    for anchor in ("pipespec.api.load", "pipespec.pipeline.Pipeline.run", "pipespec.errors.UsageError"):
        assert f'id="{anchor}"' in page
    assert "with all mistakes of the pipeline" in page


def test_the_search_knows_pages_by_their_headings(site):
    index = (site / "search/search_index.json").read_text(encoding="utf-8")

    assert "language.html#references" in index


def test_a_link_that_leads_nowhere_is_no_site(tmp_path):
    pytest.importorskip("mkdocs", reason="needs the docs extra")
    sys.path.insert(0, str(REPOSITORY / "docs"))
    try:
        import site_hook
    finally:
        sys.path.pop(0)

    class Files:
        def get_file_from_path(self, path):
            return path if path in ("keys.md", "index.md", "contributing.md") else None

    class Page:
        def __init__(self, name):
            self.file = self
            self.src_uri = name

    def shown(text, name="language.md"):
        return site_hook.on_page_markdown(text, page=Page(name), config=None, files=Files())

    assert shown("[a](keys.md#b) [c](../README.md#install)") == "[a](keys.md#b) [c](index.md#install)"
    assert shown("[a](docs/keys.md), [t](tests/test_docs.py)", "index.md") == "[a](keys.md), t"
    assert shown("[c](../../CONTRIBUTING.md)", "decisions/0001.md") == "[c](../contributing.md)"
    assert (
        shown("[a](gone.md) [b](https://x.test/y) [c](#here)")
        == "[a](gone.md) [b](https://x.test/y) [c](#here)"
    )
    assert shown("```text\n[a](docs/keys.md)\n```\n") == "```text\n[a](docs/keys.md)\n```\n"
