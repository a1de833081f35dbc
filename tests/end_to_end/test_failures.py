"""A step that fails: what is said, what goes on, and how to resume."""

import os
import signal
import time

STEPS = """
import os
from pathlib import Path

import broken_helper


def good(word: str) -> dict:
    return {"word": word}


def bad(word: dict) -> dict:
    return broken_helper.divide(1, 0)


def after(result: dict) -> dict:
    return result


def silent(word: dict) -> dict:
    os._exit(0)


def crash(word: dict) -> dict:
    import ctypes

    ctypes.string_at(0)


def slow(word: dict, marker: str) -> dict:
    import time

    Path(marker).touch()
    time.sleep(600)
    return {}
"""

HELPER = """
def divide(above, below):
    return {"quotient": above / below}
"""

PIPELINE = """\
pipespec: 1
name: fragile
steps:
  first:
    call: steps:good
    params: {word: a}
    outputs: {word: word.json}
  bad:
    call: steps:bad
    inputs: {word: first}
    outputs: {result: result.json}
  dependent:
    call: steps:after
    inputs: {result: bad}
    outputs: {result: result.json}
  sibling:
    call: steps:good
    params: {word: b}
    needs: [first]
    outputs: {word: word.json}
    priority: -1
"""


def states(answer):
    return {step["step"]: step["state"] for step in answer.json["steps"]}


def fragile(project):
    project.write("steps.py", STEPS)
    project.write("broken_helper.py", HELPER)
    project.write("pipeline.yaml", PIPELINE)
    return project


def test_failure_shows_user_frames_keeps_the_log_and_resumes(empty_project):
    project = fragile(empty_project)

    answer = project.pipespec("run", "pipeline.yaml", "--format", "json")

    assert answer.code == 1
    assert states(answer) == {"first": "ran", "bad": "failed", "dependent": "blocked", "sibling": "cancelled"}
    error = next(step["error"] for step in answer.json["steps"] if step["step"] == "bad")
    assert error == "ZeroDivisionError: division by zero"
    assert "broken_helper.py" in answer.err
    assert "/pipespec/" not in answer.err.replace("/.pipespec/", "")
    assert "ZeroDivisionError" in project.pipespec("logs", "pipeline.yaml", "bad").out

    project.edit("broken_helper.py", "above / below", "above")
    assert project.ran() == {"bad", "dependent", "sibling"}


def test_keep_going_runs_what_does_not_depend_on_the_failure(empty_project):
    project = fragile(empty_project)

    answer = project.pipespec("run", "pipeline.yaml", "--keep-going", "--format", "json")

    assert answer.code == 1
    assert states(answer) == {"first": "ran", "bad": "failed", "dependent": "blocked", "sibling": "ran"}


def test_processes_that_die_fail_their_step_only(empty_project):
    project = fragile(empty_project)
    project.edit("pipeline.yaml", "call: steps:bad", "call: steps:silent")
    text = (project.folder / "pipeline.yaml").read_text()
    crash = "  crash:\n    call: steps:crash\n    inputs: {word: first}\n    outputs: {result: result.json}\n"
    project.write("pipeline.yaml", text + crash)

    answer = project.pipespec("run", "pipeline.yaml", "--keep-going", "--format", "json", "-j", "2")

    errors = {step["step"]: step["error"] for step in answer.json["steps"] if step["state"] == "failed"}
    assert answer.code == 1
    assert states(answer)["sibling"] == "ran"
    assert set(errors) == {"bad", "crash"}
    assert "without a result" in errors["bad"]
    assert "SIGSEGV" in errors["crash"]


def wait_for(path, process):
    until = time.monotonic() + 60
    while not path.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.05)


def interrupted(project, number):
    marker = project.folder / "started"
    project.write("steps.py", STEPS)
    project.write("broken_helper.py", HELPER)
    project.write(
        "pipeline.yaml",
        "pipespec: 1\nname: long\nsteps:\n  first: {call: 'steps:good', params: {word: a}, outputs: {word: word.json}}\n"
        f"  slow: {{call: 'steps:slow', inputs: {{word: first}}, params: {{marker: {marker}}}, outputs: {{o: o.json}}}}\n",
    )
    process = project.start("run", "pipeline.yaml")
    wait_for(marker, process)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    return process.returncode, out + err


def test_ctrl_c_ends_the_step_and_marks_its_run_killed(empty_project):
    code, said = interrupted(empty_project, signal.SIGINT)

    assert code == 130, said
    assert "Traceback" not in said
    found = empty_project.query(
        "select r.status from runs r join tags t on t.run_uuid = r.run_uuid where t.key = 'pipespec.step' and t.value = 'slow'"
    )
    assert found == [("KILLED",)]
    assert told_states(empty_project) == {"first": "complete", "slow": "interrupted"}


def told_states(project):
    """Return what `status` says of each step; the picture with states says the same."""
    told = {
        step["step"]: step["state"]
        for step in project.pipespec("status", "pipeline.yaml", "--format", "json").json["steps"]
    }
    graph = project.pipespec("graph", "pipeline.yaml", "--status", "--format", "json").json
    assert {step["step"]: step["state"] for step in graph["steps"]} == told
    return told


def test_sigterm_ends_with_143(empty_project):
    code, said = interrupted(empty_project, signal.SIGTERM)

    assert code == 143, said


def test_kill_9_leaves_no_process_and_the_next_run_goes_on(empty_project):
    marker = empty_project.folder / "started"
    project = fragile(empty_project)
    project.edit("pipeline.yaml", "call: steps:bad", "call: steps:slow")
    project.edit(
        "pipeline.yaml",
        "    inputs: {word: first}\n",
        f"    inputs: {{word: first}}\n    params: {{marker: {marker}}}\n",
    )
    process = project.start("run", "pipeline.yaml", "bad")
    wait_for(marker, process)
    assert told_states(project)["bad"] == "running"
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)

    until = time.monotonic() + 30
    while remaining := processes_below(project.folder):
        assert time.monotonic() < until, remaining
        time.sleep(0.1)
    assert told_states(project)["bad"] == "interrupted"
    assert project.pipespec("logs", "pipeline.yaml", "bad", "--follow").code == 0
    assert project.query("select count(*) from runs where status = 'RUNNING'") != [(0,)]
    project.edit("steps.py", "    Path(marker).touch()\n    time.sleep(600)\n", "")
    assert project.run("bad") == {"first": "reused", "bad": "ran"}
    assert project.query("select count(*) from runs where status = 'RUNNING'") == [(0,)]


def processes_below(folder):
    """Processes whose working directory is in this folder."""
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                if os.readlink(f"/proc/{entry.name}/cwd").startswith(str(folder)):
                    found.append(entry.name)
            except OSError:
                continue
    return found
