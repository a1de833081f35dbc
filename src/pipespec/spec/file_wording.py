"""How to write a file, folder, pattern or address as an input, for users who wrote it as plain text.

Takes a text found where an output of a step is expected. Returns the mapping to write instead, or None if nothing
indicates that a file was meant.
"""

from __future__ import annotations

import json
import re
from typing import Final

from pipespec.spec.file_formats import FORMATS, suffix_of

__all__ = ["as_input", "file_hint", "flow_text", "names_a_file"]

_SPELT: Final = """
    .7z .arrow .avi .avro .bin .bmp .bz2 .cfg .ckpt .conf .dat .data .db .dbf .doc .docx .dta .duckdb .fasta .fits .geojson
    .gif .gpkg .gz .h5 .hdf .hdf5 .htm .ini .ipynb .jpeg .jpg .keras .kml .log .lz4 .mat .mp3 .mp4 .msgpack .nc .ndjson
    .nii .ods .onnx .orc .pickle .pt .pth .pq .rds .rst .safetensors .sav .shp .sqlite .sqlite3 .tar .tex .tfrecord .tgz
    .tif .tiff .toml .wav .webp .xls .xlsm .xml .xz .yml .zarr .zip .zst
"""
_COMMON: Final = frozenset(_SPELT.split())
"""Suffixes of common files that are not in our table of formats."""
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S")
_LABEL: Final = re.compile(r"(?:file|path|dir|folder):\s*(?!/)")
"""What stands before the path where the mapping was written as a text."""
_BARE: Final = re.compile(r"[A-Za-z0-9_./~][\w./~@%+:-]*")
_PATTERN: Final = re.compile(r"[*?]|\[[^\]=]*\]")
_OUTPUT_PART: Final = re.compile(r"[A-Za-z_][\w-]*(\[.*\])?\.[A-Za-z_]\w*/.*")


def as_input(written: str) -> str | None:
    """Return how to write a file, a folder, a pattern or an address: `{file: houses.csv}`."""
    if not written.isprintable() or written != written.strip():
        return None
    written = _LABEL.sub("", written)
    is_path = "/" in written or "\\" in written
    is_file = names_a_file(written)
    if not is_file and (not is_path or _OUTPUT_PART.match(written)):
        return None
    if _URI.match(written):
        return f"{{file: {flow_text(written)}}}"
    if _PATTERN.search(written):
        return f"{{files: {flow_text(written)}}}" if not _is_of_step(written) else None
    is_folder = written.endswith("/") or (is_path and not suffix_of(written) and "$" not in written)
    return f"{{{'dir' if is_folder else 'file'}: {flow_text(written)}}}"


def file_hint(written: str) -> str | None:
    """Return a hint that says how to write it, or None, like `as_input`."""
    as_file = as_input(written)
    if as_file is None:
        return None
    what = "a folder" if as_file.startswith("{dir") else "files" if as_file.startswith("{files") else "a file"
    return f"write {what} as {as_file}"


def names_a_file(written: str) -> bool:
    """Return whether a text ends with a suffix of files."""
    return suffix_of(written) in FORMATS or suffix_of(written) in _COMMON


def flow_text(text: str) -> str:
    """Format a text for use between the braces of a mapping: in quotes if YAML would misread it."""
    is_bare = _BARE.fullmatch(text) and not text.endswith(":") and not text.replace(".", "").isdigit()
    return text if is_bare else json.dumps(text, ensure_ascii=False)


def _is_of_step(written: str) -> bool:
    """Return whether brackets more likely belong to a variant: `train[*].model`."""
    return _OUTPUT_PART.match(written) is not None or re.match(r"[A-Za-z_][\w-]*\[", written) is not None
