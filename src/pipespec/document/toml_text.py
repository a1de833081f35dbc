"""Read TOML that is not trusted. Returns its tables. Everything that cannot be read gives the same kind of error."""

from __future__ import annotations

from typing import Any

__all__ = ["read_toml"]


def read_toml(content: bytes) -> dict[str, Any]:
    """Return the tables.

    Raises:
        ValueError: if it is not TOML or not UTF-8, is nested too deeply, or contains a number with thousands of digits.
    """
    import tomllib  # noqa: PLC0415 - 2 ms, and most documents ask for none

    try:
        return tomllib.loads(content.decode())
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
