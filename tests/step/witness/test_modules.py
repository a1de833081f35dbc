"""Modules that a step loads beyond what its key counts, each in a process as a step has it."""

import json
import os
import subprocess
import sys
import textwrap

import pytest

FILES = {
    "own.py": "import shared\ndef f():\n    return 1\n",
    "shared.py": "def g():\n    return 1\ndef h():\n    return 2\n",
    "plugin.py": "from shared import h\ndef run():\n    return h()\n",
    "whole_plugin.py": "import shared\ndef run():\n    return shared.h()\n",
    "preloaded.py": "X = 1\n",
    "uses_preloaded.py": "import preloaded\n",
    "pack/__init__.py": "",
    "pack/inner.py": "from . import deep\n",
    "pack/deep.py": "X = 1\n",
    "classes.py": "class A:\n    pass\nclass B:\n    pass\n",
}

WATCH = """
import importlib, json, os, pickle, sys
root = os.getcwd()
sys.path.insert(0, root)
for name in json.loads(sys.argv[1]):
    importlib.import_module(name)
from pipespec.step.loaded_files import note_loaded
from pipespec.step.witness.take_witness import WitnessTaking
from pipespec.step.witness.witness_job import WitnessJob
if sys.argv[4] == "noted":
    note_loaded()
more = json.loads(sys.argv[3])
more["counted_files"] = [os.path.join(root, name) for name in more.get("counted_files", ())]
with WitnessTaking(WitnessJob(root, **{name: tuple(value) if isinstance(value, list) else value for name, value in more.items()})) as taking:
    exec(sys.argv[2])
    print(json.dumps([touched.path for touched in taking.witness().touched]))
"""


@pytest.fixture(params=["noted", "not noted"])
def touched(tmp_path, request):
    """Modules are noted where steps are forked from, and not where one executes in the run's own process."""
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(text))

    def run(code, *, before=(), **more):
        done = subprocess.run(
            [sys.executable, "-c", WATCH, json.dumps(before), code, json.dumps(more), request.param],
            cwd=tmp_path,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


CASES = {
    "what is not counted": ("import plugin", {}, ["plugin.py", "shared.py"]),
    "what is counted": ("import own", {"counted_files": ["own.py", "shared.py"]}, []),
    "a plug-in beside code that counts what it takes": (
        "import own, plugin",
        {"counted_files": ["own.py", "shared.py"], "counted_names": ["own:f", "shared:h"]},
        ["plugin.py"],
    ),
    "a plug-in that takes what does not count": (
        "import own, plugin",
        {"counted_files": ["own.py", "shared.py"], "counted_names": ["own:f", "shared:g"]},
        ["plugin.py", "shared.py"],
    ),
    "a plug-in that takes a module": (
        "import own, whole_plugin",
        {"counted_files": ["own.py", "shared.py"], "counted_names": ["own:f", "shared:h"]},
        ["shared.py", "whole_plugin.py"],
    ),
    "what was loaded for others": ("pass", {"before": ["preloaded"]}, []),
    "what was loaded for others, and the step imports": (
        "import uses_preloaded",
        {"before": ["preloaded"]},
        ["preloaded.py", "uses_preloaded.py"],
    ),
    "what was loaded for others, and counted code imports": (
        "import uses_preloaded",
        {"before": ["preloaded"], "counted_files": ["uses_preloaded.py"]},
        ["preloaded.py"],
    ),
    "relative imports": (
        "import pack.inner",
        {},
        ["pack/__init__.py", "pack/deep.py", "pack/inner.py"],
    ),
    "a class that is unpickled": (
        "import classes; pickle.loads(pickle.dumps(classes.A()))",
        {"counted_files": ["classes.py"], "counted_names": ["classes:B"]},
        ["classes.py"],
    ),
    "a class that is unpickled and counts": (
        "import classes; pickle.loads(pickle.dumps(classes.A()))",
        {"counted_files": ["classes.py"], "counted_names": ["classes:A"]},
        [],
    ),
    "code that does not count": ("import plugin", {"modules": False}, []),
    "an untracked module": ("import plugin", {"untracked": ["shared.py"]}, ["plugin.py"]),
    "an installed package": ("import yaml, numpy", {}, []),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_modules_of_a_witness(touched, name):
    code, more, expected = CASES[name]

    assert touched(code, **more) == expected


ODD = {
    "a file descriptor": "os.close(os.open('own.py', os.O_RDONLY)); open(os.open('own.py', os.O_RDONLY)).close()",
    "bytes": "open(b'own.py').close()",
    "a name that no encoding has": "os.path.exists('x')\ntry:\n    open(b'\\xff\\xfe')\nexcept OSError: pass",
    "a NUL": "try:\n    open('a\\0b')\nexcept ValueError: pass",
    "a folder that is gone": "os.mkdir('x'); os.chdir('x'); os.rmdir('../x')\ntry:\n    open('a')\nexcept OSError: pass\nos.chdir(root)",
    "no module at all": "sys.modules['odd'] = 1; sys.modules['none'] = None",
    "a module that lies about its file": "import types; m = types.ModuleType('m'); m.__file__ = 1; sys.modules['m'] = m",
    "a device": "open('/dev/null').close()",
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_odd_calls_are_the_users_own_business(touched, name):
    touched(ODD[name])


def test_a_file_that_another_process_changed_meanwhile_never_holds(tmp_path):
    code = (
        "import os, subprocess, sys\n"
        "from pipespec.step.witness.take_witness import WitnessTaking\n"
        "from pipespec.step.witness.witness_job import WitnessJob\n"
        "with WitnessTaking(WitnessJob(os.getcwd())) as taking:\n"
        "    open('a').read()\n"
        "    subprocess.check_call(['sh', '-c', 'echo 22 > a'])\n"
        "    print([(each.path, each.digest) for each in taking.witness().touched])\n"
    )
    (tmp_path / "a").write_text("1")
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[('a', '')]"
