"""What MkDocs needs to make a site of documents that are read on GitHub, too: a hook, named by `mkdocs.yml`.

Takes the documents of the repository; gives pages for README.md and its siblings, and links that lead to pages. A link to
what is no page, such as a test, becomes plain text. Commands above blocks are comments, which nobody sees.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any, Final

from mkdocs.structure.files import File

__all__ = ["on_files", "on_page_markdown"]

ROOT: Final = Path(__file__).parents[1]
PAGES: Final = {
    "index.md": "README.md",
    "architecture.md": "ARCHITECTURE.md",
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
}
"""The pages whose documents are beside the folder `docs`."""

_FENCED: Final = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
_LINK: Final = re.compile(r"\[((?:[^\[\]]|`[^`]*`)+)\]\((?!https?://|#)([^)\s]+)\)")


def on_files(files: Any, *, config: Any) -> Any:
    """Add the pages of documents that are beside the folder."""
    for page, document in PAGES.items():
        text = (ROOT / document).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, *, page: Any, config: Any, files: Any) -> str:
    """Let links lead to pages, but for those in code."""
    del config
    here = page.file.src_uri
    document = PAGES.get(here, f"docs/{here}")

    def led(found: re.Match[str]) -> str:
        text, target = found.groups()
        path, _, anchor = target.partition("#")
        document_there = posixpath.normpath(posixpath.join(posixpath.dirname(document), path))
        page_there = _page_of(document_there)
        if files.get_file_from_path(page_there) is None:
            return (
                text if (ROOT / document_there).exists() else found[0]
            )  # MkDocs tells that it leads nowhere
        there = posixpath.relpath(page_there, posixpath.dirname(here) or ".")
        return f"[{text}]({there}{'#' if anchor else ''}{anchor})"

    parts = _FENCED.split(markdown)
    return "".join(part if number % 2 else _LINK.sub(led, part) for number, part in enumerate(parts))


def _page_of(document: str) -> str:
    """Return the page of a document, which may be none."""
    found = (page for page, each in PAGES.items() if each == document)
    return next(found, document.removeprefix("docs/") if document.startswith("docs/") else "")
