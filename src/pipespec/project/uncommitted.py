"""What a project has beyond its last commit, as a patch that `git apply` takes.

Takes the project's root, the files that a pipeline was made of, and what takes secrets out of content; gives the patch of changed
tracked files below the root, and of those of the pipeline's files that git does not track. Other untracked files never stand in it,
nor files named `.env`. A file that holds a secret or a password is left out whole: a patch without a part of it would not
apply, or make something else. The repository's filters may run, its hooks and helpers not.
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
"""Bytes of a patch that are kept; a longer one is cut, and can only be read."""

_DIFF: Final = (
    *("diff", "--no-ext-diff", "--no-textconv", "--no-color", "--no-renames", "--no-relative", "-U3"),
    *("--binary", "--full-index", "--src-prefix=a/", "--dst-prefix=b/", "--ignore-submodules=all"),
    *("HEAD", "--", "."),
)
_CHANGES: Final = re.compile(rb"^diff --git (?:.*\n(?!diff --git ))*.*\n?", re.MULTILINE)
_NAMES: Final = re.compile(rb"diff --git a/(?P<name>.*) b/(?P=name)\n")
_BINARY: Final = re.compile(rb"^GIT binary patch$", re.MULTILINE)
_READ: Final = 64 << 20
"""Bytes of a binary file that are searched for secrets."""
_AT_ONCE: Final = 500
_INSTALLED: Final = frozenset({"site-packages", "dist-packages"})
_SPELT_OUT: Final = re.compile(r'[\x00-\x1f\x7f"\\]')
_ENVIRONMENT: Final = re.compile(r"\.env(\..*)?")


@frozen
class UnkeptChange:
    """A file whose change is not in the patch; `counts` where the pipeline was made of it."""

    path: str
    why: str
    counts: bool = False


@frozen
class Uncommitted:
    """Paths start at the top of the repository, in which the project is in `folder`.

    `is_whole` is False where the patch was cut, or git did not answer in time.
    """

    patch: bytes = b""
    untracked: tuple[str, ...] = ()
    left_out: tuple[UnkeptChange, ...] = ()
    is_whole: bool = True
    folder: str = ""

    @property
    def digest(self) -> str:
        """sha256 of the patch."""
        return hashlib.sha256(self.patch).hexdigest()


def uncommitted(
    root: Path,
    counted: Mapping[str, bytes | None],
    clean: Callable[[bytes], bytes],
) -> Uncommitted:
    """Say what is not committed; `counted` maps absolute paths of the pipeline's files to what was read of them.

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
        elif change.count(b"\n") > 1:  # else git only says that it was touched
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
    """Return those of these paths, which start at the root, that git tracks; all where it does not say."""
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
    except FileNotFoundError:  # it was deleted, so the patch holds what git has
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
    """Return what `git diff` would say of a file that is not in the commit."""
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
    """Spell a path as git does where it has characters that would end it."""
    if not _SPELT_OUT.search(path):
        return path
    return '"' + _SPELT_OUT.sub(lambda found: f"\\{ord(found[0]):03o}", path) + '"'
