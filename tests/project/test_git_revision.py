"""A project at a revision: its files and modules as git has them, whatever the disk holds now."""

import subprocess

import pytest

from pipespec.errors import UsageError
from pipespec.project.git_revision import GitModules, GitTree
from pipespec.python.modules import Origin


def git(folder, *arguments):
    identity = ("-c", "user.name=someone", "-c", "user.email=someone@example.org")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def root(tmp_path):
    """A project in a folder of a repository, changed since its commit."""
    root = tmp_path / "mono" / "dä ta"
    (root / "package").mkdir(parents=True)
    (root / "package" / "__init__.py").write_text("")
    (root / "package" / "inner.py").write_text("X = 1\n")
    (root / "gone.py").write_text("Y = 1\n")
    (root / "link.py").symlink_to("/etc/passwd")
    (tmp_path / "mono" / "outside.py").write_text("Z = 1\n")
    git(tmp_path / "mono", "init", "-q")
    git(tmp_path / "mono", "add", ".")
    git(tmp_path / "mono", "commit", "-q", "-m", "first")
    (root / "package" / "inner.py").write_text("X = 2\n")
    (root / "gone.py").unlink()
    (root / "new.py").write_text("")
    return root


@pytest.fixture
def tree(root):
    return GitTree.open(root, "HEAD")


def test_files_are_those_of_the_commit(tree, root):
    assert tree.read(root / "package/inner.py", 100) == b"X = 1\n"
    assert tree.read(root / "gone.py", 3) == b"Y ="
    assert tree.names(root) == {"package", "gone.py", "link.py"}
    assert tree.names(root / "package") == {"__init__.py", "inner.py"}
    assert tree.is_folder(root / "package")
    assert not tree.is_folder(root / "gone.py")


@pytest.mark.parametrize("name", ["new.py", "../outside.py", "package", "link.py"])
def test_nothing_else_is_read(tree, root, name):
    with pytest.raises(OSError):
        tree.read(root / name, 100)


def test_modules_are_those_of_the_commit(tree, root):
    modules = GitModules(tree)

    assert modules.find("gone", [root]).path == root / "gone.py"
    assert modules.find("new", [root]) is None
    assert modules.read(modules.find("package.inner", [root]).path) == b"X = 1\n"
    assert modules.find("pytest", [root]).origin is Origin.INSTALLED
    assert set(modules.children("package", [root])) == {"inner"}


@pytest.mark.parametrize("revision", ["nowhere", "--all", "HEAD:gone.py", "", "HEAD\nx"])
def test_unknown_revision_is_refused(root, revision):
    with pytest.raises(UsageError, match="git has no revision"):
        GitTree.open(root, revision)


def test_folder_without_git_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))

    with pytest.raises(UsageError, match="is not in a readable git repository"):
        GitTree.open(tmp_path, "HEAD")
