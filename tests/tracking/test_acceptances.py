"""What is said when a run is accepted, as it stands in a tag."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipespec.plan.records import Accepted
from pipespec.tracking.acceptances import (
    LONGEST_REASON,
    add_to_trail,
    encode_acceptance,
    encoded_length,
    parse_acceptance,
)
from pipespec.tracking.record_names import TAG_LENGTH

REASONS = st.text(max_size=LONGEST_REASON).filter(lambda text: encoded_length(text) <= LONGEST_REASON)


@given(st.text(max_size=200), REASONS, st.integers(0, 2**40))
def test_what_is_said_comes_back_and_fits(who, why, when):
    said = Accepted(who, why, float(when))
    text = encode_acceptance(said)

    assert len(text) <= TAG_LENGTH
    if max(who + why, default="") < "\ud800" or max(who + why, default="") > "\udfff":
        assert parse_acceptance(text) == said


@pytest.mark.parametrize("text", ["", "because", "{}", "[]", '{"who": "a", "why": "b", "when": "x"}', "1"])
def test_a_text_of_another_making_is_said_by_somebody(text):
    assert parse_acceptance(text) == Accepted("somebody", text, 0.0)


@pytest.mark.parametrize("when", ["NaN", "1e999"])
def test_a_time_that_is_none_is_not_known(when):
    assert parse_acceptance(f'{{"who": "a", "why": "b", "when": {when}}}') == Accepted("a", "b", 0.0)


def test_the_trail_keeps_the_newest_that_fit():
    trail = ""
    for number in range(30):
        trail = add_to_trail(trail, Accepted("ada", f"{number} {'x' * 900}", 1.0), Accepted("bob", "no", 2.0))
        assert len(trail) <= TAG_LENGTH

    entries = json.loads(trail)

    assert [entry["accepted"]["why"].split()[0] for entry in entries] == [
        "22",
        "23",
        "24",
        "25",
        "26",
        "27",
        "28",
        "29",
    ]
    assert entries[-1] == {
        "who": "bob", "why": "no", "when": 2.0,
        "accepted": {"who": "ada", "why": f"29 {'x' * 900}", "when": 1.0},
    }  # fmt: skip


def test_a_trail_that_a_hand_changed_begins_anew():
    trail = add_to_trail("what?", Accepted("ada", "a", 1.0), Accepted("bob", "b", 2.0))

    assert len(json.loads(trail)) == 1
