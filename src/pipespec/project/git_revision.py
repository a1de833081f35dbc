"""A project as it is in git at one revision: its files and modules, read from git's objects without a checkout.

Takes the project root and a revision. Refuses, in one line, a revision that does not exist. Nothing is written, no
hook, filter or helper runs, and no other host is contacted. Links are not followed, and submodules are not included.
"""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Final, Self

from pipespec.errors import UsageError
from pipespec.project.disk_modules import DiskModules
from pipespec.project.git_state import ask_git

__all__ = ["GitModules", "GitTree", "commit_of"]

_LISTING: Final = 64 << 20
"""Maximum number of bytes of git's list of files that are read."""
_SOURCE: Final = 16 << 20
_LINK: Final = b"120000"
_INSTALLED: Final = frozenset({"site-packages", "dist-packages"})


def commit_of(root: Path, revision: str) -> str:
    """Return the commit, 40 digits, that a revision means: a commit, branch, tag, or anything that git accepts as a revision.

    Raises:
        UsageError: if the project is not in a repository, or the revision is not in it.
    """
    if ask_git(root, "rev-parse", "--show-toplevel") is None:
        raise UsageError(
            f"'{root}' is not in a readable git repository, so it has no revision '{revision}'; to compare without git, name two files, or run:ID"
        )
    commit = ask_git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if commit is None:
        raise UsageError(f"git has no revision '{revision}' here; 'git log' lists revisions")
    return commit.decode("ascii").strip()


class GitTree:
    """The files below the project root at one commit.

    `blobs` maps each file's path, relative to the root, to git's object. `links` are those that are symbolic links.
    """

    def __init__(self, root: Path, commit: str, blobs: dict[str, str], links: frozenset[str]) -> None:
        self.root = root
        self.commit = commit
        self._blobs = blobs
        self._links = links
        self._folders: dict[str, set[str]] = {"": set()}
        for name in blobs:
            while name:
                folder, _, base = name.rpartition("/")
                known = folder in self._folders
                self._folders.setdefault(folder, set()).add(base)
                if known:
                    break
                name = folder  # noqa: PLW2901 - the folders around it

    @classmethod
    def open(cls, root: Path, revision: str) -> Self:
        """Open a revision: a commit, branch, tag, or anything that git accepts as a revision.

        Raises:
            UsageError: if the project is not in a repository, or the revision is not in it.
        """
        commit = commit_of(root, revision)
        top = ask_git(root, "rev-parse", "--show-toplevel") or b""
        place = Path(os.path.realpath(root)).relative_to(os.path.realpath(os.fsdecode(top.rstrip(b"\n"))))
        return cls._listed(root, commit, "" if str(place) == "." else f"{place}/")

    @classmethod
    def _listed(cls, root: Path, commit: str, prefix: str) -> Self:
        below = ("--", prefix) if prefix else ()
        listing = ask_git(root, "ls-tree", "-r", "-z", "--full-tree", commit, *below, limit=_LISTING)
        if listing is None or len(listing) > _LISTING:
            raise UsageError(f"git cannot list the files of revision '{commit[:12]}'")
        blobs: dict[str, str] = {}
        links: set[str] = set()
        for row in listing.split(b"\0")[:-1]:
            about, _, name = row.partition(b"\t")
            mode, kind, blob = about.split(b" ", 2)
            path = os.fsdecode(name).removeprefix(prefix)
            if kind == b"blob":
                blobs[path] = blob.decode("ascii").strip()
            if mode == _LINK:
                links.add(path)
        return cls(root, commit, blobs, frozenset(links))

    def covers(self, path: Path) -> bool:
        """Return whether a path belongs to the project, and not to packages that are installed in its folder."""
        return path.is_relative_to(self.root) and not _INSTALLED.intersection(path.parts)

    def read(self, path: Path, limit: int) -> bytes:
        """Return at most the first `limit` bytes of a file.

        Raises:
            OSError: if the revision has no such file, or it is a link.
        """
        name = self._name(path)
        if name is None or name not in self._blobs:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
        if name in self._links:
            raise OSError(errno.ELOOP, "it is a link, and links are not followed in git", str(path))
        content = ask_git(self.root, "cat-file", "blob", self._blobs[name], limit=limit)
        if content is None:
            raise OSError(errno.EIO, "git cannot read it", str(path))
        return content[:limit]

    def real(self, path: Path) -> str:
        """Return the path unchanged: links are not followed."""
        return os.path.normpath(path)

    def names(self, folder: Path) -> frozenset[str]:
        """Return the names in a folder; none if there is no such folder."""
        name = self._name(folder)
        return frozenset(() if name is None else self._folders.get(name, ()))

    def is_folder(self, path: Path) -> bool:
        """Return whether a path is a folder."""
        name = self._name(path)
        return name is not None and name in self._folders

    def _name(self, path: Path) -> str | None:
        normal = Path(os.path.normpath(path))
        if not normal.is_relative_to(self.root):
            return None
        name = normal.relative_to(self.root).as_posix()
        return "" if name == "." else name


class GitModules(DiskModules):
    """The project's modules at a revision, and the packages that are installed now."""

    def __init__(self, tree: GitTree) -> None:
        super().__init__(tree.root, path=[entry for entry in sys.path if not tree.covers(Path(entry))])
        self._tree = tree

    def read(self, path: Path) -> bytes:
        """Read a module's source.

        Raises:
            OSError: if it does not exist, is a link, or is larger than 16 MiB.
        """
        if not self._tree.covers(path):
            return super().read(path)
        content = self._tree.read(path, _SOURCE + 1)
        if len(content) > _SOURCE:
            raise OSError(errno.EFBIG, f"it is larger than {_SOURCE >> 20} MiB", str(path))
        return content

    def _listing(self, folder: Path) -> frozenset[str]:
        return self._tree.names(folder) if self._tree.covers(folder) else super()._listing(folder)

    def _is_folder(self, path: Path) -> bool:
        return self._tree.is_folder(path) if self._tree.covers(path) else super()._is_folder(path)

    def _real(self, path: Path) -> str:
        return self._tree.real(path) if self._tree.covers(path) else super()._real(path)
