"""A search for a secret in whatever was written, printed or shown.

The canary has signs that URLs, JSON, HTML and Python's `repr` spell in other ways around a core that they all leave
as it is. Searched for are pieces of that core, as text, in hex and in base64: a torn secret is found, too.
"""

from __future__ import annotations

import base64

__all__ = ["CANARY", "CORE", "PIECE", "SECRET", "leaks", "leaks_below"]

CORE = "nAry7Q1xW5tKp9"
CANARY = f"ca+\"{CORE}'<&%é"
PIECE = 8
SECRET = {"CANARY": CANARY, "CHAT_WEBHOOK": f"json://127.0.0.1:9/{CORE}"}
"""The environment of a command that has secrets."""


def forms():
    for start in range(len(CORE) - PIECE + 1):
        piece = CORE[start : start + PIECE].encode()
        yield piece
        yield piece.hex().encode()
        yield piece.hex().upper().encode()
        for before in range(3):
            spelt = base64.b64encode(b"\0" * before + piece)
            yield spelt[-(-before * 8 // 6) : (before + PIECE) * 8 // 6]


FORMS = tuple(forms())


def leaks(content):
    """Return the surroundings of what was found."""
    content = content.encode(errors="surrogateescape") if isinstance(content, str) else content
    places = (content.find(form) for form in FORMS)
    return [content[max(place - 60, 0) : place + 40] for place in places if place >= 0][:1]


def leaks_below(folder):
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return {str(path.relative_to(folder)): found for path in files if (found := leaks(path.read_bytes()))}
