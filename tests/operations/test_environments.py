"""`--environment uv`: an environment with what was recorded, made by the real uv from a wheel on this disk."""

import shutil
import subprocess
import sys
import zipfile

import pytest

from pipespec.errors import PipespecError
from pipespec.operations.reproducing.environments import environment

pytestmark = [
    pytest.mark.installs,
    pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not installed"),
]
PYTHON = ".".join(map(str, sys.version_info[:3]))


@pytest.fixture
def wheel(tmp_path):
    path = tmp_path / "wheels" / "demo-1.5-py3-none-any.whl"
    path.parent.mkdir()
    about = "demo-1.5.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("demo.py", "VALUE = 7\n")
        archive.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: demo\nVersion: 1.5\n")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(
            f"{about}/RECORD", f"demo.py,,\n{about}/METADATA,,\n{about}/WHEEL,,\n{about}/RECORD,,\n"
        )
    return path


def test_it_has_what_was_recorded_and_pipespec_of_today_and_nothing_else(tmp_path, wheel):
    project = tmp_path / "project"
    project.mkdir()
    packages = [f"demo @ file://{wheel}", "pipespec==0.0.1", f"own @ file://{project}"]
    python, ours = environment(tmp_path, packages, PYTHON, project)
    asked = "import demo, importlib.metadata as m, sys; print(demo.VALUE, m.version('demo'), sys.version.split()[0])"
    done = subprocess.run([python, "-c", asked], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == (f"7 1.5 {PYTHON}\n", "")
    path = ":".join(map(str, ours))
    asked = "import pipespec, importlib.metadata as m; print(pipespec.__version__ == m.version('pipespec'))"
    done = subprocess.run([python, "-c", asked], capture_output=True, text=True, env={"PYTHONPATH": path})
    assert (done.stdout, done.stderr) == ("True\n", "")
    assert subprocess.run([python, "-c", "import luigi"], capture_output=True).returncode == 1


def test_what_cannot_be_installed_is_one_line(tmp_path):
    gone = tmp_path / "gone-1.0-py3-none-any.whl"
    with pytest.raises(PipespecError, match=r"^uv cannot make the environment: .*gone") as raised:
        environment(tmp_path, [f"gone @ file://{gone}"], PYTHON, tmp_path / "project")
    assert "\n" not in str(raised.value)
