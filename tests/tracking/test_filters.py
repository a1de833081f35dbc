"""No text of a user enters a filter."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipespec.tracking import filters, names

KEY = "0123456789abcdef" * 4


def test_filters_are_made_of_digests():
    assert filters.bearing(names.key_tag(KEY)) == f"tags.`pipespec.key.{KEY}` = '1'"
    assert (
        filters.running_claim(KEY) == f"tags.`pipespec.claim.{KEY}` = '1' AND attributes.status = 'RUNNING'"
    )
    assert filters.of_ids(["a" * 32, "b" * 32]) == f"attributes.run_id IN ('{'a' * 32}', '{'b' * 32}')"


@given(st.text() | st.from_regex(r"pipespec\.key\.[0-9a-f]{64}['`\" ].*"))
def test_any_other_text_is_refused(text):
    for make in (
        filters.bearing,
        filters.finished_bearing,
        filters.running_claim,
        names.key_tag,
        names.claim_tag,
    ):
        with pytest.raises(ValueError):
            make(text)
    with pytest.raises(ValueError):
        filters.of_ids([text])


@given(st.text())
def test_a_steps_name_enters_as_a_digest(name):
    assert re.fullmatch(r"tags\.`pipespec\.name\.[0-9a-f]{16}` = '1'", filters.bearing(names.name_tag(name)))


@pytest.mark.parametrize("count", [0, filters.IDS_AT_ONCE + 1])
def test_too_few_or_too_many_ids_are_refused(count):
    with pytest.raises(ValueError):
        filters.of_ids(["a" * 32] * count)
