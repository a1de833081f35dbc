"""The text of the documentation for each diagnostic code, for programs that show it with a diagnostic."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

__all__ = ["load_pages"]

_SECTION: Final = re.compile(r"^### `([a-z0-9-]+)`\n(.*?)(?=^### |\Z)", re.MULTILINE | re.DOTALL)
_LINK: Final = re.compile(r"\[([^]]+)\]\([^)]+\)")
"""Links lead to files that do not exist where a finding is shown."""


@functools.cache
def load_pages() -> Mapping[str, str]:
    """Return the sections of `docs/diagnostics.md` by code, from the installed package or from the checkout."""
    here = Path(__file__)
    shipped = here.parents[1] / "schemas" / "diagnostics.md"
    checkout = here.parents[3] / "docs" / "diagnostics.md"
    page = (shipped if shipped.exists() else checkout).read_text(encoding="utf-8")
    return {code: _LINK.sub(r"\1", text).strip() for code, text in _SECTION.findall(page)}
