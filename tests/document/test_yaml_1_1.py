"""What we write as YAML reads the same in YAML 1.1, which most programs still read."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pipespec.document.nodes import plain
from pipespec.document.yaml.yaml_reader import read, read_value
from pipespec.step import formats
from pipespec.views.document_view import scalar_text

ODD = [
    "no", "Yes", "on", "y", "N", "off", "~", "null", "true", "22:22", "190:20:30.15", "1e-05", "1_000", "0x1F", "017", "0o17",
    "0b11", "2021-10-01", "2021-10-01 12:00:00", "2021-10-01T12:00:00Z", "=", "<<", ".inf", "1.", "+1", "12e03", ".5", "1.5e3",
    "", " a", "a: b", "- a", "a #b", "#a", "[a", "x\ny", "x\ty", "é", "\u2028", "!a", "&a", "*a", "%a", "@a", "`a", "?", "? a", ":", "a:", "-",
]  # fmt: skip
NUMBERS = [1e-05, 1e22, 1.0, 1e16, 5e-324, 1e300, -0.0, 0.1, 100000.0, 3, -3, 2**63 - 1, True, False, None]
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0")) | st.sampled_from(ODD)
numberish = st.from_regex(r"[-+0-9._:eExXobTZ]{1,8}", fullmatch=True)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | texts | numberish,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(texts | numberish, below, max_size=3),
    max_leaves=6,
)  # fmt: skip


def spelt(value):
    return repr(value)


@pytest.mark.parametrize("value", [*ODD, *NUMBERS], ids=repr)
def test_one_value_reads_back_the_same_by_both_rules(value):
    text = f"a: {scalar_text(value)}\n"

    assert spelt(plain(read(text, file="p.yaml"))) == spelt({"a": value})
    assert spelt(yaml.safe_load(text)) == spelt({"a": value})


@given(numberish | texts)
def test_any_text_reads_back_as_text_by_both_rules(value):
    text = f"a: {scalar_text(value)}\n"

    assert plain(read(text, file="p.yaml")) == {"a": value}
    assert yaml.safe_load(text) == {"a": value}


@given(st.dictionaries(texts, values, max_size=3))
def test_a_yaml_output_reads_back_the_same_by_both_rules(tmp_path_factory, value):
    path = tmp_path_factory.mktemp("out") / "value.yaml"

    formats.save(value, path, "value.yaml", {})

    assert spelt(plain(read_value(path.read_bytes(), file="value.yaml"))) == spelt(value)
    assert spelt(yaml.safe_load(path.read_text(encoding="utf-8"))) == spelt(value)
