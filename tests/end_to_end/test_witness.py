"""What a step touches beyond its key: files read by hand, modules loaded by name. Run, edit, plan, run, force."""

import os
import shutil
import subprocess
import sys
import textwrap
from dataclasses import dataclass, field

import pytest

import pipespec

pytestmark = pytest.mark.slow

RUNS, REUSED = "run", "reuse"


@dataclass(frozen=True)
class Case:
    """One step with the files that it touches, one edit, and what the edit must bring about."""

    body: str
    """Of the step's module, which defines `f`."""
    files: dict[str, str] = field(default_factory=dict)
    edit: dict[str, str | None] = field(default_factory=dict)
    """New text by path; None deletes."""
    action: str = RUNS
    keys: str = ""
    """More keys of the step."""


def reads(expression: str) -> str:
    return f"""
        import os, sys
        from pathlib import Path
        def f() -> str:
            return str({expression})
    """


SCALER = """
class Scaler:
    def scale(self, value):
        return value * 2
"""
SCALED = SCALER.replace("* 2", "* 3")
NUMBER = "def number():\n    return 1\n"
NUMBER_TWO = "def number():\n    return 2\n"
NUMBER_LAID_OUT = "# Counts.\ndef number( ):\n\n    return (1)\n"

CASES = {
    "text": Case(reads("Path('text/a.txt').read_text()"), {"text/a.txt": "1"}, {"text/a.txt": "2"}),
    "bytes": Case(reads("open('bytes/a.bin', 'rb').read()"), {"bytes/a.bin": "1"}, {"bytes/a.bin": "2"}),
    "descriptor": Case(
        reads("os.read(os.open('descriptor/a', os.O_RDONLY), 9)"), {"descriptor/a": "1"}, {"descriptor/a": "2"}
    ),
    "gone": Case(
        reads("Path('gone/a.txt').read_text() if os.path.exists('gone/a.txt') else 'none'"),
        {"gone/a.txt": "1"},
        {"gone/a.txt": None},
    ),
    "pandas": Case(
        reads("__import__('pandas').read_csv('pandas/a.csv').to_json()"),
        {"pandas/a.csv": "x\n1\n"},
        {"pandas/a.csv": "x\n2\n"},
    ),
    "numpy": Case(
        reads("__import__('numpy').loadtxt('numpy/a.txt').tolist()"), {"numpy/a.txt": "1"}, {"numpy/a.txt": "2"}
    ),
    "configparser": Case(
        reads("__import__('configparser').ConfigParser().read('ini/a.ini')"),
        {"ini/a.ini": "[a]\nx=1"},
        {"ini/a.ini": "[a]\nx=2"},
    ),
    "directory changed": Case(
        """
        import os
        def f() -> str:
            os.chdir("inner")
            return open("a.txt").read()
        """,
        {"inner/a.txt": "1"},
        {"inner/a.txt": "2"},
    ),
    "listing": Case(
        reads("sorted(p.name for p in Path('plugins').iterdir())"), {"plugins/a": ""}, {"plugins/b": ""}
    ),
    "glob": Case(reads("len(list(Path('many').rglob('*.txt')))"), {"many/x/a.txt": ""}, {"many/x/b.txt": ""}),
    "file looked for": Case(
        """
        def f() -> str:
            try:
                return open("perhaps.txt").read()
            except FileNotFoundError:
                return "none"
        """,
        {},
        {"perhaps.txt": "there"},
    ),
    "settings_local": Case(
        """
        try:
            import settings_local
        except ImportError:
            settings_local = None
        def f() -> str:
            return str(getattr(settings_local, "K", 0))
        """,
        {},
        {"settings_local.py": "K = 1\n"},
    ),
    "computed name": Case(
        """
        import importlib
        def f(kind: str) -> str:
            return str(importlib.import_module("kind_" + kind).number())
        """,
        {"kind_a.py": NUMBER},
        {"kind_a.py": NUMBER_TWO},
        keys="params: {kind: a}",
    ),
    "layout only": Case(
        """
        import importlib
        def f(kind: str) -> str:
            return str(importlib.import_module("laid_" + kind).number())
        """,
        {"laid_out.py": NUMBER},
        {"laid_out.py": NUMBER_LAID_OUT},
        REUSED,
        keys="params: {kind: out}",
    ),
    "what a dynamic module imports": Case(
        """
        import importlib
        import shared_helper
        def other() -> int:
            return shared_helper.number()
        def f(kind: str) -> str:
            return str(importlib.import_module("over_" + kind).number())
        """,
        {"over_it.py": "import shared_helper\ndef number():\n    return shared_helper.number()\n", "shared_helper.py": NUMBER},
        {"shared_helper.py": NUMBER_TWO},
        keys="params: {kind: it}",
    ),
    "pickled class": Case(
        """
        import joblib
        def f() -> str:
            return str(joblib.load("scaler.joblib").scale(1))
        """,
        {"scalers.py": SCALER},
        {"scalers.py": SCALED},
    ),
    "pickled class of an imported module": Case(
        """
        import pickle
        import scalers_too
        def fit() -> object:
            return scalers_too.Scaler()
        def f() -> str:
            with open("scaler.pickle", "rb") as file:
                return str(pickle.load(file).scale(1))
        """,
        {"scalers_too.py": SCALER},
        {"scalers_too.py": SCALED},
    ),
    "sys.path.insert": Case(
        """
        import sys
        def f(name: str) -> str:
            sys.path.insert(0, "extra")
            return str(__import__("by_" + name).number())
        """,
        {"extra/by_hand.py": NUMBER},
        {"extra/by_hand.py": NUMBER_TWO},
        keys="params: {name: hand}",
    ),
    "PYTHONPATH": Case(
        """
        def f(name: str) -> str:
            return str(__import__("on_" + name).number())
        """,
        {"../shared/on_path.py": NUMBER},
        {"../shared/on_path.py": NUMBER_TWO},
        keys="params: {name: path}",
    ),
    "outside": Case(
        reads("Path(os.environ['OUTSIDE'], 'a.txt').read_text()"),
        {"../outside/a.txt": "1"},
        {"../outside/a.txt": "2"},
    ),
    "script": Case(
        reads("__import__('subprocess').check_output([sys.executable, 'tools/make.py'])"),
        {"tools/make.py": "print(1)"},
        {"tools/make.py": "print(2)"},
    ),
    "program module": Case(
        reads("__import__('subprocess').check_output([sys.executable, '-m', 'programs.make'])"),
        {"programs/make.py": "print(1)"},
        {"programs/make.py": "print(2)"},
    ),
    "shell": Case(
        reads("__import__('subprocess').check_output('cat shell/a.txt', shell=True)"),
        {"shell/a.txt": "1"},
        {"shell/a.txt": "2"},
    ),
    "runpy": Case(
        reads("__import__('runpy').run_path('runpy/a.py')['x']"), {"runpy/a.py": "x = 1"}, {"runpy/a.py": "x = 2"}
    ),
    "exec": Case(
        """
        def f() -> str:
            names = {}
            exec(open("exec/a.py").read(), names)
            return str(names["x"])
        """,
        {"exec/a.py": "x = 1"},
        {"exec/a.py": "x = 2"},
    ),
    "forked reader": Case(
        """
        import multiprocessing
        def read(path):
            return open(path).read()
        def f() -> str:
            with multiprocessing.get_context("fork").Pool(1) as pool:
                return pool.map(read, ["forked/a.txt"])[0]
        """,
        {"forked/a.txt": "1"},
        {"forked/a.txt": "2"},
    ),
    "all modules": Case(
        """
        def f() -> str:
            return "1"
        def g() -> str:
            return "2"
        """,
        {},
        {"case_all_modules.py": 'def f() -> str:\n    return "1"\ndef g() -> str:\n    return "3"\n'},
        keys="identity: {code: modules}",
    ),
    "another function": Case(
        """
        def f() -> str:
            return "1"
        def g() -> str:
            return "2"
        """,
        {},
        {"case_another_function.py": 'def f() -> str:\n    return "1"\ndef g() -> str:\n    return "3"\n'},
        REUSED,
    ),
    "written first": Case(
        """
        from pathlib import Path
        def f() -> str:
            Path("made.txt").write_text("1")
            return Path("made.txt").read_text()
        """,
        {},
        {"made.txt": "9"},
        REUSED,
    ),
    "temporary": Case(
        """
        import tempfile
        from pathlib import Path
        def f() -> str:
            with tempfile.TemporaryDirectory() as folder:
                Path(folder, "a").write_text("1")
                return Path(folder, "a").read_text()
        """,
        {},
        {"unrelated.txt": "1"},
        REUSED,
    ),
    "untracked": Case(
        reads("Path('cache/a.txt').read_text()[:0] + Path('noise.log').read_text()[:0]"),
        {"cache/a.txt": "1", "noise.log": "1"},
        {"cache/a.txt": "2", "noise.log": "2"},
        REUSED,
        keys="identity: {untracked: [cache/, '*.log']}",
    ),
    "same content": Case(
        reads("Path('same/a.txt').read_text()"), {"same/a.txt": "1"}, {"same/a.txt": "1"}, REUSED
    ),
    "state that it keeps": Case(
        """
        from pathlib import Path
        def f() -> str:
            count = int(Path("state.txt").read_text()) + 1
            Path("state.txt").write_text("7")
            return "done"
        """,
        {"state.txt": "7"},
        {"unrelated.txt": "2"},
        REUSED,
    ),
    "declared input": Case(
        """
        def f(table: str) -> str:
            return table + open("declared.txt").read()
        """,
        {"declared.txt": "1"},
        {"unrelated.txt": "3"},
        REUSED,
        keys="inputs: {table: {file: declared.txt}}",
    ),
    "libraries": Case(
        """
        import importlib.metadata
        import pandas
        import sklearn.linear_model
        def f() -> str:
            len(importlib.metadata.entry_points())
            try:
                importlib.metadata.version("no-such-package")
            except importlib.metadata.PackageNotFoundError:
                return "1"
        """,
        {},
        {"unrelated.txt": "4"},
        REUSED,
    ),
    "traceback": Case(
        """
        import traceback, warnings
        def f() -> str:
            warnings.warn("shown with its line")
            return traceback.format_stack()[-1][:0]
        """,
        {},
        {"case_traceback.py": "import traceback, warnings\n# A comment.\ndef f() -> str:\n    warnings.warn('shown with its line')\n    return traceback.format_stack()[-1][:0]\n"},
        REUSED,
    ),
}  # fmt: skip


def module_of(name):
    return "case_" + name.replace(" ", "_").replace(".", "_").replace("-", "_")


def step_of(name):
    return module_of(name)[5:]


def dedented(body):
    return textwrap.dedent(body).lstrip("\n")


@pytest.fixture(scope="module")
def witnessed(tmp_path_factory, project_at):
    """A project with a step for each case, run once."""
    home = tmp_path_factory.mktemp("witness")
    project = project_at(home / "project")
    project.write("pyproject.toml", "")
    steps = []
    for name, case in CASES.items():
        project.write(f"{module_of(name)}.py", dedented(case.body))
        for path, text in case.files.items():
            project.write(path, text)
        steps.append(f"  {step_of(name)}:\n    call: {module_of(name)}:f\n    outputs: {{out: out.json}}\n")
        if case.keys:
            steps.append(f"    {case.keys}\n")
    project.write("pipeline.yaml", "pipespec: 1\nname: cases\nsteps:\n" + "".join(steps))
    pickles = "import joblib, pickle, scalers, scalers_too; joblib.dump(scalers.Scaler(), 'scaler.joblib'); pickle.dump(scalers_too.Scaler(), open('scaler.pickle', 'wb'))"
    subprocess.run([sys.executable, "-c", pickles], cwd=project.folder, check=True)
    patch = pytest.MonkeyPatch()
    patch.setenv("OUTSIDE", str(home / "outside"))
    patch.setenv("PYTHONPATH", str(home / "shared"))
    patch.syspath_prepend(str(home / "shared"))
    answer = project.pipespec("run", "pipeline.yaml", "--keep-going")
    assert answer.code == 0, answer.out
    project.first = answer
    yield project
    patch.undo()


def planned(project):
    plan = pipespec.load(project.folder / "pipeline.yaml").plan()
    return {step: (str(each.action), each.reasons) for step, each in plan.decisions.items()}


def apply(project, edit):
    """Write new texts, and return the old ones."""
    before = {}
    for path, text in edit.items():
        place = project.folder / path
        before[path] = place.read_text() if place.exists() else None
        if text is None:
            place.unlink()
        else:
            project.write(path, text)
    return before


def test_nothing_runs_again_where_nothing_changed(witnessed):
    assert {step for step, (action, _) in planned(witnessed).items() if action != REUSED} == set()


@pytest.mark.parametrize("name", CASES)
def test_an_edit_runs_the_step_that_it_concerns_and_no_other(witnessed, name):
    case = CASES[name]
    before = apply(witnessed, case.edit)
    try:
        found = planned(witnessed)
    finally:
        apply(witnessed, before)

    running = {step for step, (action, _) in found.items() if action != REUSED}
    assert running == ({step_of(name)} if case.action == RUNS else set())
    if case.action == RUNS:
        assert {reason.kind for reason in found[step_of(name)][1]} <= {"witness", "changed"}


def test_reasons_name_what_was_touched(witnessed):
    told = {
        "text": "'text/a.txt', which its last run read, has changed",
        "gone": "'gone/a.txt', which its last run read, is gone",
        "listing": "'plugins', which its last run listed, has changed",
        "file looked for": "'perhaps.txt', which its last run looked for, is there now",
    }
    for name, detail in told.items():
        before = apply(witnessed, CASES[name].edit)
        try:
            assert [reason.detail for reason in planned(witnessed)[step_of(name)][1]] == [detail]
        finally:
            apply(witnessed, before)


def test_a_run_advises_inputs_for_what_is_read_by_hand(witnessed):
    advice = [line for line in witnessed.first.out.splitlines() if line.startswith("advice: ")]

    assert "advice: step 'text' read 'text/a.txt', which no input names: add `{file: text/a.txt}`" in advice
    assert not any("'temporary'" in line or "'untracked'" in line for line in advice)


def test_steps_that_touch_nothing_more_have_no_witness(witnessed):
    rows = witnessed.query(
        "select s.value from tags s join tags w on w.run_uuid = s.run_uuid and w.key = 'mlflow.pipespec.witness'"
        " where s.key = 'pipespec.step'"
    )

    assert not {step_of(name) for name in ("another function", "written first", "temporary", "declared input", "traceback", "libraries")} & {
        row[0] for row in rows
    }  # fmt: skip


def test_a_moved_project_is_reused(witnessed, tmp_path):
    elsewhere = witnessed.folder.parent / "elsewhere"
    shutil.move(witnessed.folder, elsewhere)
    here, witnessed.folder = witnessed.folder, elsewhere
    try:
        assert {step for step, (action, _) in planned(witnessed).items() if action != REUSED} == set()
    finally:
        shutil.move(elsewhere, here)
        witnessed.folder = here


def test_what_runs_after_all_edits_is_what_a_forced_run_makes(witnessed):
    for case in CASES.values():
        apply(witnessed, case.edit)

    ran = witnessed.ran()
    assert ran == {step_of(name) for name, case in CASES.items() if case.action == RUNS}
    assert witnessed.ran() == set()
    incremental = digests(witnessed)
    assert witnessed.ran("--force", "*") == {step_of(name) for name in CASES}
    assert digests(witnessed) == incremental


def digests(project):
    plan = pipespec.load(project.folder / "pipeline.yaml").plan()
    return {step: each.record.outputs["out"].digest for step, each in plan.decisions.items() if each.record}


def test_going_back_finds_the_run_that_saw_it(project):
    project.write("steps.py", "def f() -> str:\n    return open('a.txt').read()\n")
    project.write(
        "pipeline.yaml", "pipespec: 1\nname: back\nsteps:\n  f: {call: 'steps:f', outputs: {out: out.json}}\n"
    )
    for text, ran in (("1", {"f"}), ("2", {"f"}), ("1", set()), ("2", set())):
        project.write("a.txt", text)
        assert project.ran() == ran
    assert os.listdir(project.folder / "mlartifacts")
