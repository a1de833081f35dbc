"""References as other tools write them: `{{ params.seed }}`, `$params.seed`, `%(seed)s`, `@params.seed`.

Takes a text and the document. Returns the text with our references instead, or None if it contains none of these forms.
A name counts only if the document contains it, so that a text template that happens to look similar is not changed.
"""

from __future__ import annotations

import re
from typing import Final

from pipespec.document.nodes import MappingNode

__all__ = ["with_references"]

_NAME: Final = r"(?P<name>[A-Za-z_][\w-]*(?:[.:][A-Za-z_0-9][\w-]*)*)"
_JINJA: Final = rf"\$?\{{\{{-?\s*{_NAME}\s*(?:\|[^{{}}]*)?-?\}}\}}"
_WHOLE: Final = re.compile(
    "|".join(
        form.replace("?P<name>", f"?P<name{number}>")
        for number, form in enumerate(
            (
                _JINJA,
                rf"\$\(\s*{_NAME}\s*\)",
                rf"[$@%]{_NAME}",
                rf"[@%#]?\{{\s*{_NAME}\s*\}}",
                rf"%\({_NAME}\)[sdfr]",
                rf"%{_NAME}%",
                rf"<\s*{_NAME}\s*>",
                rf"<[<%]=?\s*{_NAME}\s*[>%]>",
                _NAME,
            )
        )
    )
)
"""Forms that are a whole text."""
_PART: Final = re.compile(
    "|".join(
        form.replace("?P<name>", f"?P<name{number}>")
        for number, form in enumerate(
            (
                _JINJA,
                rf"\$\(\s*{_NAME}\s*\)",
                rf"[$@](?=params\.){_NAME}",
                rf"(?<![$@%#\w])\{{(?=params\.){_NAME}\}}",
                r"^\$(?P<name>[A-Z_][A-Z0-9_]*)(?=/)",
            )
        )
    )
)
"""Forms inside a longer text: only those that nothing else uses."""
_LONGEST: Final = 2_000
_OTHER_ROOTS: Final = ("cfg.", "config.", "param.", "parameters.", "pipeline.params.", "vars.", "var.")


def with_references(text: str, document: MappingNode) -> str | None:
    """Return the text with `${...}` instead of another tool's references."""
    if len(text) > _LONGEST:
        return None
    whole = _WHOLE.fullmatch(text.strip())
    if whole is not None:
        is_bare = whole.lastgroup == "name8"
        name = _ours(_name_of(whole), document, is_bare=is_bare, is_shell=text.startswith("$"))
        return None if name is None else f"${{{name}}}"
    changed = False

    def replaced(found: re.Match[str]) -> str:
        nonlocal changed
        name = _ours(_name_of(found), document, is_shell=found[0].startswith("$"))
        changed = changed or name is not None
        return found[0] if name is None else f"${{{name}}}"

    mended = _PART.sub(replaced, text)
    return mended if changed else None


def _name_of(found: re.Match[str]) -> str:
    return next(name for name in found.groupdict().values() if name is not None)


def _ours(name: str, document: MappingNode, *, is_bare: bool = False, is_shell: bool = False) -> str | None:
    """Return the name for our reference. In a text without markers, only the path of a param is a reference."""
    if name.startswith("params.") and _stands(name, document):
        return name
    if is_bare:
        return None
    if re.match(r"(?:matrix|wildcards)\.\w+$", name):
        return f"matrix.{name.partition('.')[2]}"
    if found := re.match(r"(?:env|ENV|environ|secrets)[.:](\w+)$", name):
        return f"{'secret' if name.startswith('secrets') else 'env'}:{found[1]}"
    if is_shell and name.isupper():
        return f"env:{name}"
    roots = ("", *(root for root in _OTHER_ROOTS if name.startswith(root)))
    names = (f"params.{name.removeprefix(root)}" for root in roots)
    return next((one for one in names if _stands(one, document)), None)


def _stands(path: str, document: MappingNode) -> bool:
    node: object = document
    for key in path.split("."):
        if not isinstance(node, MappingNode) or key not in node.entries:
            return False
        node = node.entries[key].value
    return True
