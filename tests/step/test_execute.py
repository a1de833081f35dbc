import hashlib
import os
from pathlib import Path

import pytest

from pipespec.step.step_job import Artifact, InputJob, OutputJob, SavedOutput

ONE = {"out": "out.json"}


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_step_returns_its_output(run_step):
    done = run_step("def step(n):\n    return {'n': n}\n", outputs=ONE, params={"n": 3})

    content = b'{\n  "n": 3\n}\n'
    assert (done.code, done.failure, done.log) == (0, None, "")
    assert done.outcome.step == "step[x=1]"
    assert done.outcome.outputs == (SavedOutput("out", "out.json", sha(content), len(content), 1),)
    assert done.output("out.json").read_bytes() == content
    assert 0 < done.outcome.seconds < 30
    assert 10 << 20 < done.outcome.peak_bytes < 10 << 30


def test_inputs_params_and_places_come_together(run_step, one, tmp_path):
    (tmp_path / "ids.csv").write_text("id\n1\n2\n")
    (tmp_path / "query.sql").write_text("select 1")

    done = run_step(
        """
        from pathlib import Path
        from datetime import date

        class Steps:
            @classmethod
            def step(cls, ids: list, query, since: date, model, plot: Path, rate: float = 0.5, **more):
                assert cls is Steps
                (model / "weights.bin").write_bytes(b"w")
                plot.write_text("svg")
                return [ids, query, since.year, rate, more]
        """,
        function="Steps.step",
        inputs=(one("ids", tmp_path / "ids.csv"), one("query", tmp_path / "query.sql")),
        params={"since": "2021-10-01", "extra": [1]},
        outputs={"model": "model/", "values": "values.json", "plot": "plots/x.svg"},
    )

    assert done.failure is None
    assert done.json("values.json") == [[{"id": "1"}, {"id": "2"}], "select 1", 2021, 0.5, {"extra": [1]}]
    model, _, plot = done.outcome.outputs
    assert (model.files, model.bytes, dict(model.manifest)) == (1, 1, {"weights.bin": sha(b"w")})
    assert (plot.file, plot.digest) == ("plots/x.svg", sha(b"svg"))


def test_the_process_is_the_projects(run_step, tmp_path):
    done = run_step(
        """
        import os, sys
        print("hello from the module")
        def step():
            sys.stderr.write("no line end")
            os.write(1, b" from the descriptor\\n")
            os.system("echo from a child")
            return {"cwd": os.getcwd(), "path": sys.path[0], "stdin": sys.stdin.read(), "x": os.environ["X"],
                    "backend": os.environ["MPLBACKEND"], "tty": sys.stdout.isatty()}
        """,
        outputs=ONE,
        environment={"X": "outer"},
    )

    assert done.json("out.json") == {
        "cwd": str(tmp_path / "project"),
        "path": str(tmp_path / "project"),
        "stdin": "",
        "x": "outer",
        "backend": "Agg",
        "tty": False,
    }
    assert done.log == "hello from the module\nno line end from the descriptor\nfrom a child\n"


def test_the_jobs_environment_wins(run_step):
    source = "import os\ndef step():\n    return [os.environ['X'], os.environ['MPLBACKEND']]\n"

    done = run_step(
        source, outputs=ONE, environment={"X": "outer"}, job_environment={"X": "inner", "MPLBACKEND": "svg"}
    )

    assert done.json("out.json") == ["inner", "svg"]


def test_random_numbers_repeat_with_the_seed(run_step):
    source = """
    import random
    at_import = random.random()
    def step():
        import numpy
        return [at_import, random.random(), float(numpy.random.rand())]
    """
    first, again, other = (
        run_step(source, outputs=ONE, seed=seed).json("out.json") for seed in (2**62, 2**62, 2**62 + 1)
    )

    assert first == again
    assert not set(first) & set(other)


def test_a_library_that_was_loaded_by_the_module_is_seeded_too(run_step):
    source = """
    import numpy
    numpy.random.rand(3)
    def step():
        return float(numpy.random.rand())
    """
    first, again = (run_step(source, outputs=ONE, seed=5).json("out.json") for _ in range(2))

    assert first == again


def test_the_context_is_around_the_call_alone(run_step):
    done = run_step("def step():\n    print('called')\n    return 1\n", outputs=ONE, options={"during": True})

    assert done.log == "entered\ncalled\nleft\n"


# What a function raises, or does instead of returning


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        ("raise ValueError('no luck')", "raised", "ValueError: no luck"),
        ("raise ValueError", "raised", "ValueError"),
        ("raise ValueError('first\\nsecond')", "raised", "ValueError: first …"),
        ("{}['a']", "raised", "KeyError: 'a'"),
        ("import sys; sys.exit(0)", "exited", "the function called sys.exit(0) instead of returning"),
        ("import sys; sys.exit()", "exited", "the function called sys.exit() instead of returning"),
        ("import sys; sys.exit('msg')", "exited", "the function called sys.exit('msg') instead of returning"),
        ("raise SystemExit([1])", "exited", "the function called sys.exit([1]) instead of returning"),
        ("raise KeyboardInterrupt", "raised", "KeyboardInterrupt"),
        ("raise GeneratorExit('x')", "raised", "GeneratorExit: x"),
        (
            "import os, signal; os.kill(os.getpid(), signal.SIGINT); import time; time.sleep(9)",
            "raised",
            "KeyboardInterrupt",
        ),
        ("raise MemoryError", "raised", "MemoryError"),
        ("raise Unfriendly", "raised", "steps.Unfriendly: <its __str__ raised ZeroDivisionError>"),
        ("raise Exiting", "raised", "steps.Exiting: <its __str__ raised SystemExit>"),
        (
            "raise SystemExit(Unfriendly())",
            "exited",
            "the function called sys.exit(<its __repr__ raised ZeroDivisionError>) instead of returning",
        ),
        ("raise Picky(1, 2)", "raised", "steps.Picky: 1 and 2"),
        ("raise Properties('x')", "raised", "steps.Properties: x"),
        ("raise ValueError('\\ud800 \\x1b[31m\\r \\u202e')", "raised", "ValueError: \\ud800 \\x1b[31m …"),
        (
            "raise ExceptionGroup('many', [ValueError('a'), KeyError('b')])",
            "raised",
            "ExceptionGroup: many (2 sub-exceptions)",
        ),
        ("import decimal; raise decimal.InvalidOperation", "raised", "decimal.InvalidOperation"),
        ("step()", "raised", "RecursionError: maximum recursion depth exceeded"),
    ],
)
def test_whatever_a_function_raises_fails_its_step(run_step, body, kind, message):
    done = run_step(
        f"""
        class Unfriendly(Exception):
            def __str__(self): return str(1 / 0)
            __repr__ = __reduce__ = __str__

        class Exiting(Exception):
            def __str__(self): raise SystemExit(0)

        class Picky(Exception):
            def __init__(self, a, b): self.both = f"{{a}} and {{b}}"
            def __str__(self): return Text(self.both)

        class Text(str):
            def __getitem__(self, item): raise RuntimeError
            def splitlines(self): raise RuntimeError

        class Properties(Exception):
            @property
            def __notes__(self): raise SystemExit
            @property
            def __cause__(self): raise KeyError
            __context__ = __traceback__ = __cause__

        def step():
            {body}
        """,
        outputs=ONE,
    )

    assert done.code == 0
    assert done.failure == (kind, message)
    assert done.outcome.outputs == ()
    assert done.log.endswith(f"\npipespec: {message}\n")


def test_a_traceback_shows_the_users_frames_alone(run_step, tmp_path):
    done = run_step(
        """
        def step():
            try:
                helper(0)
            except ZeroDivisionError as error:
                error.add_note("a note")
                raise ValueError("no luck") from error

        def helper(n):
            return 1 / n
        """,
        outputs=ONE,
    )

    file = tmp_path / "project" / "steps.py"
    assert (
        done.outcome.failure.traceback
        == f"""Traceback (most recent call last):
  File "{file}", line 4, in step
    helper(0)
  File "{file}", line 10, in helper
    return 1 / n
ZeroDivisionError: division by zero
a note

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "{file}", line 7, in step
    raise ValueError("no luck") from error
ValueError: no luck"""
    )


def test_long_chains_and_messages_are_cut(run_step):
    done = run_step(
        """
        def step():
            error = None
            for n in range(1000):
                try:
                    raise ValueError(f"number {n} " + "x" * 50_000) from error
                except ValueError as found:
                    error = found
            raise error
        """,
        outputs=ONE,
    )

    failure = done.outcome.failure
    assert failure.message.startswith("ValueError: number 999 xxx")
    assert len(failure.message) < 2100
    assert len(failure.traceback) < 65_000


def test_a_message_of_fifty_megabytes_is_cut(run_step):
    done = run_step("def step():\n    raise ValueError('y' * 50_000_000)\n", outputs=ONE)

    assert done.failure[1].endswith("characters left out]")
    assert len(done.outcome.failure.traceback) < 20_000
    assert len(done.log) < 30_000


def test_deep_stacks_are_cut_in_the_middle(run_step):
    done = run_step("def step(n=900):\n    return step(n - 1) if n else 1 / 0\n", outputs=ONE)

    assert "[861 frames left out]" in done.outcome.failure.traceback
    assert done.outcome.failure.traceback.count("in step") == 40


def test_members_of_a_group_are_shown(run_step):
    done = run_step(
        "def step():\n    raise ExceptionGroup('many', [ValueError('a'), KeyError('b')] * 4)\n", outputs=ONE
    )

    trace = done.outcome.failure.traceback
    assert "  [1 of 8]\n  ValueError: a" in trace
    assert "[6 of 8]" not in trace


def test_a_debugger_gets_the_live_exception(run_step):
    done = run_step("def step():\n    raise ValueError('x')\n", outputs=ONE, options={"on_error": True})

    assert (done.folder / "error").read_text() == "ValueError('x')"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("os._exit(0)", 0),
        ("os._exit(3)", 3),
        ("os.kill(os.getpid(), 9)", -9),
        ("ctypes.string_at(0)", -11),
        ("os.abort()", -6),
    ],
)
def test_a_process_that_ends_leaves_no_result(run_step, body, code):
    done = run_step(f"import os, ctypes\ndef step():\n    print('begun')\n    {body}\n", outputs=ONE)

    assert (done.outcome, done.code) == (None, code)
    assert done.log.startswith("begun\n")
    assert ("Fatal Python error" in done.log) == (code in (-11, -6))


def test_a_fork_that_comes_back_has_no_second_result(run_step):
    done = run_step(
        """
        import os
        def step():
            pid = os.fork()
            if pid:
                return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            print("the child")
            if os.environ["HOW"] == "raise":
                raise ValueError
            return 1
        """,
        outputs=ONE,
        environment={"HOW": "raise"},
    )

    assert (done.failure, done.json("out.json")) == (None, 70)
    assert done.log == "the child\n"
    assert list(done.folder.glob("result*")) == [done.folder / "result"]


@pytest.mark.parametrize(
    "body",
    [
        "os.close(0); os.close(1); os.close(2)",
        "os.closerange(0, 100)",
        "os.dup2(os.open('/dev/null', os.O_WRONLY), 1)",
        "sys.stdout = sys.stderr = None",
        "sys.stdout.close(); sys.stderr.close()",
        "os.umask(0o777)",
        "os.chdir('/'); os.environ.clear()",
        "signal.signal(signal.SIGALRM, lambda *_: 1 / 0); signal.setitimer(signal.ITIMER_REAL, 0.001); sys.setswitchinterval(1)",
        "sys.setrecursionlimit(60)",
        "locale.setlocale(locale.LC_ALL, 'C')",
        "threading.Thread(target=threading.Event().wait).start()",
        "sys.path.clear()",
        "subprocess.Popen(['sleep', '3'])",
    ],
)
def test_what_a_function_does_to_its_process_does_not_harm_its_result(run_step, body):
    done = run_step(
        f"""
        import locale, os, signal, subprocess, sys, threading
        def step(out, table):
            out.mkdir(exist_ok=True)
            (out / "a").write_text("a")
            {body}
            return {{"a": 1}}
        """,
        outputs={"out": "model/", "table": "table.json"}
        if False
        else {"out": "model/", "value": "value.json"},
        params={"table": None},
    )

    assert done.failure is None
    assert done.json("value.json") == {"a": 1}
    assert oct(done.output("value.json").stat().st_mode & 0o777) in ("0o644", "0o664")


def test_prints_of_any_kind_reach_the_log(run_step):
    done = run_step(
        """
        import ctypes, os, sys, subprocess
        def step():
            print("half", end="")
            print("\\ud800 ü")
            sys.stdout.buffer.write(b"\\x00\\xff\\x1b[31m\\r\\n")
            sys.stdout.flush()
            ctypes.CDLL(None).puts(b"from C")
            return 1
        """,
        outputs=ONE,
    )

    assert (done.folder / "log.txt").read_bytes() == b"half\\ud800 \xc3\xbc\n\x00\xff\x1b[31m\r\nfrom C\n"


def test_a_long_log_keeps_its_ends(run_step):
    done = run_step(
        """
        def step():
            print("first")
            for _ in range(40):
                print("x" * 1_000_000)
            print("last")
            return 1
        """,
        outputs=ONE,
    )

    content = (done.folder / "log.txt").read_bytes()
    assert content.startswith(b"first\nxxx")
    assert content.endswith(b"xxx\nlast\n")
    assert b"bytes left out]\n" in content
    assert 16 << 20 <= len(content) < (16 << 20) + 100


def test_a_full_disk_fails_the_step_by_its_output(run_step):
    done = run_step(
        """
        import resource
        def step():
            resource.setrlimit(resource.RLIMIT_FSIZE, (4000, resource.RLIM_INFINITY))
            return ["x"] * 1000
        """,
        outputs=ONE,
    )

    assert done.failure == (
        "outputs",
        "output 'out': 'out.json' cannot be saved: OSError: [Errno 27] File too large",
    )


def test_processes_of_the_step_work(run_step):
    done = run_step(
        """
        import concurrent.futures, multiprocessing, os
        print("imported")
        def square(n):
            return n * n
        def step():
            found = {}
            for way in ("fork", "forkserver", "spawn"):
                with concurrent.futures.ProcessPoolExecutor(2, multiprocessing.get_context(way)) as pool:
                    found[way] = list(pool.map(square, range(3)))
            import joblib
            found["loky"] = joblib.Parallel(2)(joblib.delayed(square)(n) for n in range(3))
            return found
        """,
        outputs=ONE,
    )

    assert done.failure is None
    assert done.json("out.json") == {way: [0, 1, 4] for way in ("fork", "forkserver", "spawn", "loky")}


def test_without_its_log_a_step_keeps_the_terminal(run_step):
    done = run_step("def step():\n    return 1\n", outputs=ONE, options={"attach": False})

    assert done.json("out.json") == 1
    assert not (done.folder / "log.txt").exists()


@pytest.mark.parametrize(("place", "code"), [("module", 0), ("save", 0)])
def test_a_fork_that_comes_back_from_elsewhere_has_no_result_either(run_step, place, code):
    done = run_step(
        f"""
        import os
        def fork():
            pid = os.fork()
            return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) if pid else None
        forked = fork() if {place!r} == "module" else 0
        def save(value, path):
            path.write_text(str(fork()) if {place!r} == "save" else value)
            if {place!r} == "save" and path.read_text() == "None":
                raise ValueError
        def step():
            print("called")
            return str(forked)
        """,
        outputs=[OutputJob("out", "out.txt", save_call="steps:save")],
    )

    assert (done.code, done.failure) == (code, None)
    assert done.output("out.txt").read_text() == "70"
    assert done.log == "called\n"


# Import


@pytest.mark.parametrize(
    ("source", "call", "message"),
    [
        ("", "stepz:step", "there is no module 'stepz' in '{project}', and it is not installed"),
        ("", "steps.inner:step", "there is no module 'steps.inner' in '{project}', and it is not installed"),
        (
            "import absent",
            "steps:step",
            "module 'steps' cannot be imported: ModuleNotFoundError: No module named 'absent'",
        ),
        ("1 / 0", "steps:step", "module 'steps' cannot be imported: ZeroDivisionError: division by zero"),
        (
            "import sys; sys.exit(3)",
            "steps:step",
            "module 'steps' cannot be imported: the function called sys.exit(3) instead of returning",
        ),
        (
            "def step(:",
            "steps:step",
            "module 'steps' cannot be imported: SyntaxError: invalid syntax (steps.py, line 1)",
        ),
        (
            "def stop(): pass",
            "steps:step",
            "'steps:step' is not in '{project}/steps.py': there is no 'step'; did you mean 'stop'?",
        ),
        ("class A: pass", "steps:A.run", "'steps:A.run' is not in '{project}/steps.py': there is no 'run'"),
        (
            "step = 3",
            "steps:step",
            "'steps:step' is a 'int'; a step must call a function, a static method or a class method",
        ),
        (
            "class step: pass",
            "steps:step",
            "'steps:step' is a class; a step must call a function, a static method or a class method",
        ),
        (
            "async def step(): pass",
            "steps:step",
            "'steps:step' is an async function; a step must call a function, a static method or a class method",
        ),
        (
            "def step(): yield",
            "steps:step",
            "'steps:step' is a generator; a step must call a function, a static method or a class method",
        ),
        (
            "async def step(): yield",
            "steps:step",
            "'steps:step' is a generator; a step must call a function, a static method or a class method",
        ),
        (
            "class A:\n def run(self): pass",
            "steps:A.run",
            "'steps:A.run' is a method of instances; a step must call a function, a static method or a class method",
        ),
        (
            "import functools\ndef f(): yield\nstep = functools.partial(f)",
            "steps:step",
            "'steps:step' is a generator; a step must call a function, a static method or a class method",
        ),
    ],
)
def test_what_cannot_be_called_is_told_before_it_is(run_step, tmp_path, source, call, message):
    done = run_step(source, call=call, outputs=ONE)

    assert done.failure == ("import", message.format(project=tmp_path / "project"))


def test_a_mistake_in_the_module_is_shown_with_its_line(run_step, tmp_path):
    done = run_step("def helper():\n    1 / 0\nhelper()\n", outputs=ONE)

    file = tmp_path / "project" / "steps.py"
    assert done.outcome.failure.traceback == (
        f'Traceback (most recent call last):\n  File "{file}", line 3, in <module>\n    helper()\n'
        f'  File "{file}", line 2, in helper\n    1 / 0\nZeroDivisionError: division by zero'
    )


def test_a_syntax_error_is_shown_with_its_line(run_step, tmp_path):
    done = run_step("def step(:\n", outputs=ONE)

    file = tmp_path / "project" / "steps.py"
    assert done.outcome.failure.traceback == (
        f'  File "{file}", line 1\n    def step(:\nSyntaxError: invalid syntax (steps.py, line 1)'
    )


def test_a_module_that_another_hides_is_told(run_step, tmp_path):
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "json.py").write_text("def step(): return 1\n")

    done = run_step("", call="json:step", outputs=ONE)

    kind, message = done.failure
    assert kind == "import"
    assert message.startswith(f"'{tmp_path}/project/json.py' has the same name as another module, '")
    assert message.endswith("json/__init__.py'; rename it")


def test_compiled_code_that_is_stale_is_not_run(run_step, tmp_path):
    import py_compile

    project = tmp_path / "project"
    project.mkdir()
    (project / "steps.py").write_text("def step(): return 1\n")
    py_compile.compile(str(project / "steps.py"))
    stamp = (project / "steps.py").stat()
    (project / "steps.py").write_text("def step(): return 2\n")
    os.utime(project / "steps.py", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))

    done = run_step("def step(): return 2\n", outputs=ONE)

    assert done.json("out.json") == 2


def test_a_package_of_the_project_is_found_below_its_folders(run_step, tmp_path):
    package = tmp_path / "project" / "news" / "deep"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("from .inner import value\nfrom other.thing import more\n")
    (package / "inner.py").write_text("value = 1\n")
    (tmp_path / "project" / "other").mkdir()
    (tmp_path / "project" / "other" / "thing.py").write_text("more = 2\n")

    done = run_step(
        "def step():\n    from news.deep import value, more\n    return [value, more]\n", outputs=ONE
    )

    assert done.json("out.json") == [1, 2]
    assert not list((tmp_path / "project").rglob("*.pyc"))


# Code that changed


def test_planned_code_runs(run_step, tmp_path):
    source = "def step(): return 1\n"
    digest = sha(source.encode())

    done = run_step(
        source,
        outputs=ONE,
        code_files={str(tmp_path / "project" / "steps.py"): digest},
        code_digest="d",
        options={"code_digest": "d"},
    )

    assert done.failure is None


def test_code_that_changed_since_it_was_planned_does_not_run(run_step, tmp_path):
    file = tmp_path / "project" / "steps.py"

    done = run_step(
        "print('imported')\ndef step(): return 1\n", outputs=ONE, code_files={str(file): sha(b"other")}
    )

    assert done.failure == ("changed", f"'{file}' changed after the run was planned; run again")
    assert "imported" not in done.log


def test_code_that_changes_while_it_is_imported_does_not_run(run_step, tmp_path):
    file = tmp_path / "project" / "steps.py"
    source = "open(__file__, 'a').write('#')\ndef step(): return 1\n"

    done = run_step(source, outputs=ONE, code_files={str(file): sha(source.encode())})

    assert done.failure == ("changed", f"'{file}' changed after the run was planned; run again")


def test_code_that_is_gone_does_not_run(run_step, tmp_path):
    done = run_step("def step(): return 1\n", outputs=ONE, code_files={"/absent.py": "0"})

    assert done.failure == ("changed", "'/absent.py' was removed after the run was planned")


def test_code_that_is_another_in_the_worker_does_not_run(run_step):
    done = run_step("def step(): return 1\n", outputs=ONE, code_digest="d", options={"code_digest": "e"})

    assert done.failure == (
        "changed",
        "the code of 'steps:step' has changed since it was planned: its digest is e, expected d",
    )


# Binding


@pytest.mark.parametrize(
    ("signature", "params", "message"),
    [
        ("n", {}, "there is no value for 'n', which the function requires"),
        ("n, *, m, k=1", {}, "there is no value for 'n', 'm', which the function requires"),
        ("count", {"cuont": 1}, "the function has no argument 'cuont', only 'count'; did you mean 'count'?"),
        ("n, /", {"n": 1}, "the function has no argument 'n', nor any other named argument"),
        ("n: int", {"n": 1.0}, "param 'n' is 1.0, which does not fit 'int'"),
        ("n: 'int | None'", {"n": "1"}, "param 'n' is '1', which does not fit 'int | None'"),
    ],
)
def test_what_does_not_fit_the_function_is_told(run_step, signature, params, message):
    done = run_step(f"def step({signature}):\n    return 1\n", outputs=ONE, params=params)

    assert done.failure == ("binding", message)


# What comes back


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            "pass",
            "the outputs 'a', 'b' must be returned, but the function returned None: is a 'return' missing?",
        ),
        (
            "return 1",
            "the outputs 'a', 'b' must be returned, but the function returned a value of type 'int'",
        ),
        ("return {}", "the outputs 'a', 'b' must be returned, but the function returned an empty 'dict'"),
        (
            "return {'a': 1, 'c': 2}",
            "the outputs 'a', 'b' must be returned, but the function returned a 'dict' with 'a', 'c'",
        ),
        (
            "return {'a': 1, 'b': 2, 'c': 3}",
            "the outputs 'a', 'b' must be returned, but the function returned a 'dict' with 'a', 'b', 'c'",
        ),
        ("return {'a': 1, 'b': None}", "output 'b' is None"),
        ("return 1, 2, 3", "the outputs 'a', 'b' must be returned, but the function returned a tuple of 3"),
        ("return [1]", "the outputs 'a', 'b' must be returned, but the function returned a list of 1"),
        (
            "return {1, 2}",
            "the outputs 'a', 'b' must be returned, but the function returned a value of type 'set'",
        ),
        (
            "return Pair(1, 2)",
            "the outputs 'a', 'b' must be returned, but the function returned a 'steps.Pair' with 'a', 'z'",
        ),
        ("return (x for x in 'ab')", "the function returned a generator, which has not been executed"),
    ],
)
def test_what_does_not_come_is_told_against_what_is_declared(run_step, body, message):
    done = run_step(
        f"import collections\nPair = collections.namedtuple('Pair', 'a z')\ndef step():\n    {body}\n",
        outputs={"a": "a.json", "b": "b.json"},
    )

    assert done.failure == ("outputs", message)


@pytest.mark.parametrize(
    "body",
    [
        "return {'b': 2, 'a': 1}",
        "return 1, 2",
        "return [1, 2]",
        "return Pair(b=2, a=1)",
        "return Both(b=2, a=1)",
        "return types.MappingProxyType({'a': 1, 'b': 2})",
    ],
)
def test_several_outputs_come_by_name_or_in_order(run_step, body):
    done = run_step(
        f"""
        import types
        from dataclasses import dataclass
        from typing import NamedTuple
        class Pair(NamedTuple):
            b: int
            a: int
        @dataclass
        class Both:
            b: int
            a: int
        def step():
            {body}
        """,
        outputs={"a": "a.json", "b": "b.json"},
    )

    assert (done.json("a.json"), done.json("b.json")) == (1, 2)


def test_none_for_the_only_output_asks_for_a_missing_return(run_step):
    done = run_step("def step(n):\n    if n:\n        return 1\n", params={"n": 0}, outputs=ONE)

    assert done.failure == (
        "outputs",
        "the function returned None for output 'out': is a 'return' missing?",
    )


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            "return {'a': 1}",
            "pipespec: the returned value of type 'dict' is not saved: the step has no outputs\n",
        ),
        ("return None", ""),
        ("print('x')", "x\n"),
    ],
)
def test_log_says_that_a_value_without_an_output_is_not_saved(run_step, body, said):
    done = run_step(f"def step():\n    {body}\n", outputs={})

    assert (done.failure, done.log) == (None, said)


def test_what_a_step_without_returned_outputs_returns_is_left_alone(run_step):
    done = run_step(
        "from pathlib import Path\ndef step(out: Path = None):\n    return out.write_text('{}')\n",
        outputs=ONE,
    )

    assert done.failure is None
    assert done.json("out.json") == {}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("pass", "output 'out': no file was written to its path"),
        ("out.mkdir()", "output 'out': '{place}' is a directory, not a regular file"),
        ("os.mkfifo(out)", "output 'out': '{place}' is a named pipe, not a regular file"),
        (
            "socket.socket(socket.AF_UNIX).bind(os.path.relpath(out))",
            "output 'out': '{place}' is a socket, not a regular file",
        ),
        (
            "os.mknod(out, 0o600 | stat.S_IFCHR, os.makedev(1, 3))",
            "output 'out': '{place}' is a device, not a regular file",
        ),
        ("out.symlink_to('nowhere')", "output 'out': the symbolic link at its path leads to nothing"),
        (
            "out.write_text('x'); os.link(out, out.with_name('y'))",
            "output 'out': 'out.json' is a hard link, so its content could be changed through its other name; write a copy",
        ),
        (
            "os.link('/etc/hostname', out)",
            "output 'out': 'out.json' is a hard link, so its content could be changed through its other name; write a copy",
        ),
        ("shutil.rmtree(out.parents[1])", "output 'out': no file was written to its path"),
        (
            "shutil.rmtree(out.parent); out.parent.symlink_to('/etc')",
            "output 'out': no file was written to its path",
        ),
        (
            "shutil.rmtree(out.parent); (out.parents[1] / 'x').mkdir(); (out.parents[1] / 'x' / 'out.json').touch(); out.parent.symlink_to('x')",
            "output 'out': there is a symbolic link on the way to its path",
        ),
    ],
)
def test_what_is_no_file_of_its_own_is_refused(run_step, body, message):
    if "/etc/hostname" in body and Path("/etc/hostname").stat().st_dev != Path("/tmp").stat().st_dev:
        pytest.skip("a hard link does not cross disks")

    done = run_step(
        f"import os, shutil, socket, stat\nfrom pathlib import Path\ndef step(out: Path):\n    {body}\n",
        outputs=ONE,
    )

    assert done.failure == ("outputs", message.format(place=done.output("out.json")))


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ("(out / 'a').write_text('1'); (out / 'b').symlink_to('a')", {"a": "1", "b": "1"}),
        (
            "(out / 'd').mkdir(); (out / 'd' / 'a').write_text('1'); (out / 'e').symlink_to('d')",
            {"d/a": "1", "e/a": "1"},
        ),
        ("(out / 'a').symlink_to(ELSEWHERE / 'x')", {"a": "2"}),
        ("out.rmdir(); out.symlink_to(ELSEWHERE)", {"x": "2"}),
        ("out.rmdir(); out.symlink_to(ELSEWHERE, target_is_directory=True)", {"x": "2"}),
    ],
)
def test_links_in_an_output_are_kept_as_what_they_lead_to(run_step, tmp_path, body, kept):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "x").write_text("2")

    done = run_step(
        f"from pathlib import Path\nELSEWHERE = Path({str(elsewhere)!r})\ndef step(out: Path):\n    {body}\n",
        outputs={"out": "model/"},
    )

    assert done.failure is None
    folder = done.output("model")
    assert {
        path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()
    } == kept
    assert not any(path.is_symlink() for path in (folder, *folder.rglob("*")))
    assert (elsewhere / "x").read_text() == "2"


def test_a_link_at_the_path_of_a_file_is_kept_as_that_file(run_step, tmp_path):
    (tmp_path / "elsewhere.json").write_text("[1]")

    done = run_step(
        f"from pathlib import Path\ndef step(out: Path):\n    out.symlink_to({str(tmp_path / 'elsewhere.json')!r})\n",
        outputs=ONE,
    )

    assert (done.failure, done.output("out.json").is_symlink()) == (None, False)
    assert done.output("out.json").read_text() == "[1]"


def test_a_program_in_an_output_and_in_what_is_returned_stays_one(run_step):
    done = run_step(
        "from pathlib import Path\n"
        "def step(out: Path):\n"
        "    (out / 'tool').write_text('#!/bin/sh'); (out / 'tool').chmod(0o755)\n"
        "    (out / 'text').write_text('x'); (out / 'again').symlink_to('tool')\n",
        outputs={"out": "model/"},
    )

    folder = done.output("model")
    assert [os.access(folder / name, os.X_OK) for name in ("tool", "again", "text")] == [True, True, False]


def test_files_of_a_directory_may_have_names_that_some_stores_lose_and_programs_are_noted(run_step):
    done = run_step(
        """
        def step(out):
            for name in ("d%2e", "x#y", "x?", "x" + chr(92) + "y", "run.sh"):
                (out / name).write_text(name)
            (out / "run.sh").chmod(0o755)
        """,
        outputs={"out": "model/"},
    )

    (saved,) = done.outcome.outputs
    assert set(saved.manifest) == {"d%2e", "x#y", "x?", "x\\y", "run.sh"}
    assert saved.executable == ("run.sh",)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("pass", "the directory contains no file"),
        ("(out / 'a').mkdir()", "the directory contains no file"),
        ("out.rmdir(); out.write_text('x')", "there is no directory at its path"),
        ("out.rmdir()", "no file was written to its path"),
        ("(out / 'a').symlink_to('nowhere')", "the symbolic link 'a' leads to nothing"),
        ("(out / 'a').symlink_to('a')", "the symbolic link 'a' leads to itself"),
        ("(out / 'a').symlink_to(out)", "the symbolic link 'a' leads to a folder that it stands in"),
        ("(out / 'a').symlink_to('/dev/null')", "'a' is a device, not a regular file"),
        ("os.mkfifo(out / 'a')", "'a' is a named pipe, not a regular file"),
        (
            "(out / 'a').touch(); os.link(out / 'a', out / 'b')",
            "'a' is a hard link, so its content could be changed through its other name; write a copy",
        ),
        ("(out / 'a\\nb').touch()", "'a\\nb' has '\\n' in its name, which not every artifact store supports"),
        (
            "(out / 'u\\u0308').touch()",
            "the name 'u\u0308' is not in Unicode normal form C, which not every system preserves",
        ),
        (
            "(out / 'a').touch(); (out / 'A').touch()",
            "'A' and 'a' are the same file on systems that ignore upper and lower case",
        ),
        (
            "[(p := out / ('d' * 200) / ('e' * 200) / ('f' * 200)).mkdir(parents=True), (p / 'x').touch()]",
            "the name 'ddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd…' is longer than 512 bytes",
        ),
        ("os.open(bytes(out) + bytes([47, 255]), os.O_CREAT)", "the name '\\udcff' in 'model' is not UTF-8"),
    ],
)
def test_a_directory_holds_what_every_store_gives_back(run_step, body, message):
    done = run_step(
        f"import os\nfrom pathlib import Path\ndef step(out: Path):\n    {body}\n", outputs={"out": "model/"}
    )

    assert done.failure == ("outputs", f"output 'out': {message}")


def test_too_many_files_are_refused(run_step):
    done = run_step(
        "def step(out):\n    for n in range(50_001):\n        (out / str(n)).touch()\n",
        outputs={"out": "model/"},
    )

    assert done.failure == (
        "outputs",
        "output 'out': it has 50001 files, more than 50000; combine them into fewer files",
    )


def test_names_with_spaces_and_letters_of_any_language_are_kept(run_step):
    done = run_step(
        "def step(out):\n    for name in ('.a b', '-ü (1)', 'CON', '日本'):\n        (out / name).touch()\n",
        outputs={"out": "model/"},
    )

    assert set(done.outcome.outputs[0].manifest) == {".a b", "-ü (1)", "CON", "日本"}


def test_a_returned_path_stands_for_its_content(run_step):
    done = run_step(
        """
        from pathlib import Path
        def step():
            Path("made.bin").write_bytes(b"x")
            folder = Path("folder/deep")
            folder.mkdir(parents=True)
            (folder / "y").write_bytes(b"y")
            return {"file": Path("made.bin"), "odd": Path("made.bin").absolute(), "folder": Path("folder")}
        """,
        outputs={"file": "a.csv", "odd": "b.onnx", "folder": "model/"},
    )

    assert done.failure is None
    assert [output.digest for output in done.outcome.outputs[:2]] == [sha(b"x"), sha(b"x")]
    assert dict(done.outcome.outputs[2].manifest) == {"deep/y": sha(b"y")}


@pytest.mark.parametrize(
    ("value", "file", "message"),
    [
        ("Path('absent')", "a.csv", "[Errno 2] No such file or directory: 'absent'"),
        ("Path('/dev/null')", "a.csv", "'/dev/null' is a device, not a regular file"),
        ("Path('/etc')", "a.csv", "'/etc' is a directory, not a regular file"),
        ("Path('/etc/passwd')", "model/", "the path '/etc/passwd' that was returned is not a directory"),
        (
            "1",
            "model/",
            "it is a directory; return its Path, or write it to the path in an argument of the same name",
        ),
        (
            "{1: 2}.items()",
            "a.json",
            "'a.json' cannot be saved: a value of type 'dict_items' does not fit into a '.json' file, which accepts 'dict', 'list', 'str', 'int', 'float', 'bool', 'pandas.DataFrame', 'polars.DataFrame', 'numpy.ndarray', 'plotly.graph_objects.Figure' and 2 more",
        ),
        (
            "threading.Lock()",
            "a.joblib",
            "'a.joblib' cannot be saved: TypeError: cannot pickle '_thread.lock' object",
        ),
    ],
)
def test_a_value_that_is_no_output_is_told(run_step, value, file, message):
    done = run_step(
        f"import threading\nfrom pathlib import Path\ndef step():\n    return {value}\n", outputs={"a": file}
    )

    assert done.failure == ("outputs", f"output 'a': {message}")


def test_files_that_nothing_declares_are_mentioned_and_left(run_step):
    done = run_step(
        "def step(out, model):\n    out.write_text('1')\n    (model / 'w').touch()\n    out.with_name('side.txt').touch()\n",
        outputs={"out": "out.json", "model": "model/"},
    )

    assert done.failure is None
    assert done.log == "pipespec: 'side.txt' is not a declared output and is not saved\n"


def test_own_functions_load_and_save(run_step, one, tmp_path):
    (tmp_path / "in.bin").write_bytes(b"abc")

    done = run_step(
        """
        def read(path):
            path.write_bytes(b"its own")
            return path.name, path.read_text()
        def write(value, path):
            (path / "x" if path.is_dir() else path).write_text(str(value))
        def step(content):
            return {"a": content, "b": 2}
        """,
        inputs=(one("content", tmp_path / "in.bin", sha(b"abc"), load_call="steps:read"),),
        outputs=[
            OutputJob("a", "a.bin", save_call="steps:write"),
            OutputJob("b", "b/", save_call="steps:write"),
        ],
    )

    assert done.failure is None
    assert done.output("a.bin").read_text() == "('in.bin', 'its own')"
    assert done.output("b/x").read_text() == "2"
    assert (tmp_path / "in.bin").read_bytes() == b"abc"


def test_options_reach_the_formats(run_step, one, tmp_path):
    (tmp_path / "in.csv").write_text("a;b\n1;2\n")

    done = run_step(
        "def step(table):\n    return table\n",
        inputs=(one("table", tmp_path / "in.csv", load={"sep": ";", "usecols": ["b"]}),),
        outputs=[OutputJob("out", "out.csv", save={"index": True})],
    )

    assert done.output("out.csv").read_text() == ",b\n0,2\n"


def test_inputs_elsewhere_are_fetched_by_the_caller(run_step, tmp_path):
    (tmp_path / "here.json").write_text("[1]")
    job = InputJob("value", "one", (Artifact("s3://bucket/x.json", sha(b"[1]"), "x.json"),))
    source = "def step(value): return value\n"

    assert run_step(
        source, inputs=(job,), outputs=ONE, options={"localise": str(tmp_path / "here.json")}
    ).json("out.json") == [1]
    assert run_step(source, inputs=(job,), outputs=ONE).failure == (
        "inputs",
        "input 'value': 'x.json' is at 's3://bucket/x.json', and nothing can download it",
    )


# Metrics


def test_metrics_are_read_from_the_output(run_step):
    done = run_step(
        "def step():\n    return {'f1': 0.5, 'n': 3, 'ok': True, 'name': 'x', 'folds': [1, {'f1': 2}]}\n",
        outputs=ONE,
        metrics=("out", None),
    )

    assert done.outcome.metrics == {"f1": 0.5, "n": 3.0, "folds.0": 1.0, "folds.1.f1": 2.0}


def test_metrics_that_are_no_numbers_are_left_out_and_the_log_says_so(run_step):
    done = run_step(
        'def step(out):\n    out.write_text(\'{"f1": NaN, "recall": 0.5}\')\n',
        outputs=ONE,
        metrics=("out", None),
    )

    assert done.failure is None
    assert dict(done.outcome.metrics) == {"recall": 0.5}
    assert done.log == "pipespec: metric 'f1' is no finite number, and is not recorded\n"


def test_a_link_by_its_absolute_path_to_a_file_of_the_same_output_is_kept_as_a_file(run_step):
    done = run_step(
        "from pathlib import Path\n\n\ndef step(out: Path):\n    (out / 'a').write_text('x')\n    (out / 'best').symlink_to(out / 'a')\n",
        outputs={"out": "folder/"},
    )

    assert done.failure is None
    assert [saved.files for saved in done.outcome.outputs] == [2]


# Secrets


SECRET = 'pa"ss wörd/+7'


def test_a_secret_is_filled_in_and_taken_out_again(run_step):
    done = run_step(
        """
        import base64, html, json, sys, urllib.parse
        def step(url, nested):
            token = nested["tokens"][0]
            for text in (url, repr(token), json.dumps(token), urllib.parse.quote(token), urllib.parse.quote_plus(token),
                         base64.b64encode(f"user:{token}".encode()).decode(), base64.urlsafe_b64encode(token.encode()).decode(),
                         token.encode().hex(), html.escape(token)):
                print(text, flush=True)
            print(token, file=sys.stderr)
            raise ValueError("cannot use " + token)
        """,
        params={"url": "https://user:${secret:TOKEN}@host", "nested": {"tokens": ["${secret:TOKEN}"]}},
        outputs=ONE,
        environment={"TOKEN": SECRET},
    )

    assert done.failure == ("raised", "ValueError: cannot use ${secret:TOKEN}")
    everything = done.log + (done.folder / "result").read_text()
    assert done.log.startswith("https://user:${secret:TOKEN}@host\n'${secret:TOKEN}'\n\"${secret:TOKEN}\"\n")
    for fragment in ("ss w", "ss+w", "ss%20w", "c3MgdyP2", "cGEic3Mg", "7061", "&quot;"):
        assert fragment not in everything


def test_a_secret_that_is_not_set_fails_the_step_by_name(run_step):
    done = run_step(
        "def step(a): return 1\n",
        params={"a": ["${secret:TOKEN}", "${secret:OTHER}", "${secret:B}"]},
        outputs=ONE,
        environment={"B": "x"},
    )

    assert done.failure == ("secret", "not set in the environment of the step: 'OTHER', 'TOKEN'")


def test_a_secret_that_does_not_fit_is_not_shown(run_step):
    done = run_step(
        "def step(a: int): return 1\n",
        params={"a": "${secret:TOKEN}"},
        outputs=ONE,
        environment={"TOKEN": SECRET},
    )

    assert done.failure == ("binding", "param 'a' is '${secret:TOKEN}', which does not fit 'int'")


# Named faults


@pytest.mark.parametrize("point", ["step.before-call", "step.after-call", "step.after-save"])
def test_a_fault_at_a_named_point_fails_the_step(run_step, point, tmp_path):
    import subprocess
    import sys

    project = tmp_path / "p"
    project.mkdir()
    (project / "steps.py").write_text("def step(): return 1\n")
    (tmp_path / "staging").mkdir()
    code = f"""
from pathlib import Path
from pipespec.step.execute import execute
from pipespec.step.step_job import StepJob, OutputJob
job = StepJob("s", "steps:step", ({str(project)!r},), {str(project)!r}, {str(tmp_path / "staging")!r}, {str(tmp_path / "log")!r}, outputs=(OutputJob("a", "a.json"),))
outcome = execute(job)
Path({str(tmp_path / "answer")!r}).write_text(f"{{outcome.failure.kind}}|{{outcome.failure.message}}|{{outcome.outputs}}")
"""
    environment = {**os.environ, "PIPESPEC_FAULT": f"{point}:raise", "PIPESPEC_FAULT_TESTING": "1"}
    subprocess.run([sys.executable, "-P", "-c", code], env=environment, timeout=60, check=True)

    assert (tmp_path / "answer").read_text() == f"raised|OSError: [Errno 28] fault at {point}|()"
