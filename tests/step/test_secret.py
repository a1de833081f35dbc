import base64
import html
import json
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipespec.step.failure import StepError
from pipespec.step.secrets import Redactor, fill, redactor, secret_names
from pipespec.step.step_log import clean_log

VALUE = {
    "url": "db://u:${secret:PASSWORD}@h/${secret:DB_2}",
    "list": [1, None, "${secret:PASSWORD}"],
    "${secret:KEY}": "x",
}


def test_names_are_those_in_texts_and_not_in_keys():
    assert secret_names(VALUE) == ("DB_2", "PASSWORD")
    assert secret_names("${secret:}, ${secret:2}, ${secret: A}, ${env:A}, $secret:A") == ()


def test_references_are_replaced_wherever_they_stand():
    environment = {"PASSWORD": "a${secret:DB_2}b", "DB_2": "d", "KEY": "k"}

    assert fill(VALUE, environment) == {
        "url": "db://u:a${secret:DB_2}b@h/d",  # once: a value is no reference
        "list": [1, None, "a${secret:DB_2}b"],
        "${secret:KEY}": "x",
    }


def test_what_is_not_set_is_named():
    with pytest.raises(StepError) as refused:
        fill(VALUE, {"DB_2": ""})

    assert (refused.value.kind, str(refused.value)) == (
        "secret",
        "not set in the environment of the step: 'PASSWORD'",
    )


secrets = st.text(st.characters(exclude_categories=["Cs"]), min_size=6, max_size=30)
around = st.text(st.characters(exclude_categories=["Cs"]), max_size=7)


@given(secrets, around, around)
def test_no_form_of_a_secret_is_left(secret, before, after):
    redact = Redactor({"TOKEN": secret})
    content = secret.encode()

    for spelt in (
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        repr(f"{secret}'\"")[1:-4],
        ascii(f"{secret}'\"")[1:-4],
        ascii(secret)[1:-1],
        urllib.parse.quote(secret),
        urllib.parse.quote(secret, safe=""),
        urllib.parse.quote_plus(secret),
        html.escape(secret),
        content.hex(),
    ):
        cleaned = redact(f"<<{spelt}>>")
        assert "${secret:TOKEN}" in cleaned
        assert spelt not in cleaned.replace("${secret:TOKEN}", "")
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        text = encode(before.encode() + content + after.encode()).decode()
        assert "${secret:TOKEN}" in redact(text)


@given(st.text(), st.text(min_size=1))
def test_what_holds_no_secret_is_left_as_it_is(text, secret):
    assert Redactor({})(text) == text
    if not any(form.decode(errors="replace") in text for form in Redactor({"T": secret})._names):
        assert Redactor({"T": secret})(text) == text


def test_every_line_of_a_key_is_taken_out():
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQ\n-----END KEY-----"

    assert (
        Redactor({"KEY": key})("Traceback: MIIEvQIBADANBg | kqhkiG9w0BAQ")
        == "Traceback: ${secret:KEY} | ${secret:KEY}"
    )


def test_the_longer_of_two_secrets_is_taken_out_whole():
    assert Redactor({"A": "abcd", "B": "abcdef"})("abcdef abcd") == "${secret:B} ${secret:A}"


def test_an_empty_secret_takes_nothing_out():
    redact = redactor("${secret:A}${secret:B}", {"A": ""})

    assert (redact("text"), redact.reach) == ("text", 0)


def test_a_secret_of_other_bytes_is_found_as_such():
    redact = Redactor({"A": b"caf\xe9-token".decode(errors="surrogateescape")})

    assert redact.clean(b"x caf\xe9-token y") == b"x ${secret:A} y"


def test_a_log_is_cleaned_in_its_place(tmp_path):
    log = tmp_path / "log"
    log.write_bytes(b"before s3cret-token after \xff")
    writer = log.open("ab")

    clean_log(log, Redactor({"T": "s3cret-token"}))
    writer.write(b" more")
    writer.close()

    assert log.read_bytes() == b"before ${secret:T} after \xff more"


def test_a_log_that_is_cut_shows_no_torn_secret(tmp_path):
    secret = "Qw3rtz-Uiop9"
    for shift in range(60):
        log = tmp_path / "log"
        log.write_bytes(
            b"x" * shift + secret.encode() * 20 + b"y" * 500 + secret.encode() * 20 + b"x" * shift
        )

        clean_log(log, Redactor({"T": secret}), limit=100)

        content = log.read_text().replace("${secret:T}", "")
        assert "bytes left out]" in content
        assert len(content) < 200
        assert not [part for part in ("Qw3", "Uiop9", "3rtz", "iop") if part in content], (shift, content)


def test_a_log_that_is_not_there_is_none(tmp_path):
    clean_log(tmp_path / "log", Redactor({"T": "s3cret-token"}))

    assert list(tmp_path.iterdir()) == []


def test_texts_and_keys_of_a_value_are_redacted():
    redact = redactor("${secret:A}", {"A": "alpha", "B": "beta", "C": "gamma"}, names=("B", "UNSET"))

    assert redact.names == ("A", "B")
    assert redact.value({"alpha": ["beta", 1, None, {"gamma": "<alpha>"}]}) == {
        "${secret:A}": ["${secret:B}", 1, None, {"gamma": "<${secret:A}>"}]
    }
