import os
import sys
from pathlib import Path

import pytest

from pipespec.project.disk_modules import DiskModules
from pipespec.python.modules import ModuleFile, Origin


def write(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def find(root, module, *folders, sites=()):
    return DiskModules(root, list(sites)).find(module, folders or [root])


def test_finds_modules_packages_and_namespaces(tmp_path):
    write(tmp_path, "a.py", "p/__init__.py", "p/b.py", "p/q/__init__.py", "n/c.py")

    assert find(tmp_path, "a") == ModuleFile(tmp_path / "a.py")
    assert find(tmp_path, "p") == ModuleFile(tmp_path / "p/__init__.py", is_package=True)
    assert find(tmp_path, "p.b") == ModuleFile(tmp_path / "p/b.py")
    assert find(tmp_path, "p.q") == ModuleFile(tmp_path / "p/q/__init__.py", is_package=True)
    assert find(tmp_path, "n") == ModuleFile(tmp_path / "n", is_package=True)
    assert find(tmp_path, "n.c") == ModuleFile(tmp_path / "n/c.py")
    for missing in ("b", "p.a", "a.b", "p.q.c", "n.c.d"):
        assert find(tmp_path, missing) is None


def test_the_first_folder_wins_and_a_package_over_a_mere_folder(tmp_path):
    write(
        tmp_path,
        "one/a.py",
        "two/a.py",
        "one/p/x.py",
        "two/p/__init__.py",
        "one/m/__init__.py",
        "one/m.py",
        "site/a.py",
        "site/s.py",
    )
    folders = tmp_path / "one", tmp_path / "two"

    assert find(tmp_path, "a", *folders, sites=[tmp_path / "site"]).path == tmp_path / "one/a.py"
    assert find(tmp_path, "p", *folders).path == tmp_path / "two/p/__init__.py"
    assert find(tmp_path, "p.x", *folders) is None
    assert find(tmp_path, "m", *folders).path == tmp_path / "one/m/__init__.py"
    assert find(tmp_path, "s", *folders, sites=[tmp_path / "site"]) == ModuleFile(
        tmp_path / "site/s.py", Origin.INSTALLED
    )


def test_the_portions_of_a_namespace_are_joined(tmp_path):
    write(tmp_path, "one/n/a.py", "two/n/b.py")

    assert find(tmp_path, "n.b", tmp_path / "one", tmp_path / "two").path == tmp_path / "two/n/b.py"


def test_names_are_spelt_as_on_disk(tmp_path):
    write(tmp_path, "Upper.py")

    assert find(tmp_path, "upper") is None


def test_compiled_modules_are_found_as_such(tmp_path):
    write(tmp_path, "fast.abi3.so", "old.pyc")

    assert find(tmp_path, "fast").path.suffix == ".so"
    assert find(tmp_path, "old").path.suffix == ".pyc"


def test_the_library_of_python_is_told_from_what_is_installed(tmp_path):
    files = DiskModules(tmp_path)

    assert files.find("json", []).origin is Origin.STDLIB
    assert files.find("pytest", []).origin is Origin.INSTALLED
    assert files.find("sys", []) is None
    assert files.distribution("pytest", files.find("pytest", [])) == ("pytest", pytest.__version__)
    assert files.distribution("json", files.find("json", [])) is None


def test_finding_imports_nothing(tmp_path, monkeypatch):
    (tmp_path / "p").mkdir()
    (tmp_path / "p/__init__.py").write_text("raise SystemExit")
    (tmp_path / "p/q.py").write_text("raise SystemExit")
    before = set(sys.modules)

    assert find(tmp_path, "p.q") is not None
    assert set(sys.modules) == before


def test_links_out_of_the_root_are_refused_links_within_are_not(tmp_path):
    write(tmp_path, "outside/p/__init__.py", "outside/a.py", "root/inner/c.py")
    root = tmp_path / "root"
    (root / "p").symlink_to(tmp_path / "outside/p")
    (root / "a.py").symlink_to(tmp_path / "outside/a.py")
    (root / "c.py").symlink_to(root / "inner/c.py")
    (tmp_path / "linked").symlink_to(root)

    assert find(root, "p").refusal == "is a link to a file outside of the project"
    assert find(root, "a").refusal == "is a link to a file outside of the project"
    assert find(root, "c").refusal is None
    assert find(tmp_path / "linked", "c", tmp_path / "linked").refusal is None


def test_reads_regular_files_of_bounded_size(tmp_path):
    (tmp_path / "a.py").write_bytes(b"x = 1")
    os.mkfifo(tmp_path / "pipe.py")
    with (tmp_path / "large.py").open("wb") as file:
        file.truncate(17 << 20)
    files = DiskModules(tmp_path, [])

    assert files.read(tmp_path / "a.py") == b"x = 1"
    for name in ("pipe.py", "large.py", "gone.py", "."):
        with pytest.raises(OSError):
            files.read(tmp_path / name)


def test_lists_what_could_have_been_meant(tmp_path):
    write(
        tmp_path, "a.py", "p/__init__.py", "p/b.py", "data/x.csv", "not-a-name.py", "src/c.py", ".hidden/d.py"
    )
    files = DiskModules(tmp_path, [])

    assert sorted(files.children("", [tmp_path, tmp_path / "src"])) == ["a", "c", "p", "src"]
    assert sorted(files.children("p", [tmp_path])) == ["b"]
    assert list(files.children("a", [tmp_path])) == []
    assert list(files.children("gone", [tmp_path])) == []


def test_editable_installs_are_found_through_their_mapping(tmp_path):
    site = tmp_path / "site"
    write(tmp_path, "elsewhere/lib/__init__.py", "elsewhere/lib/core.py")
    site.mkdir()
    (site / "__editable___lib_1_0_finder.py").write_text(
        f"raise SystemExit\nMAPPING: dict[str, str] = {{'lib': {str(tmp_path / 'elsewhere/lib')!r}}}\n"
    )
    (site / "__editable___bad_1_0_finder.py").write_text("MAPPING = nonsense(")

    found = find(tmp_path / "root", "lib.core", sites=[site])
    assert found == ModuleFile(tmp_path / "elsewhere/lib/core.py", Origin.PROJECT)


def test_a_folder_that_is_not_there_holds_nothing(tmp_path):
    assert find(tmp_path, "a", Path("/no/such/folder"), sites=[Path("/nor/this")]) is None


def test_editable_installs_of_other_builders_are_found_through_their_record(tmp_path):
    site = tmp_path / "site"
    write(tmp_path, "my work/src/lib/__init__.py", "my work/src/lib/core.py")
    (site / "lib-1.0.dist-info").mkdir(parents=True)
    url = (tmp_path / "my work").as_uri()
    (site / "lib-1.0.dist-info/direct_url.json").write_text(
        f'{{"url": "{url}", "dir_info": {{"editable": true}}}}'
    )
    for name, record in (
        ("bad", "{"),
        ("fixed", f'{{"url": "{url}", "dir_info": {{}}}}'),
        ("far", '{"url": 1}'),
    ):
        (site / f"{name}-1.0.dist-info").mkdir()
        (site / f"{name}-1.0.dist-info/direct_url.json").write_text(record)

    found = find(tmp_path / "root", "lib.core", sites=[site])
    assert found == ModuleFile(tmp_path / "my work/src/lib/core.py", Origin.PROJECT)


def test_what_is_on_the_path_and_not_installed_is_the_projects_own(tmp_path):
    write(tmp_path, "shared/team.py", "venv/site-packages/lib.py")
    files = DiskModules(
        tmp_path / "root", path=[str(tmp_path / "shared"), str(tmp_path / "venv/site-packages")]
    )

    assert [files.find(name, []).origin for name in ("team", "lib")] == [Origin.PROJECT, Origin.INSTALLED]
