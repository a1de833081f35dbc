"""The folder of pipespec's own files in a project."""

from pipespec.state_folder import StateFolder


def test_it_is_made_once_and_ignored_by_git(tmp_path):
    state = StateFolder.of(tmp_path)
    assert not state.path.exists()

    assert state.made() == state
    (state.path / ".gitignore").write_text("kept\n")

    assert state.made().path == tmp_path / ".pipespec"
    assert (state.path / ".gitignore").read_text() == "kept\n"
    assert (StateFolder.of(tmp_path / "other").made().path / ".gitignore").read_text() == "*\n"
