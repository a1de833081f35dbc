"""The witness of a run: what it used beyond what its key covers, and which of that has changed since.

Frozen values, their compact text for a tag, and the `Protocol` through which a reader of files reports what changed.
Pure. A text that was not written by one of our runs is refused with ValueError, because users can change the store.
"""

from __future__ import annotations

import binascii
import json
import os
import zlib
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final, Protocol

from pipespec.document.nodes import JSON
from pipespec.frozen_values import frozen

__all__ = [
    "NO_WITNESS",
    "BrokenWitness",
    "Touched",
    "Trace",
    "TraceChange",
    "Witness",
    "WitnessChange",
    "WitnessCheck",
    "decode_witness",
    "encode_witness",
    "witness_from_manifest",
    "witness_to_manifest",
]


class Trace(StrEnum):
    """How something was used, and therefore what its digest covers.

    MODULE: code that was loaded; its canonical tree, or the bytes if it is not Python source. FILE: the bytes. LARGE:
    size and time of a file that is too large to be read again for each plan. FOLDER: the names in it, and which of them
    are folders. TREE: names and bytes of all files below a folder, if too many were read to record each of them.
    MISSING: nothing exists there. KIND, SIZE, TIME: it was looked for and not opened; whether it is a file or a folder,
    its size as well, its time as well. LINK: where a link leads.
    """

    MODULE = "module"
    FILE = "file"
    LARGE = "large"
    FOLDER = "folder"
    TREE = "tree"
    MISSING = "missing"
    KIND = "kind"
    SIZE = "size"
    TIME = "time"
    LINK = "link"


@frozen
class Touched:
    """One thing that a run used.

    `path` is POSIX text, relative to the project root if it is below it, otherwise absolute. `digest` is empty if the
    thing changed during the run: then no later state is the one that the run saw. `tree` is, for Python source, the
    digest of its canonical tree, while `digest` covers the bytes. `text` is that source, if there was room for it.
    """

    path: str
    trace: Trace
    digest: str
    tree: str = ""
    text: str = ""


@frozen
class Witness:
    """What a run used, sorted by path. `left_out` are files that `identity.untracked` excludes from it."""

    touched: tuple[Touched, ...] = ()
    left_out: tuple[str, ...] = ()


NO_WITNESS: Final = Witness()


class TraceChange(StrEnum):
    """How something that a run used has changed."""

    CHANGED = "changed"
    GONE = "gone"
    APPEARED = "appeared"
    UNSETTLED = "unsettled"
    """It changed during the run."""


@frozen
class WitnessChange:
    """One thing that has changed since a run used it. For code, `text` is its source now, `old` its digest then."""

    path: str
    trace: Trace
    difference: TraceChange
    old: str = ""
    text: str = ""

    @property
    def detail(self) -> str:
        """What differs, in a phrase: `'conf/stop.txt', which its last run read, has changed`."""
        return f"'{self.path}', {_USES.get(self.trace, 'which its last run read')}, {_SAID[self.difference]}"


_USES: Final = {
    Trace.MODULE: "which its last run loaded",
    Trace.FOLDER: "which its last run listed",
    Trace.MISSING: "which its last run looked for",
    Trace.KIND: "which its last run looked for",
    Trace.SIZE: "whose size its last run asked for",
    Trace.TIME: "whose age its last run asked for",
    Trace.LINK: "which its last run followed",
}
_SAID: Final = {
    TraceChange.CHANGED: "has changed",
    TraceChange.GONE: "is gone",
    TraceChange.APPEARED: "is there now",
    TraceChange.UNSETTLED: "changed while that run went on",
}


@frozen
class BrokenWitness:
    """For a complete run that does not count for its key: what it used and has changed; never empty."""

    run_id: str
    changes: tuple[WitnessChange, ...]


class WitnessCheck(Protocol):
    """Examines the present state of what runs used."""

    def changes(self, witness: Witness) -> Sequence[WitnessChange]:
        """Return what has changed since the run used it. Empty means that the witness is unchanged."""


_SHORT: Final = 32
"""Number of hex digits of a digest in a tag, 128 bits. This protects against accidents, not against someone who can write to the store."""

_MOST_BYTES: Final = 4 << 20
"""The limit for an unpacked text. The store may contain anything."""


def encode_witness(witness: Witness, limit: int) -> str:
    """Return the value of the tag `pipespec.witness`: JSON, compressed if it is long; `manifest` if it exceeds the limit."""
    rows: dict[str, dict[str, str]] = {}
    for each in witness.touched:
        rows.setdefault(each.trace, {})[each.path] = each.digest[:_SHORT] + (
            f":{each.tree[:_SHORT]}" if each.tree else ""
        )
    text = json.dumps(rows, separators=(",", ":"))
    if len(text) > limit:
        text = binascii.b2a_base64(zlib.compress(text.encode(), 9), newline=False).decode()
    return text if len(text) <= limit else "manifest"


def decode_witness(text: str) -> Witness | None:
    """Parse what `encode_witness` wrote; None if the manifest contains the witness.

    Raises:
        ValueError: for any other text.
    """
    if text == "manifest":
        return None
    rows = json.loads(text if text.startswith("{") else _unpacked(text))
    if not isinstance(rows, dict):
        raise ValueError("a witness is a mapping")  # noqa: TRY004 - the same error for every invalid text
    touched = []
    for trace, digests in rows.items():
        for path, digest in _texts(digests).items():
            first, _, tree = digest.partition(":")
            touched.append(Touched(_sound(path), Trace(trace), first, tree))
    return Witness(tuple(touched))


def witness_to_manifest(witness: Witness) -> dict[str, JSON]:
    """Return a manifest's entry `witness`, which contains all of it."""
    touched: list[JSON] = [
        {
            "path": each.path,
            "as": str(each.trace),
            "digest": each.digest,
            **({"tree": each.tree} if each.tree else {}),
            **({"text": each.text} if each.text else {}),
        }
        for each in witness.touched
    ]
    return {"touched": touched, "left_out": list(witness.left_out)}


def witness_from_manifest(entry: JSON) -> Witness:
    """Parse what `witness_to_manifest` wrote. A missing entry means a run without a witness.

    Raises:
        ValueError: for anything else.
    """
    if entry is None:
        return NO_WITNESS
    if not isinstance(entry, dict) or not isinstance(rows := entry.get("touched"), list):
        raise ValueError("a witness is a mapping with what was touched")  # noqa: TRY004 - the same error for every mistake
    touched = []
    for row in rows:
        each = _texts(row)
        try:
            touched.append(
                Touched(
                    _sound(each["path"]),
                    Trace(each["as"]),
                    each["digest"],
                    each.get("tree", ""),
                    each.get("text", ""),
                )
            )
        except KeyError as error:
            raise ValueError(f"something touched has no {error}") from error
    left_out = entry.get("left_out")
    return Witness(tuple(touched), tuple(map(str, left_out)) if isinstance(left_out, list) else ())


def _unpacked(text: str) -> str:
    try:
        packed = binascii.a2b_base64(text, strict_mode=True)
        unpacker = zlib.decompressobj()
        whole = unpacker.decompress(packed, _MOST_BYTES)
    except (binascii.Error, zlib.error) as error:
        raise ValueError(f"a witness that cannot be unpacked: {error}") from error
    if not unpacker.eof:
        raise ValueError("a witness that cannot be unpacked")
    return whole.decode()


def _texts(value: object) -> Mapping[str, str]:
    if not isinstance(value, Mapping) or not all(isinstance(each, str) for each in (*value, *value.values())):
        raise ValueError("a witness is made of texts")
    return value


def _sound(path: str) -> str:
    """Refuse a path with upward steps (`..`), and one that system calls refuse."""
    if not path or "\0" in path or os.pardir in path.split("/"):
        raise ValueError(f"{path!r} is no path of a witness")
    return path
