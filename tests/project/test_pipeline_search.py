"""Which files below a folder are taken for pipelines."""

import subprocess

import pytest

from pipespec.project.pipeline_search import find_pipelines

RUN = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("pipespec: 1\n")


def ignoring(folder, *lines):
    subprocess.run(["git", "init", "-q", folder], check=True)
    (folder / ".gitignore").write_text("".join(f"{line}\n" for line in lines))


@pytest.mark.parametrize(
    "name",
    [
        "mlartifacts/1/a/artifacts/pipespec/p.yaml",
        "mlruns/1/a/artifacts/p.yaml",
        f"store/1/{RUN}/artifacts/p.yaml",
        ".pipespec/p.yaml",
        "node_modules/a/p.yaml",
        ".hidden.yaml",
        "readme.md",
    ],
)
def test_what_is_no_work_of_the_project_is_not_found(folder, name):
    write(folder, "p.yaml", name)

    assert find_pipelines(["."]) == ("p.yaml",)


@pytest.mark.parametrize("name", ["artifacts/p.yaml", f"{RUN}/p.yaml", "mlruns.yaml", "a/b/c.yml"])
def test_what_only_looks_alike_is_found(folder, name):
    write(folder, name)

    assert find_pipelines(["."]) == (name,)


def test_what_git_ignores_is_not_found_files_and_folders(folder):
    ignoring(folder, "/build/", "*.local.yaml", "!keep.local.yaml")
    write(folder, "p.yaml", "build/a/p.yaml", "a/x.local.yaml", "a/keep.local.yaml", "a/build/p.yaml")

    assert find_pipelines(["."]) == ("p.yaml", "a/keep.local.yaml", "a/build/p.yaml")
    assert find_pipelines(["a"]) == ("a/keep.local.yaml", "a/build/p.yaml")


def test_an_ignored_file_that_git_tracks_is_found(folder):
    ignoring(folder, "build/")
    write(folder, "build/p.yaml", "build/q.yaml")
    subprocess.run(["git", "-C", folder, "add", "-f", "build/p.yaml"], check=True)

    assert find_pipelines(["."]) == ("build/p.yaml",)


def test_what_a_user_names_is_taken_whatever_git_says(folder):
    ignoring(folder, "build/")
    write(folder, "build/p.yaml", "build/a/q.yaml", "mlruns/r.yaml")

    assert find_pipelines(["build", "build/p.yaml", "mlruns"]) == (
        "build/p.yaml",
        "build/a/q.yaml",
        "mlruns/r.yaml",
    )
