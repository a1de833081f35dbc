"""The text of a notebook -> what counts: the sources of its cells, without outputs and execution numbers.

Takes the bytes of a file of Jupyter. Magic commands are left out of the code, since only IPython can read them; where the rest is no Python
for another reason, its imports are kept.
"""

from __future__ import annotations

import ast
import json

from pipespec.document.nodes import JSON
from pipespec.frozen_values import frozen

__all__ = ["NotebookCode", "notebook_code"]


@frozen
class NotebookCode:
    """`cells` has kind, tags and source of each, `code` the Python that they make together."""

    cells: list[JSON]
    code: str


def notebook_code(content: bytes) -> NotebookCode | None:
    """Return what counts, or None if the file is no notebook."""
    try:
        document = json.loads(content)
        read = [(str(cell["cell_type"]), _tags(cell), _source(cell)) for cell in document["cells"]]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
    cells: list[JSON] = [[kind, list(tags), source] for kind, tags, source in read]
    code = "\n".join(_plain(source) for kind, _, source in read if kind == "code")
    return NotebookCode(cells, code if _is_python(code) else _imports(code))


def _tags(cell: dict[str, dict[str, list[str]]]) -> list[str]:
    return [str(tag) for tag in cell.get("metadata", {}).get("tags", [])]


def _source(cell: dict[str, str | list[str]]) -> str:
    return "".join(cell["source"])


def _plain(source: str) -> str:
    """Leave out what only IPython understands; a cell that begins with `%%` is in another language."""
    if source.lstrip().startswith("%%"):
        return ""
    lines = source.split("\n")
    return "\n".join(_indent(line) + "pass" if line.lstrip()[:1] in ("%", "!") else line for line in lines)


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _is_python(code: str) -> bool:
    try:
        ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _imports(code: str) -> str:
    lines = (line.strip() for line in code.split("\n"))
    return "\n".join(line for line in lines if line.startswith(("import ", "from ")) and _is_python(line))
