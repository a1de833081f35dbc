import time

import pytest

from pipespec.document.nodes import plain
from pipespec.document.password_masking import hide_passwords, without_addresses, without_passwords
from pipespec.document.yaml.yaml_reader import read


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://user:pass@host/x", "http://user:***@host/x"),
        ("postgresql+psycopg://u:a:b@c@host:5432/db", "postgresql+psycopg://u:***@host:5432/db"),
        ("http://:token@host", "http://:***@host"),
        (
            "run --set a=http://u:p@h --set 'b=http://v:q@i'",
            "run --set a=http://u:***@h --set 'b=http://v:***@i'",
        ),
        ("db://u:${secret:PASSWORD}@host", "db://u:${secret:PASSWORD}@host"),
        ("http://host:8080/a@b", "http://host:8080/a@b"),
        ("http://user@host:80", "http://user@host:80"),
        ("sqlite:///mlflow.db", "sqlite:///mlflow.db"),
        ("mail to a:b@c", "mail to a:b@c"),
    ],
)
def test_only_passwords_of_uris_are_hidden(text, shown):
    assert without_passwords(text) == shown


def test_of_a_document_the_servers_are_looked_at():
    document = read(
        "params: {a: http://u:p@h}\nmlflow: {tracking_uri: http://u:p@h, tags: {a: [http://u:p@h, 1]}}\n"
        "engine: {scheduler: http://u:p@h, workers: 2}\n",
        file="a.yaml",
    )

    assert plain(hide_passwords(document)) == {
        "params": {"a": "http://u:p@h"},
        "mlflow": {"tracking_uri": "http://u:***@h", "tags": {"a": ["http://u:***@h", 1]}},
        "engine": {"scheduler": "http://u:***@h", "workers": 2},
    }


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("json://hooks.example/token", "json://***"),
        ("mailto://me:word@example.com?to=you", "mailto://***"),
        ("slack://${secret:TOKEN}/x/${secret:MORE}", "slack://${secret:TOKEN}***${secret:MORE}"),
        ("${secret:HOOK}", "${secret:HOOK}"),
        ("nourl", "***"),
    ],
)
def test_of_a_url_that_is_a_password_the_service_and_references_are_left(url, shown):
    document = read(f"notify: [{{url: '{url}', on: [failure]}}]\n", file="a.yaml")

    assert plain(hide_passwords(document)) == {"notify": [{"url": shown, "on": ["failure"]}]}


HOOK = "json://hooks.example/token,1"
STARS = "json://" + "*" * 21


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("notify:\n  - {url: HOOK, on: [failure]]\nparams: {a: http://h/x}\n", "notify:\n  - {url: STARS, on: [failure]]\nparams: {a: http://h/x}\n"),
        ("notify:\n\t- url: 'HOOK\n\t    more'\n\t  on: [a]\n", "notify:\n\t- url: 'STARS\n\t    ****'\n\t  on: [a]\n"),
        ('{"notify": [{"url": "HOOK", "on": ["a"]}]}', '{"notify": [{"url": "STARS", "on": ["a"]}]}'),
        ("notify:\n- url: slack://${secret:A}/b\n", "notify:\n- url: slack://${secret:A}**\n"),
        ("notify: HOOK\nname: a\n", "notify: STARS\nname: a\n"),
        ("notify:\n- {HOOK: url}\n", "notify:\n- {STARS* url}\n"),
        ("a: http://u:pass@h [\n", "a: http://u:****@h [\n"),
    ],
)  # fmt: skip
def test_addresses_are_starred_in_files_that_cannot_be_read_and_nothing_moves(text, shown):
    text, shown = text.replace("HOOK", HOOK), shown.replace("STARS", STARS)

    assert without_addresses(text) == shown
    assert len(text) == len(shown)


@pytest.mark.parametrize(
    "piece", ["${", "://", "a", "]", " ", "\n", "\n ", "url:", ", ", "notify:", "{notify:", "u:p@", "'", "- "]
)
def test_no_file_takes_long(piece):
    text = "notify: [{url: a://" + piece * (100_000 // len(piece))
    began = time.process_time()

    without_addresses(text)

    assert time.process_time() - began < 5
