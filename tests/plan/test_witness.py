"""The witness as text: what a tag and a manifest keep of it, what they refuse, and the advice that is made of it."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipespec.plan.witness import (
    NO_WITNESS,
    Touched,
    Trace,
    TraceChange,
    Witness,
    WitnessChange,
    decode_witness,
    encode_witness,
    witness_from_manifest,
    witness_to_manifest,
)
from pipespec.plan.witness_advice import witness_advice

DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64)
NAMES = st.text(st.characters(exclude_characters="/\0"), min_size=1, max_size=30).filter(
    lambda name: name not in (".", "..")
)
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
TOUCHED = st.builds(Touched, PATHS, st.sampled_from(Trace), DIGESTS | st.just(""), DIGESTS | st.just(""))
WITNESSES = st.lists(TOUCHED, max_size=60, unique_by=lambda one: one.path).map(
    lambda found: Witness(tuple(found))
)


def shortened(witness):
    return {(one.path, one.trace, one.digest[:32], one.tree[:32]) for one in witness.touched}


@given(WITNESSES, st.sampled_from([200, 2_000, 8_000]))
def test_a_tag_keeps_all_or_leaves_it_to_the_manifest(witness, limit):
    text = encode_witness(witness, limit)

    assert len(text) <= limit
    assert text.isascii()
    told = decode_witness(text)
    assert (text == "manifest") if told is None else shortened(told) == shortened(witness)


def test_a_thousand_files_go_to_the_manifest_and_two_hundred_into_the_tag():
    def of(count):
        return Witness(
            tuple(
                Touched(f"data/{n:05}.png", Trace.FILE, hashlib.sha256(b"%d" % n).hexdigest())
                for n in range(count)
            )
        )

    assert encode_witness(of(1_000), 8_000) == "manifest"
    assert shortened(decode_witness(encode_witness(of(200), 8_000))) == shortened(of(200))


@given(WITNESSES)
def test_a_manifest_keeps_all(witness):
    whole = Witness(witness.touched, ("cache/a", "noise.log"))

    assert witness_from_manifest(json.loads(json.dumps(witness_to_manifest(whole)))) == whole


def test_a_manifest_without_a_witness_is_one_of_a_run_that_touched_nothing():
    assert witness_from_manifest(None) == NO_WITNESS


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{",
        "not base64",
        "AAAA",
        '{"file": []}',
        '{"file": {"a": 1}}',
        '{"sound": {"a": "1"}}',
        '{"file": {"../a": "1"}}',
        '{"file": {"a/../../b": "1"}}',
        '{"file": {"": "1"}}',
        '{"file": {"a\\u0000": "1"}}',
    ],
)
def test_a_tag_that_no_run_of_ours_wrote_is_refused(text):
    with pytest.raises(ValueError, match=r".") as refused:
        decode_witness(text)
    assert not isinstance(refused.value, UnicodeError)


@pytest.mark.parametrize(
    "entry",
    [[], {}, {"touched": {}}, {"touched": [1]}, {"touched": [{"path": "a"}]},
     {"touched": [{"path": "../a", "as": "file", "digest": ""}]}, {"touched": [{"path": "a", "as": "x", "digest": ""}]}],
)  # fmt: skip
def test_a_manifest_that_no_run_of_ours_wrote_is_refused(entry):
    with pytest.raises(ValueError, match=r"."):
        witness_from_manifest(entry)


@pytest.mark.parametrize(
    ("trace", "difference", "detail"),
    [
        (Trace.FILE, "changed", "'a', which its last run read, has changed"),
        (Trace.FILE, "gone", "'a', which its last run read, is gone"),
        (Trace.LARGE, "changed", "'a', which its last run read, has changed"),
        (Trace.TREE, "changed", "'a', which its last run read, has changed"),
        (Trace.FOLDER, "changed", "'a', which its last run listed, has changed"),
        (Trace.MODULE, "changed", "'a', which its last run loaded, has changed"),
        (Trace.MODULE, "unsettled", "'a', which its last run loaded, changed while that run went on"),
        (Trace.MISSING, "appeared", "'a', which its last run looked for, is there now"),
    ],
)
def test_a_change_is_told_in_a_sentence_part(trace, difference, detail):
    assert WitnessChange("a", trace, TraceChange(difference)).detail == detail


@pytest.mark.parametrize(
    ("touched", "advice"),
    [
        ([], None),
        ([("m.py", Trace.MODULE), ("local.py", Trace.MISSING)], None),
        (
            [("data/stop.txt", Trace.FILE)],
            "step 's' read 'data/stop.txt', which no input names: add `{file: data/stop.txt}`",
        ),
        (
            [("a.txt", Trace.FILE), ("b.bin", Trace.LARGE), ("m.py", Trace.MODULE)],
            "step 's' read 'a.txt' and 1 more, which no inputs name: add `{file: a.txt}`",
        ),
        ([("images", Trace.TREE)], "step 's' read 'images', which no input names: add `{dir: images}`"),
        (
            [("plugins", Trace.FOLDER)],
            "step 's' listed 'plugins', which no input names: add `{dir: plugins}`",
        ),
        (
            [("my data, all.txt", Trace.FILE)],
            "step 's' read 'my data, all.txt', which no input names: add `{file: \"my data, all.txt\"}`",
        ),
    ],
)
def test_advice_names_the_input_that_is_missing(touched, advice):
    witness = Witness(tuple(Touched(path, trace, "0" * 64) for path, trace in touched))

    assert witness_advice("s", witness) == advice
