import sys
from importlib import metadata

from pipespec.project.installed_packages import installed_packages, package_versions


def test_versions_of_what_is_installed_and_none_of_what_is_not():
    assert package_versions(["pytest", "no-such-package", ""]) == {
        "": None,
        "no-such-package": None,
        "pytest": metadata.version("pytest"),
    }


def test_every_distribution_is_listed_once_in_order():
    found = installed_packages()

    assert found["pytest"] == metadata.version("pytest")
    assert list(found) == sorted(found, key=str.lower)


def test_a_broken_distribution_is_passed_over(tmp_path, monkeypatch):
    (tmp_path / "half-1.0.dist-info").mkdir()
    (tmp_path / "half-1.0.dist-info/METADATA").write_text("Metadata-Version: 2.1\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])

    assert "half" not in installed_packages()
