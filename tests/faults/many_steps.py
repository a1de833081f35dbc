"""A fan of short steps, each with one below it, that note each START and END; for many invocations at once."""

CODE = """
import os, time


def note(line):
    path = os.path.join(os.path.dirname(__file__), "executions.txt")
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(file, f"{line}\\n".encode())
    os.close(file)


def made(number: int, before: int = 0) -> int:
    note(f"START {number}")
    time.sleep(0.05)
    note(f"END {number}")
    return number + before
"""


def pipeline(tracking: list[str], steps: int) -> str:
    """Return the pipeline, with lines on tracking."""
    lines = ["pipespec: 1", "name: many", *tracking, "steps:"]
    for number in range(steps // 2):
        lines.append(
            f"  a{number}: {{call: 'steps:made', params: {{number: {number}}}, outputs: {{a: a.json}}}}"
        )
        lines.append(
            f"  b{number}: {{call: 'steps:made', inputs: {{before: a{number}}}, params: {{number: {number + 100}}},"
            " outputs: {b: b.json}}"
        )
    return "\n".join(lines) + "\n"


def noted_once(steps: int) -> dict[str, int]:
    """What is noted if each step begins and ends once."""
    return {
        f"{word} {number + more}": 1
        for word in ("START", "END")
        for number in range(steps // 2)
        for more in (0, 100)
    }


def noted_name(step: str) -> str:
    """By which number a step notes what it does."""
    return step[1:] if step[0] == "a" else str(int(step[1:]) + 100)
