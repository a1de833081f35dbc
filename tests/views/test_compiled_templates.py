"""Templates are compiled once for a user; what is kept of that is believed only whole, and only of the same text."""

from __future__ import annotations

from pathlib import Path

import pytest
from jinja2 import DictLoader, Environment

from pipespec.views.compiled_templates import CompiledTemplates


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """The folder of an empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "pipespec"


@pytest.fixture
def rendered(monkeypatch):
    """Render a text anew, and say whether it was compiled for that."""

    def render(text: str) -> tuple[str, bool]:
        compiled = []
        original = Environment.compile

        def compile_(self, *args, **more):
            compiled.append(args)
            return original(self, *args, **more)

        with monkeypatch.context() as patched:
            patched.setattr(Environment, "compile", compile_)
            environment = Environment(
                loader=DictLoader({"page": text}), autoescape=True, bytecode_cache=CompiledTemplates()
            )
            return environment.get_template("page").render(name="<x>"), bool(compiled)

    return render


def test_a_text_is_compiled_once(cache, rendered):
    assert [rendered("of {{ name }}") for _ in range(2)] == [("of &lt;x&gt;", True), ("of &lt;x&gt;", False)]
    (file,) = cache.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


def test_another_text_takes_its_place(cache, rendered):
    rendered("old {{ name }}")
    assert rendered("new {{ name }}") == ("new &lt;x&gt;", True)
    assert rendered("new {{ name }}") == ("new &lt;x&gt;", False)
    assert len([*cache.iterdir()]) == 1


def _link(file: Path) -> None:
    other = file.rename(file.with_name("elsewhere"))
    file.symlink_to(other)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda file: file.write_bytes(file.read_bytes()[:-1]),
        lambda file: file.write_bytes(bytes(byte ^ 1 for byte in file.read_bytes())),
        lambda file: file.write_bytes(b""),
        lambda file: file.chmod(0o666),
        _link,
    ],
    ids=["cut", "changed", "empty", "written by others", "a link"],
)
def test_what_cannot_be_believed_is_compiled_anew(cache, rendered, spoil):
    rendered("of {{ name }}")
    (file,) = cache.iterdir()
    spoil(file)
    assert rendered("of {{ name }}") == ("of &lt;x&gt;", True)
    assert rendered("of {{ name }}") == ("of &lt;x&gt;", False)


def test_without_a_folder_it_is_compiled_each_time(tmp_path, monkeypatch, rendered):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    (tmp_path / "file").write_text("in the way")
    assert [rendered("of {{ name }}") for _ in range(2)] == [("of &lt;x&gt;", True)] * 2
