from pathlib import Path

from pipespec.project.project_root import find_root


def test_the_root_is_the_nearest_folder_with_a_mark(tmp_path):
    (tmp_path / "a/b/c").mkdir(parents=True)
    (tmp_path / "pyproject.toml").touch()
    assert find_root(tmp_path / "a/b/c/pipeline.yaml") == tmp_path
    (tmp_path / "a/b/.git").mkdir()
    assert find_root(tmp_path / "a/b/c/pipeline.yaml") == tmp_path / "a/b"
    (tmp_path / "a/b/c/.git").write_text("gitdir: elsewhere")
    assert find_root(tmp_path / "a/b/c/pipeline.yaml") == tmp_path / "a/b/c"


def test_without_a_mark_it_is_the_file_s_own_folder(tmp_path):
    marked = [place for place in (tmp_path, *tmp_path.parents) if (place / "pyproject.toml").exists()]

    assert find_root(tmp_path / "a/pipeline.yaml") == (marked[0] if marked else tmp_path / "a")


def test_a_relative_file_gets_an_absolute_root(tmp_path, monkeypatch):
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.chdir(tmp_path)

    assert find_root(Path("pipeline.yaml")) == tmp_path
