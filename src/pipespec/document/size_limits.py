"""The maximum size of a document: of one file, and after merging layers and resolving references."""

from __future__ import annotations

from typing import Final

__all__ = ["MAX_BYTES", "MAX_DEPTH", "MAX_MISTAKES", "MAX_NODES"]

MAX_BYTES: Final = 4 * 1024 * 1024
MAX_DEPTH: Final = 64
"""Levels of lists and mappings."""
MAX_NODES: Final = 250_000
"""Lists, mappings and single values. Keys are not counted."""
MAX_MISTAKES: Final = 1_000
"""Reading and resolving stop after this number of mistakes, because so many have one cause."""
