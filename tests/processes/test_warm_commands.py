"""A command that a warm server forks does what one does that is started: the same program, run both ways."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import forwarded_command
import pytest
from forks import SERVER
from warm_commands import WarmCommands

import pipespec

PROGRAM = """
import atexit, gc, importlib.util, json, os, signal, stat, subprocess, sys, threading, time

import late


def main():
    if sys.argv[1:] == ["sleep"]:
        print(os.getpid(), file=open("pid", "w"), flush=True)
        time.sleep(3600)
    extra = importlib.util.find_spec("extra")
    atexit.register(lambda: print("at exit"))
    threading.Thread(target=lambda: (threading.main_thread().join(), print("in a thread"))).start()
    facts = {
        "argv": sys.argv,
        "path": sys.path,
        "folder": os.getcwd(),
        "environment": dict(os.environ),
        "of a child": subprocess.run(["env", "-0"], capture_output=True, text=True).stdout,
        "input": sys.stdin.read(),
        "streams": [
            (each.fileno(), each.encoding, each.errors, each.line_buffering, each.isatty(), str(each.name))
            for each in (sys.stdin, sys.stdout, sys.stderr)
        ],
        "kinds": [stat.filemode(os.fstat(number).st_mode) for number in range(3)],
        "files": sorted(map(int, os.listdir("/proc/self/fd")))[:-1],
        "signals": [str(signal.getsignal(number)) for number in sorted(signal.valid_signals())],
        "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
        "leads": os.getsid(0) == os.getpgrp() == os.getpid(),
        "threads": len(os.listdir("/proc/self/task")) - 1,
        "collection": gc.get_threshold(),
        "umask": os.umask(0o22),
        "late": late.__file__,
        "hash": hash("a") if "PYTHONHASHSEED" in os.environ or sys.argv[1:] == ["hash"] else None,
        "extra": extra and extra.origin,
        "bytecode": not sys.dont_write_bytecode,
    }
    print(json.dumps(facts, indent=1))
    print("to stderr", file=sys.stderr)
    how = sys.argv[1:2]
    if how == ["text"]:
        sys.exit("an end with a text")
    if how == ["error"]:
        raise ValueError("an end with an error")
    if how == ["killed"]:
        sys.stdout.flush()
        os.kill(os.getpid(), signal.SIGKILL)
    if how == ["abort"]:
        sys.stdout.flush()
        os._exit(7)
    if how and how != ["hash"]:
        sys.exit(int(how[0]))
"""

ENDS = ["", "0", "3", "-1", "300", "text", "error", "killed", "abort"]


def in_program(text):
    """A traceback from the frame of the program on: those above it call it, each in its way."""
    return re.sub(r"(?<=\(most recent call last\):\n).*?(?=  File [^\n]*/probe/)", "", text, flags=re.DOTALL)


@pytest.fixture
def both(tmp_path):
    """Run the program as a start of its own and by a fork, in a folder; both answers."""
    script = tmp_path / "bin" / "program"
    (script.parent / "probe").mkdir(parents=True)
    (script.parent / "probe" / "__init__.py").write_text(PROGRAM)
    (script.parent / "late.py").write_text("")
    script.write_text(f"#!{sys.executable}\nimport sys\nfrom probe import main\nsys.exit(main())\n")
    script.chmod(0o755)
    commands = WarmCommands(script, "probe:main", os.environ)
    folder = tmp_path / "folder"
    folder.mkdir()

    def run(*arguments, **environment):
        env = {**os.environ, **environment}
        started = subprocess.run(
            [script, *arguments],
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            start_new_session=True,
        )
        forked = commands.run(arguments, cwd=folder, env=env, timeout=60)
        return [(one.returncode, one.stdout, in_program(one.stderr)) for one in (started, forked)]

    run.folder, run.commands = folder, commands
    yield run
    commands.close()


@pytest.mark.parametrize("end", ["", "0", "3", "-1", "300", "text", "error", "killed", "abort"])
def test_a_process_is_given_the_same_and_ends_the_same(both, end):
    started, forked = both(*filter(None, [end]), ONE="two\nlines", EMPTY="")

    assert forked == started


@pytest.mark.parametrize("end", ["", "3", "text", "killed"])
def test_a_command_that_is_forwarded_is_given_the_same_and_ends_the_same(both, end):
    arguments = list(filter(None, [end]))
    started, _ = both(*arguments)
    command, sockets = both.folder.parent / "forwarding" / "program", both.commands.sockets()
    forwarded_command.install(command)

    done = subprocess.run(
        [command, *arguments],
        cwd=both.folder,
        env={**os.environ, forwarded_command.VARIABLE: " ".join(map(str, sockets))},
        pass_fds=sockets,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )

    assert (done.returncode, done.stdout, in_program(done.stderr)) == started


AT_START = {
    "a folder that is searched": ({"site/extra.py": ""}, {"PYTHONPATH": f"site{os.pathsep}absent"}),
    "a package that is searched": ({"site/extra/__init__.py": ""}, {"PYTHONPATH": "./site"}),
    "a module in place of one that is there": (
        {"site/json.py": "def dumps(*_, **__): return 'another'"},
        {"PYTHONPATH": "site"},
    ),
    "a module that customizes": ({"site/sitecustomize.py": "print('customized')"}, {"PYTHONPATH": "site"}),
    "a seed": ({}, {"PYTHONHASHSEED": "5"}),
    "an encoding": ({}, {"PYTHONIOENCODING": "latin-1"}),
    "a way to buffer": ({}, {"PYTHONUNBUFFERED": "" if "PYTHONUNBUFFERED" in os.environ else "1"}),
    "bytecode": ({}, {"PYTHONDONTWRITEBYTECODE": "" if "PYTHONDONTWRITEBYTECODE" in os.environ else "1"}),
    "a language": ({}, {"LC_ALL": "POSIX"}),
    "a time zone": ({}, {"TZ": "Asia/Kolkata"}),
    "a configuration of Luigi": ({"luigi.cfg": "[core]\nno_configure_logging=true"}, {}),
    "a module in the folder": ({"extra.py": "", "json.py": "raise SystemError"}, {}),
}


@pytest.mark.parametrize("about", AT_START)
def test_what_counts_at_the_start_of_python_counts(both, about):
    files, environment = AT_START[about]
    for name, text in files.items():
        (both.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (both.folder / name).write_text(text)

    started, forked = both("0", **environment)

    assert forked == started


def test_one_command_after_the_other_has_another_seed(both):
    seeds = [re.search(r'"hash": (-?\d+)', both("hash")[1][1])[1] for _ in range(4)]

    assert seeds[0] == seeds[2] != seeds[1] == seeds[3]


def test_a_command_that_takes_too_long_is_killed(both):
    with pytest.raises(subprocess.TimeoutExpired):
        both.commands.run(["sleep"], cwd=both.folder, env=os.environ, timeout=1)

    pid = int((both.folder / "pid").read_text())
    until = time.monotonic() + 60
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < until


def test_servers_end_with_their_owner(both):
    both("0")
    both("0")

    assert both.commands.close() == [0, 0]


COMMANDS = {
    "a result": ["plan", "pipeline.yaml", "--format", "json"],
    "nothing to do": ["run", "pipeline.yaml"],
    "wrong usage": ["plan", "pipeline.yaml", "--never"],
    "an unknown verb": ["plam"],
    "an unknown step": ["explain", "pipeline.yaml", "totl"],
    "a mistake": ["validate", "wrong.yaml"],
    "no file": ["validate", "absent.yaml"],
    "help": ["run", "--help"],
}


@pytest.mark.parametrize("about", COMMANDS)
def test_pipespec_says_the_same(complete_project, project_at, tmp_path, about):
    folder = shutil.copytree(complete_project.folder, tmp_path / "copy")
    project = project_at(folder)
    project.write("wrong.yaml", "pipespec: 1\nstep: {}\n")

    process = project.start(*COMMANDS[about])
    out, err = process.communicate(timeout=180)
    forked = project.pipespec(*COMMANDS[about])

    assert (forked.code, anytime(forked.out), anytime(forked.err)) == (
        process.returncode,
        anytime(out),
        anytime(err),
    )


def anytime(text):
    return re.sub(r"\d+(\.\d+)? (ms|s)\b", "SECONDS", text)


LOOKING = """
import os, signal, sys, threading

def look(_rest: int) -> dict:
    main = sys.modules["__main__"]
    return {
        "argv": sys.argv,
        "path": sys.path,
        "flags": str(sys.flags),
        "folder": os.getcwd(),
        "environment": {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "PIPESPEC_"))},
        "main": [main.__file__, main.__spec__ and main.__spec__.name],
        "modules": sorted({name.partition(".")[0] for name in sys.modules} - sys.stdlib_module_names),
        "of pipespec": sorted(name for name in sys.modules if name.startswith("pipespec.")),
        "files": sorted(map(int, os.listdir("/proc/self/fd")))[:-1],
        "signals": [str(signal.getsignal(number)) for number in sorted(signal.valid_signals())],
        "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
        "leads": os.getsid(0) == os.getpgrp() == os.getpid(),
        "threads": threading.active_count(),
        "hash": hash("a"),
    }
"""
STEPS = """\
pipespec: 1
name: looking
steps:
  one: {call: "looking:look", params: {_rest: 1}, outputs: {facts: facts.json}}
"""


@pytest.mark.parametrize("environment", [{}, {"PYTHONHASHSEED": "5"}, {"PYTHONPATH": "."}], ids=str)
def test_a_step_is_given_the_same(project_at, tmp_path, environment):
    found = []
    for is_forked in (False, True):
        shutil.rmtree(tmp_path / "project", ignore_errors=True)
        (tmp_path / "project").mkdir()
        project = project_at(tmp_path / "project")
        project.write("pyproject.toml", "")
        project.write("looking.py", LOOKING)
        project.write("pipeline.yaml", STEPS)
        if is_forked:
            project.ran(**environment)
        else:
            out, err = project.start("run", "pipeline.yaml", **environment).communicate(timeout=180)
            assert "1 ran" in out, err
        (output,) = project.folder.glob("mlartifacts/**/facts.json")
        found.append(json.loads(output.read_text()))

    assert found[1] == found[0]


def test_a_server_has_imported_pipespec_and_what_that_imports_but_nothing_heavy():
    code = (
        "import json, sys; sys.path.insert(0, sys.argv[1]); import fork_server; fork_server.import_all('pipespec')\n"
        "fork_server.compile_shipped_texts()\n"
        "print(json.dumps({name: getattr(found, '__file__', None) for name, found in sys.modules.items()}))"
    )
    command = [sys.executable, "-c", code, SERVER.parent]
    modules = json.loads(subprocess.run(command, capture_output=True, text=True, check=True, cwd="/").stdout)

    known = [
        SERVER,
        Path(pipespec.__file__).parent,
        Path(os.__file__).parent,
        Path(pytest.__file__).parents[1],
    ]
    of_others = {
        name: file
        for name, file in modules.items()
        if file is not None and not any(Path(file).is_relative_to(folder) for folder in known)
    }
    assert of_others == {}
    assert {"luigi", "pipespec.engine.invocation", "pipespec.cli.run"} <= set(modules)
    assert {"mlflow", "numpy", "pandas", "sqlalchemy"} & set(modules) == set()
