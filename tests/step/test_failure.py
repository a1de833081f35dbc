"""What a failure tells: the user's frames, the place in a library that raised, and what a program said at its end."""

import re
import sys

import pytest

ONE = {"out": "out.json"}


def places(failure):
    """Return the file's name and the function of each frame that is shown, and what is left out, in order."""
    pattern = re.compile(
        r'  File "[^"]*?([^/"]+)", line \d+, in (\S+)|  \[(\d+) frames? of libraries left out\]'
    )
    return [
        int(left) if left else f"{file}:{name}" for file, name, left in pattern.findall(failure.traceback)
    ]


def test_of_a_library_the_frame_that_raised_is_shown_and_the_others_are_counted(run_step):
    done = run_step("import json\ndef step():\n    return json.loads('{')\n", outputs=ONE)

    assert places(done.outcome.failure) == ["steps.py:step", 2, "decoder.py:raw_decode"]


def test_frames_of_a_library_between_the_users_are_counted(run_step):
    done = run_step(
        """
        import re
        def step():
            return re.sub("a", replaced, "abc")
        def replaced(match):
            return [].pop()
        """,
        outputs=ONE,
    )

    assert places(done.outcome.failure) == ["steps.py:step", 1, "steps.py:replaced"]


def test_chain_of_a_librarys_exceptions_takes_a_few_lines(run_step):
    done = run_step(
        """
        import urllib.request
        def step():
            try:
                return urllib.request.urlopen("http://127.0.0.1:1/x").read()
            except OSError as error:
                raise RuntimeError("no page") from error
        """,
        outputs=ONE,
    )

    first, second, third = re.split(r"\n\n(?:The above|During)[^\n]*\n\n", done.outcome.failure.traceback)
    assert [len(part.splitlines()) for part in (first, second, third)] == [5, 7, 4]
    assert third.endswith('    raise RuntimeError("no page") from error\nRuntimeError: no page')


def test_traceback_of_another_process_is_thinned_out_as_well(run_step):
    done = run_step(
        """
        import json
        from concurrent.futures import ProcessPoolExecutor
        def step():
            with ProcessPoolExecutor(1) as pool:
                return pool.submit(parse, "{").result()
        def parse(text):
            return json.loads(text)
        """,
        outputs=ONE,
    )

    remote, own = done.outcome.failure.traceback.split("\n\nThe above exception")
    assert [
        word for word in ("process.py", "steps.py", "json/__init__.py", "raw_decode") if word in remote
    ] == [
        "steps.py",
        "raw_decode",
    ]
    assert "frames of libraries left out]" in remote
    assert own.endswith("column 2 (char 1)")


SCRIPT = "import sys; print('lines', file=sys.stderr); print('no file given', file=sys.stderr); sys.exit(3)"


@pytest.mark.parametrize(
    ("body", "message", "end"),
    [
        (
            "subprocess.run([sys.executable, 'fails.py', *LONG], check=True, capture_output=True, text=True)",
            "subprocess.CalledProcessError: {command} ended with exit code 3: no file given",
            "the command ended with exit code 3; the end of its stderr:\n    lines\n    no file given",
        ),
        (
            "subprocess.check_output([sys.executable, 'fails.py', *LONG], stderr=subprocess.STDOUT)",
            "subprocess.CalledProcessError: {command} ended with exit code 3: no file given",
            "the command ended with exit code 3; the end of its stdout:\n    lines\n    no file given",
        ),
        (
            "subprocess.check_call([sys.executable, 'fails.py', *LONG])",
            "subprocess.CalledProcessError: {command} ended with exit code 3",
            "the command ended with exit code 3; unless its output was redirected, it is in the step's log",
        ),
        (
            "subprocess.run('kill -9 $$', shell=True, check=True)",
            "subprocess.CalledProcessError: 'kill -9 $$' was ended by signal 9 (SIGKILL)",
            "the command was ended by signal 9 (SIGKILL); unless its output was redirected, it is in the step's log",
        ),
        (
            "subprocess.run(['sleep', '9'], timeout=0.1)",
            "subprocess.TimeoutExpired: 'sleep 9' did not end within 0.1 s",
            "the command did not end within 0.1 s; unless its output was redirected, it is in the step's log",
        ),
    ],
)
def test_program_that_failed_is_told_once_with_what_it_said_last(run_step, tmp_path, body, message, end):
    (tmp_path / "project").mkdir()
    (tmp_path / "project/fails.py").write_text(SCRIPT)

    done = run_step(f"import subprocess, sys\nLONG = ['x' * 19] * 30\ndef step():\n    {body}\n", outputs=ONE)

    line = " ".join([sys.executable, "fails.py", *["x" * 19] * 30])
    command = f"'{line[:120]} … {line[-60:]}'"
    failure = done.outcome.failure
    assert failure.message == message.format(command=command)
    assert failure.traceback.splitlines()[-len(end.splitlines()) :] == (
        f"{message.partition(':')[0]}: {end}".splitlines()
    )
    assert len(re.findall(re.escape(message.partition("'")[0]), done.log)) <= 2
    assert done.log.count("x" * 19) <= command.count("x" * 19)


def test_program_that_failed_is_named_where_it_is_the_cause_of_another_exception(run_step):
    done = run_step(
        """
        import subprocess
        def step():
            try:
                subprocess.run("echo bad weights >&2; exit 4", shell=True, check=True, stderr=subprocess.PIPE)
            except subprocess.CalledProcessError as error:
                raise RuntimeError("training failed") from error
        """,
        outputs=ONE,
    )

    assert done.outcome.failure.message == "RuntimeError: training failed"
    assert (
        "subprocess.CalledProcessError: 'echo bad weights >&2; exit 4' ended with exit code 4; the end of its stderr:\n"
        "    bad weights\n" in done.outcome.failure.traceback
    )


@pytest.mark.parametrize("secret", ["hunter2hunter2", 'it\'s "quoted" and $spaced'])
@pytest.mark.parametrize("before", range(90, 125, 3))
def test_secret_in_a_failed_command_is_taken_out_wherever_the_line_is_cut(run_step, secret, before):
    body = "[sys.executable, '-c', 'import sys; sys.exit(sys.argv[2])', 'x' * n, key, 'y' * 200]"
    done = run_step(
        f"import subprocess, sys\ndef step(key, n):\n    subprocess.run({body}, check=True, stderr=subprocess.PIPE)\n",
        outputs=ONE,
        params={"key": "${secret:KEY}", "n": before - 50 - len(sys.executable)},
        secrets=("KEY",),
        environment={"KEY": secret},
    )

    failure = done.outcome.failure
    assert failure.message.endswith("ended with exit code 1: ${secret:KEY}")
    told = failure.message + failure.traceback + done.log
    assert not any(secret[at : at + 5] in told for at in range(len(secret) - 5))
