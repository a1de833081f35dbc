"""What is written is read as the values that were given, whatever is in them."""

from hypothesis import given, settings
from hypothesis import strategies as st

from pipespec.converting.pipeline_text import StepText, pipeline_text
from pipespec.document.nodes import plain
from pipespec.document.yaml.yaml_reader import read

TEXTS = st.one_of(
    st.text(alphabet="ab \n\t:#-{}[]'\"\\&*!|>%@`$,?=~é\u2028\x07\ufeff0.1eyn", max_size=12),
    st.sampled_from(
        ["no", "1", "1e3", "~", "12:30", "2020-01-01", "- a", "a: b", "--x", "${a.b}", "one\ntwo\n"]
    ),
)
VALUES = st.recursive(
    st.one_of(TEXTS, st.integers(-5, 5), st.sampled_from([1e-7, 1.5, True, None, "x" * 130])),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=8,
)


@settings(max_examples=200)
@given(st.dictionaries(st.sampled_from(["params", "inputs", "call"]), VALUES), VALUES)
def test_every_value_comes_back(keys, command):
    keys = {**keys, "params": {"command": command, "other": 1}}

    text = pipeline_text("A comment.", {"pipespec": 1}, [StepText("step", keys, ("why",))])

    assert plain(read(text, file="pipeline.yaml"))["steps"]["step"] == keys
