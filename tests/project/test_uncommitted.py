"""What is not committed, as a patch: it applies to the commit, and gives the same files again; no secret is in it."""

import os
import subprocess
from pathlib import Path

import pytest

from pipespec.project.uncommitted import PATCH_LIMIT, UnkeptChange, uncommitted
from pipespec.step.secrets import Redactor

SECRET = "s3cr3t-t0ken"
CLEAN = Redactor({"TOKEN": SECRET}).clean


def git(root, *arguments):
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    options = ["-c", "user.name=A", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"]
    subprocess.run(
        ["git", "-C", str(root), *options, *arguments], check=True, capture_output=True, env=environment
    )


@pytest.fixture
def repository(tmp_path):
    root = tmp_path / "repository"
    (root / "sub").mkdir(parents=True)
    git(root, "init")
    files = {
        "a.txt": b"one\n",
        "data.bin": bytes(range(256)) * 9,
        "gone.txt": b"x\n",
        "sub/b.txt": b"b\n",
        ".env": b"A=1\n",
    }
    for name, content in files.items():
        (root / name).write_bytes(content)
    git(root, "add", ".")
    git(root, "commit", "-m", "First")
    return root


def tree(root: Path) -> dict[str, tuple[bytes, bool]]:
    files = [path for path in root.rglob("*") if path.is_file() and ".git" not in path.parts]
    return {
        path.relative_to(root).as_posix(): (path.read_bytes(), os.access(path, os.X_OK)) for path in files
    }


def applied(root: Path, patch: bytes) -> dict[str, tuple[bytes, bool]]:
    """All files of the commit with the patch applied to it."""
    copy = root.parent / "copy"
    git(root, "worktree", "add", "--detach", str(copy), "HEAD")
    subprocess.run(["git", "-C", str(copy), "apply", "--whitespace=nowarn"], input=patch, check=True)
    return tree(copy)


HOSTILE = {
    "a.txt": b"two\r\nCP932 \x83e\x83X\x83g\nno end",
    "data.bin": bytes(range(255, -1, -1)) * 9,
    "sub/b.txt": b"diff --git a/a.txt b/a.txt\n--- x\n",
    "sub/new module.py": b"x = 1\n",
    "sub/\u00fc.py": b"",
    'sub/qu"ote.py': b"y = 2",
    "plain.py": b"\n\n\r\n",
}


@pytest.mark.parametrize("place", ["", "sub"])
def test_the_commit_with_the_patch_is_the_work_tree(repository, place):
    git(repository, "config", "diff.noprefix", "true")
    git(repository, "config", "core.quotepath", "true")
    (repository / "gone.txt").unlink()
    for name, content in HOSTILE.items():
        if name.startswith(place):
            (repository / name).write_bytes(content)
    new = [name for name in HOSTILE if name.endswith(".py") and name.startswith(place)]
    (repository / new[0]).chmod(0o755)
    counted = {str(repository / name): HOSTILE[name] for name in (*new, "sub/b.txt")}
    found = uncommitted(repository / place, counted, CLEAN)

    assert found.untracked == tuple(sorted(new))
    assert (found.is_whole, found.left_out) == (True, ())
    now = tree(repository)
    if place:  # what is above the project is no part of it
        now["gone.txt"] = (b"x\n", False)
    assert applied(repository, found.patch) == now


def test_secrets_and_what_does_not_count_are_not_in_it(repository):
    (repository / "a.txt").write_text(f"token = '{SECRET}'\n")
    (repository / "data.bin").write_bytes(b"\0" + SECRET.encode() * 2)
    (repository / "sub/b.txt").write_text("postgresql://user:pass@host/db\n")
    (repository / ".env").write_text("B=2\n")
    new = {
        "code.py": b"x = 1\n",
        "key.py": SECRET.encode(),
        ".env.local": b"C=3",
        "odd.py": b"\0",
        "other.txt": b"not read",
    }
    for name, content in new.items():
        (repository / name).write_bytes(content)
    counted = {str(repository / name): content for name, content in new.items() if name != "other.txt"}
    counted[str(repository / "a.txt")] = b"as it was read"
    found = uncommitted(repository, counted, CLEAN)

    assert found.untracked == ("code.py",)
    assert found.left_out == (
        UnkeptChange(".env", "it may hold secrets"),
        UnkeptChange("a.txt", "it contains a secret", counts=True),
        UnkeptChange("data.bin", "it contains a secret"),
        UnkeptChange("sub/b.txt", "it contains a URI with a password"),
        UnkeptChange("key.py", "it contains a secret", counts=True),
        UnkeptChange("odd.py", "it is not text", counts=True),
    )
    assert found.patch.count(b"diff --git") == 1
    assert b"+x = 1\n" in found.patch


def test_a_large_patch_is_cut_and_says_so(repository):
    (repository / "a.txt").write_text("x" * (PATCH_LIMIT + 1))
    found = uncommitted(repository, {}, CLEAN)

    assert (len(found.patch), found.is_whole) == (PATCH_LIMIT, False)


def test_nothing_is_uncommitted_in_a_clean_work_tree(repository):
    os.utime(repository / "a.txt", (1, 1))
    content = (repository / "a.txt").read_bytes()
    found = uncommitted(repository, {str(repository / "a.txt"): content}, CLEAN)

    assert (found.patch, found.untracked, found.left_out, found.is_whole) == (b"", (), (), True)
