"""Which loaded modules may be a user's: the answer is the same whether others were noted beforehand or not."""

import json
import subprocess
import sys

import pytest

ASK = """
import json, sys
sys.path.insert(0, "project")
for name in ("early", "moved"):
    __import__(name)
from pipespec.step.loaded_files import loaded_files, note_loaded
if sys.argv[1] == "noted":
    note_loaded()
exec(sys.argv[2])
print(json.dumps(sorted(loaded_files(json.loads(sys.argv[3])))))
"""

CASES = {
    "nothing since": ("", [], ["early", "moved"]),
    "one since": ("import late", [], ["early", "late", "moved"]),
    "one that is gone": ("import late; del sys.modules['late'], sys.modules['early']", [], ["moved"]),
    "one that is loaded anew": ("import late; del sys.modules['moved']; import moved", [], ["early", "late", "moved"]),
    "one that is renamed": ("sys.modules['other'] = sys.modules.pop('early')", [], ["moved", "other"]),
    "no module": ("sys.modules['nothing'] = None; sys.modules['text'] = 'text'", [], ["early", "moved"]),
    "installed": ("import click, json.tool", [], ["early", "moved"]),
    "an installed one that is asked for": ("", ["LINE_CACHE"], ["early", "linecache", "moved"]),
    "an installed one that is loaded late, and asked for": ("import tabnanny", ["TABS"], ["early", "moved", "tabnanny"]),
}  # fmt: skip


@pytest.mark.parametrize("noted", ["noted", "not noted"])
@pytest.mark.parametrize(("code", "also", "expected"), CASES.values(), ids=CASES)
def test_the_modules_that_may_be_a_users_are_found(tmp_path, noted, code, also, expected):
    import linecache
    import tabnanny

    (tmp_path / "project").mkdir()
    for name in ("early", "late", "moved"):
        (tmp_path / "project" / f"{name}.py").touch()
    places = {"LINE_CACHE": linecache.__file__, "TABS": tabnanny.__file__}
    asked = json.dumps([places[name] for name in also])

    found = subprocess.run(
        [sys.executable, "-c", ASK, noted, code, asked], cwd=tmp_path, capture_output=True, check=True
    )

    assert json.loads(found.stdout) == expected
