"""A log that is streamed while it is written, and cleaned when its step has ended."""

import pytest

from pipespec.cli.progress_display import LogStream
from pipespec.step.secrets import Redactor
from pipespec.step.step_log import clean_log

SECRET = "7Q1xW5"
REDACT = Redactor({"TOKEN": SECRET})


@pytest.mark.parametrize("pieces", [1, 2, 3, 7, 1000])
def test_each_line_is_shown_once_and_without_secrets(tmp_path, pieces):
    text = f"first {SECRET}\n\nsecond {SECRET} and {SECRET}\nthird\n{SECRET}{SECRET}\nno end {SECRET}"
    log = tmp_path / "log"
    log.write_text("of an earlier attempt\n")
    stream, shown = LogStream(REDACT), []
    stream.follow("step", str(log))

    size = -(-len(text) // pieces)
    for start in range(0, len(text), size):
        with log.open("a") as file:
            file.write(text[start : start + size])
        shown += stream.new_lines()
    clean_log(log, REDACT)
    shown += stream.new_lines(ended="step")

    assert shown == [f"step | {line}" for line in text.replace(SECRET, "${secret:TOKEN}").split("\n")]
    assert list(stream.new_lines()) == []
