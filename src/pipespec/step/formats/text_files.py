"""Read and write text and bytes: the file contains exactly the value, as UTF-8 or byte for byte."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pipespec.step.formats.library_options import Loader, Options, Saver, call, without_options

__all__ = ["LOADERS", "SAVERS", "load_bytes", "load_text", "save_bytes", "save_text"]

_SUFFIXES: Final = (".txt", ".md", ".html", ".sql", ".csv", ".tsv", ".jsonl", ".svg")


def load_text(path: Path, options: Options) -> str:
    """Read a text. Line ends are not changed."""
    ours: dict[str, Any] = {"encoding": "utf-8", "newline": ""}
    with call(open, path, "r", label="open", options=options, **ours) as file:
        text: str = file.read()
    return text


def save_text(value: str, path: Path, options: Options) -> None:
    """Write a text. Line ends are not changed."""
    with call(open, path, "w", label="open", options=options, encoding="utf-8", newline="") as file:
        file.write(value)


def load_bytes(path: Path, options: Options) -> bytes:
    """Read the content of any file."""
    without_options("reading bytes", options)
    return path.read_bytes()


def save_bytes(value: bytes | bytearray | memoryview, path: Path, options: Options) -> None:
    """Write bytes as the content of any file."""
    without_options("writing bytes", options)
    path.write_bytes(value)


LOADERS: Final[Mapping[tuple[str, str], Loader]] = {(suffix, "str"): load_text for suffix in _SUFFIXES}
SAVERS: Final[Mapping[tuple[str, str], Saver]] = {(suffix, "str"): save_text for suffix in _SUFFIXES}
