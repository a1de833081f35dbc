"""The changes of a project since its last commit, as a patch for `git apply`.

Takes the project root, the files from which a pipeline was made, and a function that removes secrets from content.
Returns the patch of changed tracked files below the root, and of those of the pipeline's files that git does not track.
It never contains other untracked files, or files named `.env`. A file that contains a secret or a password is left out
as a whole: a patch without a part of it would not apply, or would create something else. The repository's filters may
run, but not its hooks and helpers.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from pipespec.document.password_masking import without_passwords
from pipespec.frozen_values import frozen
from pipespec.project.git_state import ask_git

__all__ = ["PATCH_LIMIT", "Uncommitted", "UnkeptChange", "uncommitted"]

PATCH_LIMIT: Final = 4 << 20
"""Maximum size in bytes of a stored patch. A longer one is cut, and can only be read."""

_DIFF: Final = (
    *("diff", "--no-ext-diff", "--no-textconv", "--no-color", "--no-renames", "--no-relative", "-U3"),
    *("--binary", "--full-index", "--src-prefix=a/", "--dst-prefix=b/", "--ignore-submodules=all"),
    *("HEAD", "--", "."),
)
_CHANGES: Final = re.compile(rb"^diff --git (?:.*\n(?!diff --git ))*.*\n?", re.MULTILINE)
_NAMES: Final = re.compile(rb"diff --git a/(?P<name>.*) b/(?P=name)\n")
_BINARY: Final = re.compile(rb"^GIT binary patch$", re.MULTILINE)
_READ: Final = 64 << 20
"""Number of bytes of a binary file that are searched for secrets."""
_AT_ONCE: Final = 500
_INSTALLED: Final = frozenset({"site-packages", "dist-packages"})
_SPELT_OUT: Final = re.compile(r'[\x00-\x1f\x7f"\\]')
_ENVIRONMENT: Final = re.compile(r"\.env(\..*)?")


@frozen
class UnkeptChange:
    """A file whose change is not in the patch. `counts` is true if the pipeline was made from it."""

    path: str
    why: str
    counts: bool = False


@frozen
class Uncommitted:
    """The patch. Paths start at the top of the repository, in which the project is in `folder`.

    `is_whole` is False if the patch was cut, or git did not answer in time.
    """

    patch: bytes = b""
    untracked: tuple[str, ...] = ()
    left_out: tuple[UnkeptChange, ...] = ()
    is_whole: bool = True
    folder: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 hash of the patch."""
        return hashlib.sha256(self.patch).hexdigest()


def uncommitted(
    root: Path,
    counted: Mapping[str, bytes | None],
    clean: Callable[[bytes], bytes],
) -> Uncommitted:
    """Return what is not committed. `counted` maps absolute paths of the pipeline's files to what was read from them.

    `clean` returns content without secrets.
    """
    changes = ask_git(root, "-c", "core.quotepath=false", *_DIFF, limit=PATCH_LIMIT)
    prefix = ask_git(root, "rev-parse", "--show-prefix")
    if changes is None or prefix is None:
        return Uncommitted(is_whole=False)
    above = os.fsdecode(prefix.rstrip(b"\n"))
    files = dict(_below(root, counted, above))
    top = Path(os.path.normpath(root / os.path.relpath(".", above))) if above else root
    kept, left_out = [], []
    for change in _CHANGES.findall(changes):
        named = _NAMES.match(change)
        path = os.fsdecode(named["name"]) if named else ""
        why = _why_left_out(change, path, top, clean)
        if why is not None:
            left_out.append(UnkeptChange(path or "a file with an unusual name", why, path in files))
        elif change.count(b"\n") > 1:  # otherwise git only says that it was touched
            kept.append(change if change.endswith(b"\n") else change + b"\n")
    untracked = []
    tracked = _tracked(root, [os.path.relpath(top / path, root) for path in files])
    for path, content in files.items():
        if os.path.relpath(top / path, root) in tracked or _is_environment(path):
            continue
        why = "it is not text" if b"\0" in content else _secret_in(content, clean)
        if why is not None:
            left_out.append(UnkeptChange(path, why, counts=True))
            continue
        untracked.append(path)
        kept.append(_new_file(path, content, is_executable=os.access(top / path, os.X_OK)))
    patch = b"".join(kept)
    return Uncommitted(
        patch[:PATCH_LIMIT],
        tuple(untracked),
        tuple(left_out),
        len(patch) <= PATCH_LIMIT and len(changes) <= PATCH_LIMIT,
        above.rstrip("/"),
    )


def _below(root: Path, counted: Mapping[str, bytes | None], above: str) -> Iterator[tuple[str, bytes]]:
    """Yield the project's own files among these, by their paths from the top of the repository, sorted."""
    for path, content in sorted(counted.items()):
        place = Path(path)
        if content is not None and place.is_relative_to(root) and not _INSTALLED.intersection(place.parts):
            yield f"{above}{place.relative_to(root).as_posix()}", content


def _tracked(root: Path, paths: list[str]) -> frozenset[str]:
    """Return those of these paths, relative to the root, that git tracks; all if git does not answer."""
    found: set[str] = set()
    for at in range(0, len(paths), _AT_ONCE):
        some = paths[at : at + _AT_ONCE]
        listed = ask_git(root, "--literal-pathspecs", "ls-files", "-z", "--", *some)
        found.update(some if listed is None else map(os.fsdecode, listed.split(b"\0")))
    return frozenset(found)


def _why_left_out(change: bytes, path: str, top: Path, clean: Callable[[bytes], bytes]) -> str | None:
    if _is_environment(path):
        return "it may hold secrets"
    if not _BINARY.search(change):
        return _secret_in(change, clean)
    try:
        with (top / path).open("rb") as stream:
            content = stream.read(_READ + 1)
    except FileNotFoundError:  # it was deleted, so the patch contains the version in git
        return None
    except (OSError, ValueError):
        return "it cannot be read"
    return (
        "it is too large to be searched for secrets" if len(content) > _READ else _secret_in(content, clean)
    )


def _secret_in(content: bytes, clean: Callable[[bytes], bytes]) -> str | None:
    if clean(content) != content:
        return "it contains a secret"
    text = content.decode("utf-8", "replace")
    return "it contains a URI with a password" if without_passwords(text) != text else None


def _is_environment(path: str) -> bool:
    return _ENVIRONMENT.fullmatch(path.rpartition("/")[2]) is not None


def _new_file(path: str, content: bytes, *, is_executable: bool) -> bytes:
    """Return what `git diff` would output for a file that is not in the commit."""
    lines = content.split(b"\n")
    ending = b"" if lines[-1] else b"\n"
    lines = lines if lines[-1] else lines[:-1]
    head = [
        f"diff --git {_quoted(f'a/{path}')} {_quoted(f'b/{path}')}",
        f"new file mode 100{755 if is_executable else 644}",
    ]
    if not content:
        return _joined(head)
    tab = "\t" if " " in path else ""
    head += ["--- /dev/null", f"+++ {_quoted(f'b/{path}')}{tab}", f"@@ -0,0 +1,{len(lines)} @@"]
    body = b"".join(b"+" + line + b"\n" for line in lines)
    return _joined(head) + body + (b"" if ending else b"\\ No newline at end of file\n")


def _joined(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")


def _quoted(path: str) -> str:
    """Format a path as git does if it contains special characters."""
    if not _SPELT_OUT.search(path):
        return path
    return '"' + _SPELT_OUT.sub(lambda found: f"\\{ord(found[0]):03o}", path) + '"'
