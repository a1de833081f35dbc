"""What an option sets as the receiver of messages, or as a server's password, is printed nowhere, right or wrong."""

from __future__ import annotations

import pytest

OPTIONS = [
    'notify=[{url: "slack://CANARY/B/C", on: [failure]}]',
    'notify=[{url: "slack://CANARY/B/C", bad: 1}]',
    'notify=[{url: "tokens://CANARY/x", on: [nope]}]',
    'notify=[{urls: "https://hooks.example.org/CANARY"}]',
    'notify=[{url: "slack://CANARY',
    'notify={url: "json://CANARY"}',
    "notify.url=slack://CANARY/x",
    'notify="slack://CANARY/B/C"',
    'notify=["slack://CANARY/B/C"]',
    "notify=[{url: CANARY}]",
    "notify[0].url=https://hooks.example.org/CANARY",
    'notify.$append=[{url: "slack://CANARY/B/C", on: x}]',
    'notifi=[{url: "slack://CANARY/B/C"}]',
    "mlflow.tracking_uri=https://u:CANARY@h:99999/",
    'mlflow={tracking_uri: "https://u:CANARY@h/", bad: 1}',
]
COMMANDS = [
    "validate",
    "validate --format json",
    "validate --format sarif",
    "validate --format github",
    "config",
    "config --origin",
    "config --format json",
    "plan",
    "graph",
    "render",
    "explain",
]


@pytest.mark.parametrize("option", OPTIONS)
def test_what_is_secret_in_an_option_is_not_printed(empty_project, option):
    empty_project.write("steps.py", "def one() -> int:\n    return 1\n")
    empty_project.write(
        "pipeline.yaml", "pipespec: 1\nsteps: {one: {call: 'steps:one', outputs: {one: one.json}}}\n"
    )
    for command in COMMANDS:
        verb, *words = command.split()
        answer = empty_project.pipespec(verb, "pipeline.yaml", *words, "--set", option)
        assert answer.out + answer.err, command
        assert "CANARY" not in answer.out + answer.err, (command, answer)


def test_who_is_told_is_in_no_record(empty_project):
    empty_project.write("steps.py", "def one() -> int:\n    return 1\n")
    empty_project.write(
        "pipeline.yaml", "pipespec: 1\nsteps: {one: {call: 'steps:one', outputs: {one: one.json}}}\n"
    )
    option = 'notify=[{url: "json://127.0.0.1:9/CANARY", on: [regression]}]'
    assert empty_project.pipespec("run", "pipeline.yaml", "--set", option).code in (0, 2)
    told = [
        path for path in empty_project.folder.rglob("*") if path.is_file() and b"CANARY" in path.read_bytes()
    ]
    assert told == []
