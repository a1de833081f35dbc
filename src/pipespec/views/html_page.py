"""One self-contained HTML page: a template, its styles and scripts, and the data that they show -> text.

Takes names of what stands in `templates/page/`, and values as JSON has them. Gives a page that loads nothing from
anywhere: styles and scripts stand in it, allowed by their digests, and its policy refuses all else. Whatever the data
hold stays data: templates escape, and JSON is written so that HTML reads no mark in it. Refuses numbers that JSON does
not have.
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
"""What HTML would read as a mark, JavaScript as the end of a line, and half characters, which no file can hold."""

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

    `styles` and `scripts` are files beside it, which follow those of every page; a script finds `data["x"]` by
    `readData("x")`, and the marks of states as `MARKS`. `values` are for the template itself.
    """
    shown: dict[str, JSON] = {"marks": dict(MARKS), **data}
    style_texts = [package_text(name) for name in (*_STYLES, *styles)]
    script_texts = [package_text(name) for name in (*_SCRIPTS, *scripts)]
    return render_template(
        template,
        title=title,
        policy=_policy(style_texts, script_texts),
        styles=[Markup(text) for text in style_texts],  # noqa: S704 - files of ours
        scripts=[Markup(text) for text in script_texts],  # noqa: S704 - as above
        data={name: Markup(json_text(value)) for name, value in shown.items()},  # noqa: S704 - escaped
        **values,
    )


def render_template(template: str, **values: Any) -> str:
    """Render a template of `templates/page/`; every value that is no `Markup` is escaped."""
    return _environment().get_template(template).render(values)


def package_text(name: str) -> str:
    """Return a file of `templates/page/` as it stands."""
    environment = _environment()
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]


def json_text(value: JSON) -> str:
    """Write a value as JSON that may stand within `<script>`."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return _NOT_PLAIN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


@functools.cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("pipespec", "templates/page"),
        autoescape=True,  # whatever a template is called
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        bytecode_cache=CompiledTemplates(),
    )


def _policy(styles: Sequence[str], scripts: Sequence[str]) -> str:
    """Allow these styles and scripts and pictures that stand in the page; nothing from anywhere."""
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
