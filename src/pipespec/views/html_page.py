"""Create one self-contained HTML page from a template, its styles and scripts, and the data that they show.

Takes names of files in `templates/page/`, and JSON values. Returns a page that loads nothing: styles and scripts are
included in it and allowed by their digests, and its policy refuses everything else. The data can never become code:
templates escape it, and JSON is written so that HTML finds no markup in it. Refuses numbers that JSON does not have.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pipespec.document.nodes import JSON
from pipespec.views.compiled_templates import CompiledTemplates
from pipespec.views.state_words import MARKS

__all__ = ["json_text", "package_text", "render_page", "render_template"]

_NOT_PLAIN: Final = re.compile(r"[<>&\u2028\u2029\ud800-\udfff]")
"""Characters that HTML would read as markup, or JavaScript as the end of a line, and surrogates, which no file can contain."""

_STYLES: Final = ("colours.css", "page.css")
_SCRIPTS: Final = ("page.js",)


def render_page(
    template: str,
    *,
    title: str,
    data: Mapping[str, JSON],
    styles: Sequence[str] = (),
    scripts: Sequence[str] = (),
    **values: Any,
) -> str:
    """Render a template that extends `base.html.j2`.

    `styles` and `scripts` are files beside it, which follow those of every page. A script reads `data["x"]` with
    `readData("x")`, and the symbols of states with `MARKS`. `values` are for the template itself.
    """
    shown: dict[str, JSON] = {"marks": dict(MARKS), **data}
    style_texts = [package_text(name) for name in (*_STYLES, *styles)]
    script_texts = [package_text(name) for name in (*_SCRIPTS, *scripts)]
    return render_template(
        template,
        title=title,
        policy=_policy(style_texts, script_texts),
        styles=[Markup(text) for text in style_texts],  # noqa: S704 - our own files
        scripts=[Markup(text) for text in script_texts],  # noqa: S704 - as above
        data={name: Markup(json_text(value)) for name, value in shown.items()},  # noqa: S704 - escaped
        **values,
    )


def render_template(template: str, **values: Any) -> str:
    """Render a template of `templates/page/`. Every value that is not `Markup` is escaped."""
    return _environment().get_template(template).render(values)


def package_text(name: str) -> str:
    """Return a file of `templates/page/` unchanged."""
    environment = _environment()
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]


def json_text(value: JSON) -> str:
    """Write a value as JSON that may be inside `<script>`."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return _NOT_PLAIN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


@functools.cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("pipespec", "templates/page"),
        autoescape=True,  # whatever the name of a template is
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        bytecode_cache=CompiledTemplates(),
    )


def _policy(styles: Sequence[str], scripts: Sequence[str]) -> str:
    """Allow these styles and scripts, and pictures that are included in the page; nothing from other places."""
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src {_digests(styles)}",
            f"script-src {_digests(scripts)}",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _digests(texts: Sequence[str]) -> str:
    digests = (hashlib.sha256(text.encode()).digest() for text in texts)
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
