"""Try a version of MLflow: does pipespec leave the rows there that this version's own client leaves?

    python tests/mlflow_versions/try_version.py 3.18.0 [FOLDER]

Makes a virtual environment in FOLDER (a temporary one if left out) with that MLflow in front of all that the
environment of this Python has, and runs the tests in it by which a version is admitted. Wants the network for one
package. Ends with the tests' exit code. CONTRIBUTING.md says what follows from it.
"""

from __future__ import annotations

import os
import site
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

TESTS = Path(__file__).parents[1]
ADMITTED_BY = (
    "tracking/test_writers_compared.py",
    "tracking/test_store_writers.py",
    "tracking/test_recorder.py",
)
SKIPPED = "processes_that_write_at_once or eight_processes or process_killed or what_mlflow_says"
"""What they show does not change with MLflow, and takes most of the time."""


def make_environment(folder: Path, version: str) -> Path:
    """Make a virtual environment with one other MLflow; return its Python."""
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    shared = [path for path in (*site.getsitepackages(), site.getusersitepackages()) if Path(path).is_dir()]
    lines = [f"import site; site.addsitedir({path!r})\n" for path in shared]
    (own,) = folder.glob("lib/python*/site-packages")
    (own / "shared.pth").write_text("".join(lines), encoding="utf-8")
    # `mlflow` holds all of the packages that it requires in its own version; without them pip would install a hundred.
    install = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "-q",
        "--no-deps",
        f"mlflow=={version}",
    ]
    subprocess.run(install, check=True, stdout=sys.stderr)
    return python


def try_version(version: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the tests by which a version is admitted, with that version."""
    python = make_environment(folder, version)
    found = subprocess.run(
        [python, "-W", "ignore", "-c", "import mlflow; print(mlflow.__version__)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout == f"{version}\n", found.stdout
    return subprocess.run(
        [
            python,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-k",
            f"not ({SKIPPED})",
            "-m",
            "not servers",
        ]
        + [str(TESTS / test) for test in ADMITTED_BY],
        cwd=TESTS.parent,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONWARNINGS": "ignore:Versions of mlflow:UserWarning"},
    )


def main(version: str, *folder: str) -> int:
    """Try a version, and show what the tests say."""
    with tempfile.TemporaryDirectory() as scratch:
        done = try_version(version, Path(folder[0] if folder else scratch, version))
    print(done.stdout, done.stderr)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
