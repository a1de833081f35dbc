"""A step runs the code that was planned, and nobody in it can tell: tracebacks, `__file__`, sources, data beside modules."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys

import pytest

from pipespec.step.step_job import OutputJob

ONE = (OutputJob("out", "out.json"),)

HELPER = "def value():\n    return 'planned'\n"
EDITED = "def value():\n    return 'edited, and longer'\n"


def sha(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


@pytest.fixture
def plan(tmp_path):
    """Keep these modules as planned, and leave them so in the project; gives the job's fields."""
    project, kept = tmp_path / "project", tmp_path / "kept"

    def planned(modules: dict[str, str]) -> dict:
        kept.mkdir(exist_ok=True)
        files = {}
        for name, text in modules.items():
            file = project / f"{name}.py"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
            (kept / sha(text)).write_text(text)
            files[str(file)] = sha(text)
        return {"code_files": files, "code_folder": str(kept)}

    return planned


LATE = "def step():\n    import helper\n    return helper.value()\n"
EDIT = "    open('helper.py', 'w').write({text!r})\n"

# What happens to the module `helper` before it is imported: the step that imports it late.
LATE_IMPORTS = {
    "edited": f"def step():\n{EDIT.format(text=EDITED)}    import helper\n    return helper.value()\n",
    "broken": f"def step():\n{EDIT.format(text='def (')}    import helper\n    return helper.value()\n",
    "removed": "def step():\n    import os\n    os.remove('helper.py')\n    import helper\n    return helper.value()\n",
    "edited and reloaded": f"import helper\ndef step():\n    import importlib\n{EDIT.format(text=EDITED)}    return importlib.reload(helper).value()\n",
    "edited and pickled": f"import helper\ndef step():\n    import pickle\n{EDIT.format(text=EDITED)}    return pickle.loads(pickle.dumps(helper.value))()\n",
}


@pytest.mark.parametrize("source", LATE_IMPORTS.values(), ids=LATE_IMPORTS)
def test_what_happens_to_a_module_while_the_step_runs_is_harmless(run_step, plan, source):
    done = run_step(source, outputs=ONE, **plan({"helper": HELPER}))

    assert (done.failure, done.json("out.json")) == (None, "planned")


def test_what_was_planned_runs_though_it_was_edited_before_the_step_began(run_step, plan, tmp_path):
    fields = plan({"helper": HELPER})
    (tmp_path / "project" / "helper.py").write_text(EDITED)

    done = run_step(LATE, outputs=ONE, **fields)

    assert (done.failure, done.json("out.json")) == (None, "planned")


def test_a_package_that_is_gone_is_imported_with_its_modules(run_step, plan):
    source = """
        def step():
            import shutil
            shutil.rmtree('news')
            from news.deep import inner
            import news
            return [inner.value, news.__file__.endswith('project/news/__init__.py'), list(news.__path__)[0].endswith('/news')]
    """
    fields = plan({"news/__init__": "", "news/deep/__init__": "", "news/deep/inner": "value = 7\n"})

    done = run_step(source, outputs=ONE, **fields)

    assert (done.failure, done.json("out.json")) == (None, [7, True, True])


def test_a_module_knows_its_own_place_and_its_planned_text(run_step, plan, tmp_path):
    source = """
        import helper
        def step():
            import inspect, pathlib, pkgutil, importlib.resources, linecache
            open('helper.py', 'w').write('# edited\\n' * 9)
            return [
                helper.__file__, helper.__spec__.origin, helper.value.__code__.co_filename, inspect.getsourcefile(helper.value),
                inspect.getsource(helper.value), inspect.getsource(helper), linecache.getline(helper.__file__, 1),
                helper.__loader__.get_source('helper'), helper.data(),
            ]
    """
    helper = (
        HELPER
        + "import pathlib\ndef data():\n    return pathlib.Path(__file__).parent.joinpath('a.txt').read_text()\n"
    )
    fields = plan({"helper": helper})
    file = tmp_path / "project" / "helper.py"
    file.with_name("a.txt").write_text("beside")

    done = run_step(source, outputs=ONE, **fields)

    assert done.failure is None
    assert done.json("out.json") == [
        *[str(file)] * 4,
        HELPER,
        helper,
        "def value():\n",
        helper,
        "beside",
    ]


def test_a_traceback_shows_the_planned_lines(run_step, plan, tmp_path):
    fields = plan({"helper": "def value():\n    raise ValueError('planned')\n"})
    file = tmp_path / "project" / "helper.py"
    source = f"import helper\ndef step():\n{EDIT.format(text=EDITED)}    return helper.value()\n"

    done = run_step(source, outputs=ONE, **fields)

    assert done.outcome.failure.message == "ValueError: planned"
    assert (
        f"  File \"{file}\", line 2, in value\n    raise ValueError('planned')\n"
        in done.outcome.failure.traceback
    )


# Modules that nobody planned: what the step does, and whether it fails by that.
UNPLANNED = {
    "stays": ("def step():\n    import other\n    return other.x\n", None),
    "is edited before it is loaded": (
        "def step():\n    open('other.py', 'w').write('x = 2')\n    import other\n    return other.x\n",
        None,
    ),
    "is edited after it was loaded": (
        "def step():\n    import other\n    open('other.py', 'w').write('x = 2')\n    return other.x\n",
        "changed while the step ran; run again",
    ),
    "is removed after it was loaded": (
        "def step():\n    import other, os\n    os.remove('other.py')\n    return other.x\n",
        "changed while the step ran; run again",
    ),
}


@pytest.mark.parametrize(("source", "why"), UNPLANNED.values(), ids=UNPLANNED)
def test_a_module_that_nobody_planned_is_what_its_file_says_when_the_step_ends(
    run_step, plan, tmp_path, source, why
):
    fields = plan({"helper": HELPER})
    other = tmp_path / "project" / "other.py"
    other.write_text("x = 1\n")

    done = run_step(source, outputs=ONE, **fields)

    assert done.failure == (None if why is None else ("changed", f"'{other}' {why}"))


CHILDREN = {
    "another program": "    import subprocess, sys\n    subprocess.run([sys.executable, '-c', ''], check=True)\n",
    "one that still runs": "    import subprocess\n    global child\n    child = subprocess.Popen(['sleep', '30'])\n",
}


@pytest.mark.parametrize("start", CHILDREN.values(), ids=CHILDREN)
def test_an_edit_counts_where_other_processes_may_have_read_it(run_step, plan, tmp_path, start):
    source = f"import helper\ndef step():\n{EDIT.format(text=EDITED)}{start}    return helper.value()\n"

    done = run_step(source, outputs=ONE, **plan({"helper": HELPER}))

    file = tmp_path / "project" / "helper.py"
    why = f"'{file}' changed while the step ran, and processes that the step started may have read it; run again"
    assert done.failure == ("changed", why)


@pytest.mark.parametrize("start", CHILDREN.values(), ids=CHILDREN)
def test_other_processes_are_harmless_where_nothing_was_edited(run_step, plan, start):
    source = f"import helper\ndef step():\n{start}    return helper.value()\n"

    done = run_step(source, outputs=ONE, **plan({"helper": HELPER}))

    assert (done.failure, done.json("out.json")) == (None, "planned")


def test_kept_bytes_that_are_not_what_was_planned_are_not_executed(run_step, plan, tmp_path):
    fields = plan({"helper": HELPER})
    (tmp_path / "kept" / sha(HELPER)).write_text(EDITED)
    (tmp_path / "project" / "helper.py").write_text(EDITED)

    done = run_step(LATE, outputs=ONE, **fields)

    file = tmp_path / "project" / "helper.py"
    assert done.failure == ("changed", f"'{file}' changed after the run was planned; run again")


def test_what_a_process_imported_of_the_project_before_is_forgotten(plan, tmp_path):
    """Under a debugger a step executes in the notebook's own process, which may hold modules of an hour ago."""
    fields = plan({"helper": HELPER, "other": "x = 1\n"})
    script = f"""
import json, sys
sys.path.insert(0, {str(tmp_path / "project")!r})
import helper, other
open({str(tmp_path / "project" / "other.py")!r}, "w").write("x = 2")
from pipespec.step.arguments.planned_sources import PlannedSources
PlannedSources({{{str(tmp_path / "project" / "helper.py")!r}: {sha(EDITED)!r}}}, {str(tmp_path / "kept")!r}, [{str(tmp_path / "project")!r}]).install()
import helper, other, pipespec
print(json.dumps([helper.value(), other.x, pipespec is sys.modules["pipespec"]]))
"""
    (tmp_path / "kept" / sha(EDITED)).write_text(EDITED)
    assert fields

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert json.loads(done.stdout) == ["edited, and longer", 2, True]


WARNS = "import helper\ndef step():\n    return helper.value()\n"


def test_what_the_compiler_warns_of_is_in_each_steps_log(run_step, plan):
    fields = plan({"helper": "def value():\n    return 1 is 1\n"})

    logs = [run_step(WARNS, outputs=ONE, **fields).log for _ in range(2)]

    assert ['SyntaxWarning: "is" with a literal' in log for log in logs] == [True, True]


@pytest.mark.parametrize(
    "text",
    ["def (", "x = " + "-" * 50_000 + "1\n", "x = 1\0", "# coding: nothing\n"],
    ids=["a mistake", "too deep", "a zero byte", "an unknown encoding"],
)
def test_what_cannot_be_compiled_fails_the_step_and_no_other(run_step, plan, text):
    fields = plan({"helper": text, "other": HELPER})

    failing = run_step(WARNS, outputs=ONE, **fields)
    other = run_step(WARNS.replace("helper", "other"), outputs=ONE, **fields)

    assert failing.failure[0] == "import"
    assert (other.failure, other.json("out.json")) == (None, "planned")
