"""Mutated pipeline files, overlays, references and Python sources: every one is taken or refused by its rules, and shown whole.

A crash is any error that is not ours, a form that a terminal obeys, or a file that takes seconds. Crashes are kept as cases of
`tests/golden/invalid`. `PIPESPEC_FUZZ` sets how many specs are tried, 2,000 if it is not set; the other properties try
shares of it. In CI the same ones are tried each time. `fuzz_by_coverage.py` looks further, by hand.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from pathlib import Path

import pytest
from hostile_documents import PLACES, TEXTS, with_text
from hostile_folders import FUNCTIONS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shown_forms import TERMINAL, faults_in, shown

pytestmark = pytest.mark.faults

SPECS = int(os.environ.get("PIPESPEC_FUZZ", "2000"))
SECONDS = 10.0
"""Of processor time, for one file in all its forms."""
GOLDEN = Path(__file__).parents[1] / "golden"
ENDLESS = GOLDEN / "invalid/bad-schema--pattern-without-end"
"""Its schema takes all of the seconds that it may take, each time that the pipeline is read."""
FOLDERS = sorted(
    {path.parent for kind in ("invalid", "render") for path in (GOLDEN / kind).glob("*/pipeline.yaml")}
    - {ENDLESS}
)
LOOKED_AT = (*TERMINAL, "JSON findings", "SARIF", "JSON graph")

TOKENS = st.sampled_from(
    (
        *("\n", " ", "  ", "\t", ":", ": ", "- ", "-", "#", "'", '"', "|", ">", "|2-", "[", "]", "{", "}", ",", "?", "? "),
        *("&a", "*a", "!!str", "!!python/name:os.system", "!", "%YAML 1.1\n---\n", "---\n", "...\n", "<<: ", "@", "`", "\\"),
        *("${", "}", "${params.", "${env:X}", "${secret:X}", "${file:a}", "${matrix.", "$$", "$${", "${params.a, 1}", "???"),
        *("null", "~", "true", "no", "0x1f", "1e999", "-0.0", ".nan", ".inf", "1_000", "9" * 30, "2021-10-01", "12:30:45"),
        *("call: ", "inputs: ", "outputs: ", "params: ", "matrix: ", "steps:\n", "include: ", "defaults: ", "needs: ", "x-a: "),
        *("$append: ", "$delete: ", "$add: ", "[*]", "[a=1]", "a.b", '["a.b"]', "../", "/", "*", "**", "://", "http://u:p@h/"),
        *("\0", "\x1b[31m", "\x85", "\u2028", "\u202e", "\ufeff", "\udcff", "\U0001f600", "\u00e9", "e\u0301", "\uffff", "\r", "\r\n"),
        *("pipespec: 2\n", "name: \n", "retry: ", "timeout: 1h", "identity: {code: ", "metrics: ", "checks: ", "engine: ", "notify: "),
        *("def ", "lambda: ", "class A:\n", "@", "*", "**k", "/", "async ", "return ", "import ", "from . import *\n", "(", ")", "->"),
        *("int | None", "list[int]", "Literal['a']", "Annotated[int, Gt(0)]", "f'{", "'''", "if x:\n    ", "match x:\n", "global a\n"),
    )
)  # fmt: skip
PLACE = st.floats(0, 1, exclude_max=True)
MUTATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("insert"), PLACE, st.one_of(TOKENS, TOKENS, st.text(max_size=4))),
        st.tuples(st.just("delete"), PLACE, st.integers(1, 40)),
        st.tuples(st.just("double"), PLACE, st.integers(1, 60)),
        st.tuples(st.just("replace"), PLACE, TOKENS),
        st.tuples(st.just("indent"), PLACE, st.integers(-4, 4)),
        st.tuples(st.just("move"), PLACE, PLACE),
        st.tuples(st.just("repeat"), PLACE, st.integers(2, 300)),
    ),
    min_size=1,
    max_size=4,
)


def mutated(text, mutations):
    for kind, place, what in mutations:
        at = int(place * (len(text) + 1))
        lines = text.split("\n")
        line = int(place * len(lines))
        match kind:
            case "insert":
                text = text[:at] + what + text[at:]
            case "delete":
                text = text[:at] + text[at + what :]
            case "double":
                text = text[: at + what] + text[at:]
            case "replace":
                text = text[:at] + what + text[at + len(what) :]
            case "indent":
                lines[line] = " " * what + lines[line] if what > 0 else lines[line][-what:]
                text = "\n".join(lines)
            case "move":
                lines.insert(int(what * len(lines)), lines.pop(line))
                text = "\n".join(lines)
            case "repeat":
                text = text[:at] + text[at : at + 1] * what + text[at:]
    return text


def tried(share):
    """Set how many examples a property tries: a share of all, on the same ones each time in CI."""
    return settings(
        max_examples=max(1, int(SPECS * share)),
        deadline=None,
        derandomize="CI" in os.environ,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        database=None,
    )


def is_handled(folder, *, overlays=(), pictures=False):
    """Show the pipeline of a folder in all forms; it must take no seconds, and no terminal may obey what is shown."""
    began = time.process_time()
    with contextlib.chdir(folder):
        forms = shown("pipeline.yaml", overlays=overlays, pictures=pictures)
    assert time.process_time() - began < SECONDS
    looked_at = {name: text for name, text in forms.items() if name in LOOKED_AT}
    assert faults_in(looked_at, {}) == []
    return forms


def written(path, text):
    path.write_bytes(text.encode("utf-8", "surrogateescape" if "\udcff" in text else "surrogatepass"))


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Copies of the golden cases, with their texts; what an example changes, it writes back."""
    top = tmp_path_factory.mktemp("fuzzed")
    for source in FOLDERS:
        target = top / f"{source.parent.name}-{source.name}"
        shutil.copytree(source, target)
        (target / "pyproject.toml").touch()
    return sorted(top.iterdir())


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """One small project, whose files examples write."""
    folder = tmp_path_factory.mktemp("small")
    (folder / "pyproject.toml").touch()
    (folder / "bomb.py").write_text(FUNCTIONS)
    return folder


def test_any_mutated_pipeline_is_handled(folders):
    @tried(1.0)
    @given(st.sampled_from(folders), MUTATIONS)
    def handled(folder, mutations):
        file = folder / "pipeline.yaml"
        sound = file.read_bytes()
        try:
            written(file, mutated(sound.decode("utf-8", "replace"), mutations))
            is_handled(folder)
        finally:
            file.write_bytes(sound)

    handled()


def test_any_mutated_source_is_handled(folders):
    sources = [path for folder in folders for path in sorted(folder.glob("*.py"))]

    @tried(0.3)
    @given(st.sampled_from(sources), MUTATIONS)
    def handled(file, mutations):
        sound = file.read_bytes()
        try:
            written(file, mutated(sound.decode("utf-8", "replace"), mutations))
            is_handled(file.parent)
        finally:
            file.write_bytes(sound)

    handled()


OVERLAY = """\
params: {a: [1, 2], $delete: [b]}
steps:
  one: {params: {text: "${params.a}"}, tags: {$append: [t]}}
  two: {$add: true, call: bomb:two, inputs: {one: one.one}}
"""
BASE = """\
pipespec: 1
name: small
params: {a: 1, b: {c: 2}, text: word}
steps:
  one: {call: "bomb:one", params: {text: "${params.text}"}, tags: [s], outputs: {one: one.json}}
"""


def test_any_mutated_overlay_is_handled(small):
    (small / "pipeline.yaml").write_text(BASE)

    @tried(0.2)
    @given(MUTATIONS)
    def handled(mutations):
        written(small / "overlay.yaml", mutated(OVERLAY, mutations))
        is_handled(small, overlays=["overlay.yaml"])

    handled()


PARTS = st.sampled_from(
    ("${", "}", "$", "$$", "${params.a}", "${params.b.c}", "${params.", "env:", "X", ", ", "1", ":", ".", "[", "]", '"', "'", " ", "\\",
     "${env:X, ${params.a}}", "${matrix.m}", "${file:bomb.py}", "${git:commit}", "${pyproject:a}", "${step.one}", "é", "\0", "{{ a }}")
)  # fmt: skip


def test_any_text_of_references_is_handled(small):
    @tried(0.3)
    @given(st.lists(PARTS, max_size=12).map("".join), st.sampled_from(PLACES))
    def handled(text, place):
        marked = "a word that stands for it"
        quoted = with_text(marked, place)
        written(
            small / "pipeline.yaml", quoted.replace(marked, text.replace("\\", "\\\\").replace('"', '\\"'))
        )
        is_handled(small)

    handled()


def test_any_text_stays_text(small):
    harmless = {}
    for place in PLACES:
        (small / "pipeline.yaml").write_text(with_text("word", place))
        harmless[place] = is_handled(small, pictures=True)

    @tried(0.1)
    @given(
        st.one_of(
            st.text(max_size=30),
            st.lists(st.sampled_from(sorted(TEXTS.values(), key=len)[:24]), max_size=3).map("".join),
        ),
        st.sampled_from(PLACES),
    )
    def stays(text, place):
        written(small / "pipeline.yaml", with_text(text, place))
        forms = is_handled(small, pictures=True)
        assert faults_in(forms, harmless[place]) == []

    stays()
