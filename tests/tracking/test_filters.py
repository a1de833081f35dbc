"""No text of a user enters a filter."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipespec.tracking import record_names
from pipespec.tracking.reading import search_filters

KEY = "0123456789abcdef" * 4


def test_filters_are_made_of_digests():
    assert search_filters.bearing(record_names.key_tag(KEY)) == f"tags.`pipespec.key.{KEY}` = '1'"
    assert (
        search_filters.running_or_finished(record_names.key_tag(KEY))
        == f"tags.`pipespec.key.{KEY}` = '1' AND attributes.status != 'FAILED' AND attributes.status != 'KILLED'"
    )
    assert search_filters.of_ids(["a" * 32, "b" * 32]) == f"attributes.run_id IN ('{'a' * 32}', '{'b' * 32}')"


@given(st.text() | st.from_regex(r"pipespec\.key\.[0-9a-f]{64}['`\" ].*"))
def test_any_other_text_is_refused(text):
    for make in (
        search_filters.bearing,
        search_filters.finished_bearing,
        search_filters.running_or_finished,
        record_names.key_tag,
    ):
        with pytest.raises(ValueError):
            make(text)
    with pytest.raises(ValueError):
        search_filters.of_ids([text])
    if not re.fullmatch("[0-9a-f]{1,32}", text):
        with pytest.raises(ValueError):
            search_filters.beginning(text)


@given(st.text())
def test_a_steps_name_enters_as_a_digest(name):
    assert re.fullmatch(
        r"tags\.`pipespec\.name\.[0-9a-f]{16}` = '1'", search_filters.bearing(record_names.name_tag(name))
    )


@pytest.mark.parametrize("count", [0, search_filters.IDS_AT_ONCE + 1])
def test_too_few_or_too_many_ids_are_refused(count):
    with pytest.raises(ValueError):
        search_filters.of_ids(["a" * 32] * count)
