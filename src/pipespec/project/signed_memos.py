"""Results of commands, stored in `.pipespec/memos/` for the next command that asks the same.

Takes a question, as text, and JSON. Returns that JSON later, or None. A memo is signed with a key of this user, which
is in the user's cache folder. A memo that was written by another user, comes from another machine, or was cut or
changed is ignored. Nothing here raises an error: if the folder cannot be written, nothing is stored. `source_stamps`
decides whether a memo is still valid.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import hmac
import json
import os
import secrets
import stat
import sys
from pathlib import Path
from typing import Any, Final

from pipespec.document.password_masking import without_passwords
from pipespec.state_folder import StateFolder
from pipespec.user_folder import is_ours_alone, read_own_file, user_folder

__all__ = ["SignedMemos"]

_FORMAT: Final = 1
_LARGEST: Final = 1 << 26
"""Maximum size of a memo in bytes. That of 100,000 steps has 30 million."""
_MOST: Final = 512
"""Number of memos that are kept, the newest ones."""
_KEY_BYTES: Final = 32


class SignedMemos:
    """The memos of one project, for one user."""

    def __init__(self, root: Path) -> None:
        self._state = StateFolder.of(root)

    def recall(self, question: str) -> Any | None:
        """Return what was stored for a question by this version of pipespec and Python, or None."""
        key = _signing_key()
        if key is None or not all(map(_is_own_folder, (self._state.path, self._state.memos))):
            return None
        content = read_own_file(self._file(question), _LARGEST)
        if content is None:
            return None
        signature, _, body = content.partition(b"\n")
        if not hmac.compare_digest(signature, _signature(key, question, body)):
            return None
        return json.loads(body)

    def keep(self, question: str, answer: Any) -> None:
        """Store JSON for a question, replacing what was stored for it. Nothing is stored if a URI in it has a password."""
        key, text = _signing_key(), json.dumps(answer, separators=(",", ":"))
        if key is None or without_passwords(text) != text:
            return
        body = text.encode()
        with contextlib.suppress(OSError):
            folder = self._made()
            if folder is None:
                return
            temporary = folder / f".{secrets.token_hex(8)}.new"
            try:
                temporary.touch(mode=0o600)
                temporary.write_bytes(_signature(key, question, body) + b"\n" + body)
                temporary.replace(self._file(question))
            finally:
                temporary.unlink(missing_ok=True)
            _drop_oldest(folder)

    def sealed(self, text: str) -> str:
        """Return a hash that represents a text that must stay private, for example a value of the environment."""
        return hmac.new(_signing_key() or b"", text.encode("utf-8", "surrogateescape"), "sha256").hexdigest()

    def _file(self, question: str) -> Path:
        return (
            self._state.memos / hashlib.sha256(question.encode("utf-8", "surrogateescape")).hexdigest()[:32]
        )

    def _made(self) -> Path | None:
        """Make the folder; None if a link, or a folder of another user, is at its place."""
        for folder in (self._state.made().path, self._state.memos):
            folder.mkdir(exist_ok=True)
            if not _is_own_folder(folder):
                return None
        return self._state.memos


def _is_own_folder(path: Path) -> bool:
    """Return whether this is a folder of this user; a link to one is not, since it may lead out of the project."""
    try:
        status = path.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and is_ours_alone(status)


@functools.cache
def _signing_key() -> bytes | None:
    """Return this user's key, which is created the first time; None if none can be stored."""
    folder = user_folder()
    if folder is None:
        return None
    file = folder / "memo.key"
    with contextlib.suppress(OSError):
        if not file.exists():
            temporary = folder / f".{secrets.token_hex(8)}.new"
            try:
                temporary.touch(mode=0o600)
                temporary.write_bytes(secrets.token_bytes(_KEY_BYTES))
                with contextlib.suppress(FileExistsError):  # another process was first
                    os.link(temporary, file)
            finally:
                temporary.unlink(missing_ok=True)
        if file.lstat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
            return None  # other users may have read it
    key = read_own_file(file, _KEY_BYTES)
    return key if key is not None and len(key) == _KEY_BYTES else None


def _signature(key: bytes, question: str, body: bytes) -> bytes:
    signed = hmac.new(key, digestmod="sha256")
    for part in (_maker(), question):
        signed.update(part.encode("utf-8", "surrogateescape") + b"\0")
    signed.update(body)
    return signed.hexdigest().encode()


@functools.cache
def _maker() -> str:
    """Identify what creates memos: this Python, and the exact state of this package, which may be a checkout."""
    package = Path(__file__).parents[1]
    schemas = package.parents[1] / "schemas"  # their place in a checkout; a wheel contains them
    edited, waiting = 0, [str(folder) for folder in (package, schemas) if folder.is_dir()]
    # One listing of each folder, and few stats, because this delays every command.
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.name.endswith((".py", ".json")):
                    edited = max(edited, entry.stat().st_mtime_ns)
                elif entry.name != "__pycache__" and entry.is_dir():
                    waiting.append(entry.path)
    return f"{_FORMAT} {sys.version} {sys.executable} {package} {edited}"


def _drop_oldest(folder: Path) -> None:
    with os.scandir(folder) as entries:
        files = [(entry.stat(follow_symlinks=False).st_mtime_ns, entry.path) for entry in entries]
    for _, path in sorted(files, reverse=True)[_MOST:]:
        Path(path).unlink(missing_ok=True)
