"""Reads TOML that anyone may have written: gives its tables, refuses what cannot be read with one kind of error."""

from __future__ import annotations

from typing import Any

__all__ = ["read_toml"]


def read_toml(content: bytes) -> dict[str, Any]:
    """Return the tables.

    Raises:
        ValueError: where it is no TOML, is not UTF-8, is nested too deeply, or has a number of thousands of digits.
    """
    import tomllib  # noqa: PLC0415 - 2 ms, and most documents ask for none

    try:
        return tomllib.loads(content.decode())
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
