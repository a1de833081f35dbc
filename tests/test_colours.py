"""Which words of a line are coloured at a terminal; that colours can be switched off is shown at a terminal itself."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipespec.cli.colours import coloured

CODES = {"31": "red", "32": "green", "33": "yellow", "36": "cyan", "90": "grey"}


def shown(text):
    """Spell colours so that one can read them: `<red:word>`."""
    return re.sub(r"\x1b\[(\d+)m(.*?)\x1b\[0m", lambda found: f"<{CODES[found[1]]}:{found[2]}>", text)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("  reuse  split", "  <grey:reuse>  split"),
        ("  run    train  0.2 s", "  <yellow:run>    train  0.2 s"),
        ("[ 1/10] ran       ids  0.1 s", "[ 1/10] <green:ran>       ids  0.1 s"),
        ("[2/2] failed    broken: no", "[2/2] <red:failed>    broken: no"),
        ("  complete  features  2a7c", "  <green:complete>  features  2a7c"),
        ("a.yaml:3:5: error[unknown-step]: 'x'", "a.yaml:3:5: <red:error[unknown-step]>: 'x'"),
        ("a b.yaml:3:5: advice[pickle-output]: y", "a b.yaml:3:5: <yellow:advice[pickle-output]>: y"),
        ("   31 |     inputs: {ids: x}", "   31 |     inputs: {ids: x}"),
        ("      |          ^^^^", "      |          <red:^^^^>"),
        ("   help: did you mean 'y'?", "   <cyan:help>: did you mean 'y'?"),
        ("error: there is no step 'x'", "<red:error>: there is no step 'x'"),
        ("└─ train.model  (failed, see above)", "└─ train.model  (<red:failed>, see above)"),
        ("  +    return 2", "  <green:+    return 2>"),
        ("-    return 1", "<red:-    return 1>"),
        ("10 ran, 0 reused, 0 failed, 0 blocked in 9.1 s", "10 ran, 0 reused, 0 failed, 0 blocked in 9.1 s"),
        ("train[depth=4]: runs", "train[depth=4]: <yellow:runs>"),
        ("train: is reused", "train: <green:is reused>"),
        ("total: runs out of names", "total: runs out of names"),
        ("", ""),
    ],
)
def test_the_word_that_says_how_things_stand_is_coloured(line, expected):
    assert shown(coloured(line)) == expected


@given(st.text(alphabet=st.characters(exclude_characters="\x1b")))
def test_colours_change_no_text(text):
    assert re.sub(r"\x1b\[\d+m", "", coloured(text)) == text
