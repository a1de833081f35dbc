"""What commands and notebooks read besides what their key covers: run all of them once, edit all files, and plan."""

import json

import pytest

pytestmark = pytest.mark.slow

COMMANDS = {
    "code": ["python", "-c", "import lib.a; open(r'{outputs.out}', 'w').write(str(lib.a.K))"],
    "shell": ["bash", "run.sh", "{outputs.out}"],
    "beside": ["bash", "scripts/run.sh", "{outputs.out}"],
    "module": ["sh", "module.sh", "{outputs.out}"],
    "make": ["make", "-s", "OUT={outputs.out}", "all"],
    "python": ["python", "train.py", "{outputs.out}"],
    "folder": ["sh", "-c", "cat data/* > {outputs.out}"],
}
FILES = {
    "lib/__init__.py": "",
    "lib/a.py": "from .b import K\n",
    "lib/b.py": "K = 1\n",
    "run.sh": "source lib/common.sh\ngo > $1\n",
    "lib/common.sh": "go() { echo 1; }\n",
    "scripts/run.sh": 'HERE=$(dirname "$0")\n. "$HERE/more.sh"\ngo > $1\n',
    "scripts/more.sh": "go() { echo 1; }\n",
    "module.sh": "python -m tools.go > $1\n",
    "tools/__init__.py": "",
    "tools/go.py": "from tools.deep import K\nprint(K)\n",
    "tools/deep.py": "K = 1\n",
    "Makefile": "include vars.mk\nall:\n\techo $(K) > $(OUT)\n",
    "vars.mk": "K=1\n",
    "train.py": "import json, sys\nopen(sys.argv[1], 'w').write(json.dumps(json.load(open('conf.json'))))\n",
    "conf.json": "1\n",
    "data/a": "1\n",
    "cells.txt": "1\n",
    "cells.py": "X = 1\n",
    "unread.txt": "1\n",
}
NOTEBOOK = """\
# %% tags=["parameters"]
out = None
# %%
get_ipython().run_line_magic("run", "cells.py")
out.write_text(str(X) + open("cells.txt").read())
"""
EDITS = {
    "lib/b.py": {"code"},
    "lib/common.sh": {"shell"},
    "scripts/more.sh": {"beside"},
    "tools/deep.py": {"module"},
    "vars.mk": {"make"},
    "Makefile": {"make"},
    "conf.json": {"python"},
    "data/a": {"folder"},
    "data/new": {"folder"},
    "cells.txt": {"notebook"},
    "cells.py": {"notebook"},
    "unread.txt": set(),
}


def pipeline():
    lines = ["pipespec: 1", "steps:"]
    for name, words in COMMANDS.items():
        params = json.dumps({"command": words})
        lines += [f"  {name}:", "    call: pipespec.steps:command", f"    params: {params}", "    outputs: {out: out.txt}"]  # fmt: skip
    lines += ["  notebook:", "    call: pipespec.steps:notebook", "    params: {notebook: report.py}", "    outputs: {out: out.txt}"]  # fmt: skip
    return "\n".join(lines) + "\n"


def test_an_edit_of_what_a_program_or_a_notebook_read_runs_its_step_and_no_other(empty_project):
    for name, text in {**FILES, "report.py": NOTEBOOK, "pipeline.yaml": pipeline()}.items():
        empty_project.write(name, text)
    empty_project.run()
    steps = {*COMMANDS, "notebook"}
    assert empty_project.planned() == dict.fromkeys(steps, "reuse")

    found = {}
    for name in EDITS:
        path = empty_project.folder / name
        before = path.read_text() if path.exists() else None
        empty_project.write(name, f"{before or ''}\n# edited\nK=2\n")
        found[name] = {step for step, action in empty_project.planned().items() if action == "run"}
        if before is None:
            path.unlink()
        else:
            path.write_text(before)

    assert found == EDITS
    assert empty_project.planned() == dict.fromkeys(steps, "reuse")
