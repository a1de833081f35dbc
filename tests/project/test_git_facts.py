import os
import subprocess

import pytest

from pipespec.project.git_state import GitFacts, git_facts
from pipespec.project.uncommitted import Uncommitted, uncommitted


def git(root, *arguments):
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    options = ["-c", "user.name=A", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"]
    return subprocess.run(
        ["git", "-C", str(root), *options, *arguments],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
    ).stdout.strip()


@pytest.fixture
def repository(tmp_path):
    git(tmp_path, "init")
    (tmp_path / "a.txt").write_text("one\n")
    git(tmp_path, "add", "a.txt")
    git(tmp_path, "commit", "-m", "First")
    return tmp_path


def test_tells_commit_and_branch(repository):
    commit = git(repository, "rev-parse", "HEAD")

    assert git_facts(repository) == GitFacts(commit, "main")
    git(repository, "checkout", "--detach")
    assert git_facts(repository).branch is None


def test_none_without_repository_commit_or_git(tmp_path, monkeypatch):
    assert git_facts(tmp_path) is None
    git(tmp_path, "init")
    assert git_facts(tmp_path) is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git_facts(tmp_path) is None


def test_runs_nothing_that_the_repository_names(repository):
    canary = repository / "canary"
    script = repository / "script"
    script.write_text(f"#!/bin/sh\ntouch {canary}\n")
    script.chmod(0o755)
    hooks = repository / ".git/hooks"
    hooks.mkdir(exist_ok=True)
    for hook in ("post-index-change", "fsmonitor-watchman", "pre-commit"):
        (hooks / hook).write_text(script.read_text())
        (hooks / hook).chmod(0o755)
    for key in (
        "core.fsmonitor",
        "core.pager",
        "diff.external",
        "core.editor",
        "diff.mine.textconv",
        "diff.mine.command",
    ):
        git(repository, "config", key, str(script))
    (repository / ".gitattributes").write_text("*.txt diff=mine\n")
    (repository / "a.txt").write_text("two\n")
    canary.unlink(missing_ok=True)

    assert git_facts(repository)
    assert uncommitted(repository, {}, bytes).patch.endswith(b"-one\n+two\n")
    assert not canary.exists()


def test_the_environment_of_a_hook_does_not_mislead(repository, tmp_path_factory, monkeypatch):
    monkeypatch.setenv("GIT_DIR", str(tmp_path_factory.mktemp("other")))

    assert git_facts(repository).branch == "main"


def test_takes_no_lock_and_leaves_the_index_alone(repository):
    index = (repository / ".git/index").read_bytes()
    os.utime(repository / "a.txt", (1, 1))

    assert uncommitted(repository, {}, bytes) == Uncommitted()
    assert (repository / ".git/index").read_bytes() == index
