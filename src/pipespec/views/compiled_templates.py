"""Compiled templates in the user's cache folder: compiling those of a report takes longer than rendering it.

Stores what Jinja compiled, and returns it if the template's text and Jinja are unchanged. A file that another user
could write, or that was cut or changed, is ignored and replaced. If the folder cannot be written, nothing is stored.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import secrets
from importlib.metadata import version
from pathlib import Path
from typing import Final

from jinja2 import BytecodeCache
from jinja2.bccache import Bucket

from pipespec.user_folder import read_own_file, user_folder

__all__ = ["CompiledTemplates"]

_LARGEST: Final = 1 << 22
_DIGEST: Final = hashlib.sha256().digest_size


class CompiledTemplates(BytecodeCache):
    """One file for each template: a digest of the rest, then Jinja's own format, which contains Python's version."""

    def get_cache_key(self, name: str, filename: str | None = None) -> str:  # noqa: ARG002 - the signature is Jinja's
        """Let installations share compiled templates, if their templates are equal."""
        return super().get_cache_key(name)

    def load_bytecode(self, bucket: Bucket) -> None:
        """Load into a template what was compiled from the same text."""
        path = self._file(bucket)
        content = None if path is None else read_own_file(path, _LARGEST)
        if content is not None and hashlib.sha256(content[_DIGEST:]).digest() == content[:_DIGEST]:
            bucket.bytecode_from_string(content[_DIGEST:])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Store what was compiled from a template, and replace what was compiled from another text."""
        path = self._file(bucket)
        if path is None:
            return
        compiled = bucket.bytecode_to_string()
        temporary = path.with_name(f".{secrets.token_hex(8)}.new")
        with contextlib.suppress(OSError):
            try:
                temporary.touch(mode=0o600)
                temporary.write_bytes(hashlib.sha256(compiled).digest() + compiled)
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)

    def _file(self, bucket: Bucket) -> Path | None:
        folder = user_folder()
        return None if folder is None else folder / f"{_prefix()}{bucket.key[:32]}"


@functools.cache
def _prefix() -> str:
    return f"jinja-{version('jinja2')}-"
