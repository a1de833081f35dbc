"""Real processes, forked from a real template: how they end, and what they leave."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from pipespec.engine.processes.process_messages import Done, Exited, Lost, Ready, Started
from pipespec.engine.processes.step_processes import StepProcesses

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")

PATIENCE = float(os.environ.get("PIPESPEC_TEST_PATIENCE", "30"))


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


def eventually(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.005)
    return True


def marked(mark):
    """Pids of the living processes whose environment holds the mark."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if (
                entry.name.isdigit()
                and mark.encode() in (entry / "environ").read_bytes()
                and alive(entry.name)
            ):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


ENTRY = "def run(payload):\n    code = compile(payload, 'payload', 'exec')\n    return lambda say_done: exec(code, {'say_done': say_done})\n"


@pytest.fixture
def mark(tmp_path, monkeypatch):
    """A word in the environment of all processes that descend from here; none of them outlives the test."""
    word = f"MARK={tmp_path.name}-{os.getpid()}"
    monkeypatch.setenv("PIPESPEC_TEST_MARK", word)
    yield word
    eventually(lambda: marked(word) == [])


@pytest.fixture
def start(tmp_path, monkeypatch, mark):
    (tmp_path / "zoo.py").write_text(ENTRY)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    opened = []

    def make(**about):
        opened.append(StepProcesses("zoo:run", folder=tmp_path, log=tmp_path / "template.log", **about))
        return opened[-1]

    yield make
    for processes in opened:
        processes.close()


@pytest.fixture
def zoo(start, tmp_path):
    return Zoo(start(), tmp_path)


class Zoo:
    def __init__(self, processes, folder):
        self.processes, self.folder = processes, folder
        self.pids, self.ended, self.done, self.count = {}, {}, [], 0
        self.ready = None

    def spawn(self, code):
        self.count += 1
        log = self.folder / f"{self.count}.log"
        self.processes.spawn(self.count, textwrap.dedent(code).encode(), log, reports_done=True)
        return self.count

    def wait_until(self, condition):
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, (self.pids, self.ended)
            for answer in self.processes.wait(0.05):  # a file may be what is waited for
                match answer:
                    case Ready():
                        self.ready = answer
                    case Started(number, pid):
                        self.pids[number] = pid
                    case Done(number):
                        self.done.append(number)
                    case Exited(number, code):
                        self.ended[number] = code
                    case Lost(number, reason):
                        self.ended[number] = reason

    def run(self, code):
        number = self.spawn(code)
        self.wait_until(lambda: number in self.ended)
        return self.ended[number]

    def log(self, number=None):
        return (self.folder / f"{number or self.count}.log").read_text()

    def started(self, code):
        """Spawn, and wait until the code made the file `here`."""
        here = self.folder / f"here{self.count + 1}"
        number = self.spawn(f"here = {str(here)!r}\n" + textwrap.dedent(code))
        self.wait_until(lambda: number in self.pids and here.exists())
        return number, here


@pytest.mark.parametrize(
    ("code", "ending"),
    [
        ("pass", 0),
        ("import os; os._exit(0)", 0),
        ("import os; os._exit(3)", 3),
        ("raise SystemExit(5)", 1),
        ("raise KeyboardInterrupt", 1),
        ("import ctypes; ctypes.string_at(0)", -signal.SIGSEGV),
        ("import os; os.abort()", -signal.SIGABRT),
        ("import os; os.kill(os.getpid(), 9)", -signal.SIGKILL),
        ("import os; os.kill(os.getpid(), 15)", -signal.SIGTERM),
        ("import os; [os.close(fd) for fd in range(3)]", 0),
        ("import sys; sys.stdout = sys.stderr = None", 0),
        ("import threading, time; threading.Thread(target=time.sleep, args=(3600,)).start()", 0),
        ("import atexit, time; atexit.register(time.sleep, 3600)", 0),
    ],
)
def test_each_ending_is_told_and_the_next_process_is_not_troubled(zoo, code, ending):
    neighbour, _ = zoo.started("import time; open(here, 'w').close(); time.sleep(3600)")

    assert zoo.run(code) == ending
    assert zoo.run("print('well')") == 0
    assert neighbour not in zoo.ended


def test_a_payload_that_cannot_be_prepared_is_lost_and_the_next_is_not(zoo):
    number = zoo.spawn("a mistake")

    zoo.wait_until(lambda: number in zoo.ended)

    assert zoo.ended[number] == "it could not be prepared: SyntaxError: invalid syntax (payload, line 1)"
    assert zoo.run("print('well')") == 0


def test_a_crash_leaves_a_trace_in_the_log(zoo):
    zoo.run("import ctypes; ctypes.string_at(0)")

    assert "Segmentation fault" in zoo.log()


def test_what_is_printed_goes_to_the_log_in_order_without_end_of_buffer(zoo):
    code = """
        import os, sys
        print("one"); sys.stderr.write("two\\n"); os.write(1, b"three\\n"); os.system("echo four")
        print("\\udcff\\x00")
        print("no line end", end="")
    """

    assert zoo.run(code) == 0
    assert zoo.log() == "one\ntwo\nthree\nfour\n\\udcff\x00\nno line end"


def test_fifty_megabytes_of_prints_do_not_stop_a_process(zoo):
    assert zoo.run("for _ in range(50): print('x' * (1 << 20))") == 0
    assert (zoo.folder / "1.log").stat().st_size == 50 * ((1 << 20) + 1)


def test_sets_have_one_order_from_run_to_run(start, tmp_path):
    for _ in range(2):
        Zoo(start(), tmp_path).run("print({str(i) for i in range(50)})")

    first, second = (tmp_path / "1.log").read_text().splitlines()
    assert first == second


def test_stdin_is_empty(zoo):
    assert zoo.run("import sys; print(repr(sys.stdin.read()))") == 0
    assert zoo.log() == "''\n"


def test_a_process_leads_a_session_of_its_own_and_has_pythons_usual_signal_handlers(zoo):
    code = """
        import os, signal
        assert os.getsid(0) == os.getpgid(0) == os.getpid()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        assert {signal.getsignal(s) for s in (signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)} == {signal.SIG_DFL}
        assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == set()
        assert signal.set_wakeup_fd(-1) == -1
    """

    assert zoo.run(code) == 0, zoo.log()


def test_a_process_holds_no_file_of_the_template(zoo):
    code = """
        import os
        print(sorted(fd for fd in map(int, os.listdir("/proc/self/fd")) if fd > 2 and os.path.exists(f"/proc/self/fd/{fd}")))
    """

    zoo.run(code)

    assert zoo.log() == "[]\n"


@pytest.mark.parametrize("before", ["", "import os; os.closerange(3, 256)"], ids=["as it is", "all closed"])
def test_a_process_can_say_that_it_is_done_before_it_ends(zoo, before):
    code = "import os, time; open(here, 'w').close()\nwhile os.path.exists(here): time.sleep(0.01)"
    number, here = zoo.started(f"{before}\nsay_done()\n{code}")

    zoo.wait_until(lambda: zoo.done)

    assert (zoo.done, zoo.ended) == ([number], {})
    here.unlink()
    zoo.wait_until(lambda: zoo.ended)
    assert (zoo.done, zoo.ended) == ([number], {number: 0})


def test_nothing_of_one_process_reaches_the_next(zoo):
    zoo.run("""
        import os, sys, signal, random, json
        os.chdir("/"); os.environ["LEFT"] = "1"; os.umask(0); sys.path.insert(0, "/left"); json.left = True
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    """)
    code = f"""
        import os, sys, signal, json
        assert os.getcwd() == {str(zoo.folder)!r}
        assert "LEFT" not in os.environ and "/left" not in sys.path and not hasattr(json, "left")
        assert os.umask(0) != 0
    """

    assert zoo.run(code) == 0, zoo.log()


def test_a_signal_reaches_the_whole_group(zoo):
    number, here = zoo.started("""
        import subprocess
        child = subprocess.Popen(["sleep", "3600"])
        open(here, "w").write(str(child.pid))
        child.wait()
    """)

    zoo.processes.signal(number, signal.SIGTERM)
    zoo.wait_until(lambda: number in zoo.ended)

    assert zoo.ended[number] == -signal.SIGTERM
    assert eventually(lambda: not alive(int(here.read_text())))


def test_a_signal_right_after_the_order_is_not_swallowed_by_the_template(zoo):
    numbers = [zoo.spawn("import time; time.sleep(3600)") for _ in range(20)]
    for number in numbers:
        zoo.processes.signal(number, signal.SIGTERM)

    zoo.wait_until(lambda: len(zoo.ended) == 20)

    assert set(zoo.ended.values()) == {-signal.SIGTERM}


def test_sigkill_ends_what_ignores_sigterm(zoo):
    number, _ = zoo.started("""
        import signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        open(here, "w").close()
        time.sleep(3600)
    """)

    zoo.processes.signal(number, signal.SIGTERM)
    assert zoo.run("pass") == 0
    assert number not in zoo.ended
    zoo.processes.signal(number, signal.SIGKILL)
    zoo.wait_until(lambda: number in zoo.ended)

    assert zoo.ended[number] == -signal.SIGKILL


LEAVES = {
    "a child in its group": """
        import subprocess
        pid = subprocess.Popen(["sleep", "3600"]).pid
    """,
    "a child that holds stdout and ignores SIGTERM": """
        import subprocess
        pid = subprocess.Popen(["sh", "-c", "trap '' TERM; sleep 3600"]).pid
    """,
    "a child in a session of its own": """
        import subprocess
        pid = subprocess.Popen(["sleep", "3600"], start_new_session=True).pid
    """,
    "a daemon": """
        import os, time
        r, w = os.pipe()
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.write(w, str(os.getpid()).encode()); time.sleep(3600)
            os._exit(0)
        os.wait()
        pid = int(os.read(r, 20))
    """,
    "a daemon that ignores SIGTERM and has children": """
        import subprocess
        script = "trap '' TERM; setsid sleep 3600 & setsid sleep 3601 & echo $$; wait"
        child = subprocess.Popen(["sh", "-c", script], start_new_session=True, stdout=subprocess.PIPE)
        pid = int(child.stdout.readline())
    """,
}


@pytest.mark.parametrize(
    "ending", ["", "\nos._exit(3)", "\nos.kill(os.getpid(), 9)"], ids=["well", "exit", "killed"]
)
@pytest.mark.parametrize("leaves", LEAVES)
def test_what_a_process_leaves_behind_is_ended_and_keeps_nobody_waiting(zoo, mark, leaves, ending):
    code = textwrap.dedent(LEAVES[leaves]) + f"\nimport os\nprint(pid)\n{ending}"

    zoo.run(code)

    assert eventually(lambda: not alive(int(zoo.log())))
    ours = marked(mark)  # at last the template, and the process that waits for the next order
    assert eventually(lambda: len(marked(mark)) <= 2), (ours, marked(mark))
    assert zoo.run("pass") == 0


def test_a_daemon_lives_as_long_as_the_process_that_made_it(zoo):
    number, here = zoo.started(
        LEAVES["a daemon"]
        + """
        open(here, "w").write(str(pid))
        while True: time.sleep(3600)
    """
    )

    assert zoo.run("pass") == 0
    assert alive(int(here.read_text()))
    zoo.processes.signal(number, signal.SIGTERM)
    assert eventually(lambda: not alive(int(here.read_text())))


@pytest.mark.parametrize("moment", ["busy", "with leftovers"])
def test_closing_leaves_no_process(start, tmp_path, mark, moment):
    zoo = Zoo(start(), tmp_path)
    for leaves in LEAVES.values():
        zoo.started(
            leaves
            + "\n        open(here, 'w').close()"
            + ("\n        time = __import__('time'); time.sleep(3600)" if moment == "busy" else "")
        )

    zoo.processes.close()
    zoo.processes.close = lambda: None

    assert eventually(lambda: marked(mark) == [])


PARENT = """
    import os, sys, time
    from pathlib import Path
    from pipespec.engine.processes.step_processes import StepProcesses

    folder = Path(sys.argv[1])
    processes = StepProcesses("zoo:run", folder=folder, log=folder / "template.log")
    for number, path in enumerate(sorted(folder.glob("*.step"))):
        processes.spawn(number, path.read_bytes(), folder / "log")
    while True:
        processes.wait(1.0)
"""


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM])
def test_when_the_parent_is_killed_nothing_survives(start, tmp_path, mark, signum):
    for count, leaves in enumerate(LEAVES.values()):
        here = tmp_path / f"there{count}"
        code = textwrap.dedent(leaves) + f"\nopen({str(here)!r}, 'w').close()\nimport time; time.sleep(3600)"
        (tmp_path / f"{count}.step").write_text(code)
    (tmp_path / "zoo.py").write_text(ENTRY)
    (tmp_path / "parent.py").write_text(textwrap.dedent(PARENT))
    parent = subprocess.Popen([sys.executable, tmp_path / "parent.py", tmp_path], start_new_session=True)
    eventually(lambda: len(list(tmp_path.glob("there*"))) == len(LEAVES))
    assert len(marked(mark)) > 2 * len(LEAVES)

    os.killpg(parent.pid, signum)
    parent.wait()

    assert eventually(lambda: marked(mark) == [])


def test_where_the_template_dies_its_processes_are_lost_and_others_start_anew(zoo, mark):
    number, here = zoo.started(
        LEAVES["a child in its group"]
        + """
        open(here, "w").write(str(pid))
        import time; time.sleep(3600)
    """
    )
    template = int(Path(f"/proc/{zoo.pids[number]}/stat").read_text().rpartition(")")[2].split()[1])

    os.kill(template, signal.SIGKILL)
    assert eventually(lambda: not alive(zoo.pids[number]))  # though nobody has looked yet
    zoo.wait_until(lambda: number in zoo.ended)

    assert "ended with code -9" in zoo.ended[number]
    assert eventually(lambda: not alive(zoo.pids[number]) and not alive(int(here.read_text())))
    assert zoo.run("pass") == 0


def test_modules_are_loaded_beforehand_as_far_as_that_works(start, tmp_path):
    (tmp_path / "broken.py").write_text("raise SystemExit('no')")
    zoo = Zoo(start(modules=["colorsys", "broken", "missing", "wave"]), tmp_path)

    assert zoo.run("import sys; print('colorsys' in sys.modules, 'wave' in sys.modules)") == 0

    assert zoo.log() == "True True\n"
    assert zoo.ready == Ready(
        ("colorsys", "wave"),
        (("broken", "SystemExit: no"), ("missing", "ModuleNotFoundError: No module named 'missing'")),
    )


@pytest.mark.parametrize(
    "source",
    [
        "import threading, time; threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()",
        "import ctypes, _thread, time; _thread.start_new_thread(time.sleep, (3600,))",
    ],
    ids=["a thread", "a thread that threading does not know"],
)
def test_a_module_that_leaves_a_thread_behind_is_not_loaded_beforehand(start, tmp_path, source):
    (tmp_path / "threaded.py").write_text(source)
    zoo = Zoo(start(modules=["colorsys", "threaded", "wave"]), tmp_path)

    zoo.run("import sys; print('threaded' in sys.modules)")

    assert zoo.log() == "False\n"
    assert zoo.ready == Ready(("colorsys", "wave"), ())
    assert "'threaded' leaves a thread behind" in (tmp_path / "template.log").read_text()


@pytest.mark.parametrize("source", ["import os; os._exit(0)", "import ctypes; ctypes.string_at(0)"])
def test_a_module_that_kills_the_template_costs_nothing_but_the_loading(start, tmp_path, source):
    (tmp_path / "deadly.py").write_text(source)
    zoo = Zoo(start(modules=["colorsys", "deadly"]), tmp_path)

    assert zoo.run("pass") == 0
    assert zoo.ready == Ready((), ())


def test_a_template_that_cannot_begin_at_all_says_where_its_log_is(start, tmp_path):
    (tmp_path / "zoo.py").write_text("raise RuntimeError('spoilt')")
    zoo = Zoo(start(), tmp_path)

    told = zoo.run("pass")

    assert told == (
        "the process from which steps are forked ended with code 1; its log is "
        + str(tmp_path / "template.log")
    )
    assert "RuntimeError: spoilt" in (tmp_path / "template.log").read_text()


def test_a_wait_returns_when_woken(start):
    processes = start()
    processes.wake()

    before = time.monotonic()
    assert processes.wait(60.0) == []
    assert time.monotonic() - before < 30.0


def test_a_payload_may_be_large(zoo):
    assert zoo.run("x = " + repr("y" * 20_000_000)) == 0


SURROUNDINGS = """
    import os, signal, sys, threading
    mask = os.umask(0o022)
    os.umask(mask)
    print(os.getcwd(), sys.argv, oct(mask), threading.active_count(), sys.path, sorted(sys.modules))
    print(os.getsid(0) == os.getpgid(0) == os.getpid(), os.getppid(), sorted(os.environ.items()))
    print({name: signal.getsignal(name) for name in sorted(signal.valid_signals())})
    print(signal.pthread_sigmask(signal.SIG_BLOCK, ()), signal.getitimer(signal.ITIMER_REAL))
    print({fd: os.readlink(f"/proc/self/fd/{fd}") for fd in map(int, os.listdir("/proc/self/fd")) if os.path.exists(f"/proc/self/fd/{fd}") and fd > 2})
"""


def test_a_process_that_waited_for_its_order_is_as_one_that_was_forked_for_it(zoo):
    assert [zoo.run(SURROUNDINGS) for _ in range(3)] == [0, 0, 0]
    assert zoo.log(1) == zoo.log(2) == zoo.log(3)
    assert len({*zoo.pids.values()}) == 3


def test_a_process_that_is_killed_while_it_waits_is_missed_by_nobody(zoo, mark):
    zoo.run("import os; print(os.getppid())")
    eventually(lambda: len(marked(mark)) == 2)
    (killed,) = set(marked(mark)) - {int(zoo.log())}
    os.kill(killed, signal.SIGKILL)
    eventually(lambda: not alive(killed))

    assert [zoo.run("pass"), zoo.run("pass")] == [0, 0]
    assert killed not in zoo.pids.values()


def test_an_order_longer_than_a_pipe_holds_is_carried_out(zoo):
    zoo.run("pass")
    assert zoo.run(f"print(len({'x' * 1_000_000!r}))") == 0
    assert zoo.log() == "1000000\n"


def test_an_order_that_cannot_be_prepared_is_lost_and_the_next_is_carried_out(zoo):
    for _ in range(2):
        assert "could not be prepared: SyntaxError" in str(zoo.run("a mistake"))
        assert zoo.run("pass") == 0


def test_the_pages_that_the_first_process_wrote_to_are_copied_before_the_third_begins(zoo):
    code = """
        import resource, sys
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        kept = [list(vars(module).values()) for module in list(sys.modules.values())]
        print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
    """
    for _ in range(3):
        zoo.run(code)
    first, third = int(zoo.log(1)), int(zoo.log(3))
    assert third * 2 < first, (first, third)
