from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import replace
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipespec.errors import UsageError
from pipespec.plan.records import OtherResult, OutputRecord
from pipespec.plan.step_key import (
    KEY_FORMAT,
    canonical,
    digest,
    external_content,
    fan_in_content,
    key_of_parts,
    output_content,
    step_key,
)
from pipespec.python.identity.code_facts import CodeFacts
from pipespec.spec.contracts.data_schema import DataSchema, SchemaFile
from pipespec.spec.pipeline_spec import (
    Bounds,
    CountedCode,
    DirInput,
    FileInput,
    FilesInput,
    Identity,
    MetricsRef,
    OutputSpec,
    PipelineInput,
    Retry,
)

INTEGERS = st.integers(-(2**63), 2**63 - 1)
SCALARS = st.none() | st.booleans() | INTEGERS | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    SCALARS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("aé\u0301é ", max_size=3), inner),
    max_leaves=12,
)


def spelling(value):
    """The canonical text, or None where the value has none."""
    try:
        return canonical(value)
    except UsageError:
        return None


def typed(value):
    """A value in which types and the sign of zero count, as Python's own equality does not have it."""
    if isinstance(value, list):
        return ["list", [typed(item) for item in value]]
    if isinstance(value, dict):
        return ["dict", {key: typed(item) for key, item in value.items()}]
    return [type(value).__name__, repr(value)]


def reordered(value):
    if isinstance(value, list):
        return [reordered(item) for item in value]
    if isinstance(value, dict):
        return {key: reordered(item) for key, item in reversed(value.items())}
    return value


class TestCanonical:
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (None, "null"),
            (True, "true"),
            (1, "1"),
            (1.0, "1.0"),
            ("1", '"1"'),
            ([1], "[1]"),
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1e16, "1e+16"),
            (0.1 + 0.2, "0.30000000000000004"),
            (5e-324, "5e-324"),
            (-(2**63), "-9223372036854775808"),
            (2**63 - 1, "9223372036854775807"),
            ({"b": 1, "a": {"d": [], "c": {}}}, '{"a":{"c":{},"d":[]},"b":1}'),
            ({"10": 0, "9": 0}, '{"10":0,"9":0}'),
            ("e\u0301", '"e\u0301"'),
            ({"e\u0301": 1, "\u00e9": 2}, '{"e\u0301":1,"\u00e9":2}'),
            ('日本 \u2028 \x00 " \\ \n', '"日本 \u2028 \\u0000 \\" \\\\ \\n"'),
            ("\U0001f600", '"\U0001f600"'),
        ],
    )
    def test_spells_each_value_in_one_way(self, value, text):
        assert canonical(value) == text

    @pytest.mark.parametrize(
        ("value", "message"),
        [
            (math.nan, "value is nan, which is not a finite number"),
            (-math.inf, "value is -inf, which is not a finite number"),
            ({"a": [0, math.inf]}, "value: 'a.1' is inf, which is not a finite number"),
            (2**63, "value is an integer of more than 64 bits"),
            (-(2**63) - 1, "value is an integer of more than 64 bits"),
            ({"a": 10**400}, "value: 'a' is an integer of more than 64 bits"),
            (
                {"x": "\ud800"},
                "value: 'x' contains half of a surrogate pair, which cannot be stored in a text file",
            ),
            ({"\udfff": 1}, "value contains half of a surrogate pair, which cannot be stored in a text file"),
            ({1: 2}, "value has the key 1, which is not text"),
            ({"a": (1, 2)}, "value: 'a' is a tuple, which is not a JSON value"),
            ({"a": b""}, "value: 'a' is a bytes, which is not a JSON value"),
        ],
    )
    def test_refuses_what_has_no_one_spelling(self, value, message):
        with pytest.raises(UsageError) as caught:
            canonical(value)

        assert str(caught.value) == message

    def test_refuses_bottomless_nesting_without_recursing_into_it(self):
        deep: list = []
        for _ in range(100_000):
            deep = [deep]

        with pytest.raises(UsageError, match="nested deeper than 128 levels"):
            canonical(deep)

    @given(VALUES)
    def test_keeps_every_value_and_type(self, value):
        text = spelling(value)

        if text is not None:
            assert canonical(json.loads(text)) == text
            assert typed(json.loads(text)) == typed(value)

    @given(VALUES)
    def test_ignores_the_order_of_keys(self, value):
        assert spelling(value) == spelling(reordered(value))

    @given(VALUES, VALUES)
    def test_gives_one_text_to_one_value_only(self, one, other):
        texts = spelling(one), spelling(other)

        if None not in texts:
            assert (texts[0] == texts[1]) == (typed(one) == typed(other))

    def test_agrees_across_processes_with_other_hash_seeds_and_locales(self):
        program = (
            "from pipespec.plan.step_key import digest;"
            "print(digest('test', {'b': [1, 1.0, True, 'é日'], 'a': {str(n): n / 7 for n in range(50)}}))"
        )
        answers = {
            subprocess.run(
                [sys.executable, "-c", program],
                env={"PYTHONHASHSEED": seed, "LC_ALL": locale},
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            for seed, locale in [("1", "C"), ("2", "C.UTF-8")]
        }

        assert answers == {"eecc857100f94b18b17466068d5cbb5494eb29c7008d7c1d9506320cfe80aaee\n"}


class TestDigest:
    def test_known_digests_stay(self):
        assert [digest("code", "x"), digest("x", "code"), digest("params", {})] == [
            "843efa674e0f4cc5ad0cdd0878854b1f69c762f20096e0d437fc23af3c5e11a0",
            "f4ac38c3b2610e673c323be7b7540898df6b25d0292144847ff8fdc81bd4480b",
            "2ea36c7e96a19915c7b9f7e32aa4ae7830712353da544d8e1d6956b0d067e09f",
        ]

    def test_the_kind_tells_equal_values_apart(self):
        assert digest("code", "same") != digest("params", "same")


class TestSchemas:
    """What a schema says counts, where one is declared; nothing else of the key changes."""

    @staticmethod
    def key(make, said=None, *, of_input=False, path="/project/s.json"):
        schema = None if said is None else SchemaFile(path, "s.json", make.place)
        source = FileInput("/project/in.json", "in.json")
        step = make.step(
            "make", inputs={"given": source}, outputs={"out": OutputSpec("out", "out.json", None, make.place)}
        )
        part = "inputs" if of_input else "outputs"
        specs = {name: replace(spec, schema=schema) for name, spec in getattr(step, part).items()}
        facts = make.facts(
            files={"/project/in.json": OutputRecord("i" * 64, 1, 1, "in.json")},
            schemas={path: DataSchema("s.json", (("file:///s.json", said or ""),))},
        )
        content = {"given": external_content(source, facts)}
        return step_key(replace(step, **{part: specs}), facts, content)

    @pytest.mark.parametrize("of_input", [False, True])
    def test_what_a_schema_says_counts_and_its_place_does_not(self, make, of_input):
        same = self.key(make, '{"type": "array"}', of_input=of_input)

        assert (
            same.hex == self.key(make, '{"type":  "array"}', of_input=of_input, path="/project/b/s.json").hex
        )
        assert same.hex != self.key(make, '{"type": "object"}', of_input=of_input).hex
        assert same.hex != self.key(make, of_input=of_input).hex
        assert same.hex != self.key(make, '{"type": "array"}', of_input=not of_input).hex

    def test_without_a_schema_no_part_mentions_one(self, make):
        parts = self.key(make).parts

        assert parts["outputs"] == [["out", "out.json", None]]
        assert parts["inputs"] == {"given": {"content": {"file": "i" * 64, "suffix": ".json"}}}


@pytest.fixture
def whole(make):
    """A step that uses everything that a key can hold, the facts about it, and its inputs' content."""
    step = make.step(
        "train",
        variant=(("depth", 4),),
        call="news.model:train",
        inputs={"table": "titles", "query": FileInput("/project/query.sql", "query.sql")},
        load={"table": {"index_col": "id"}, "query": make.ref("news.io:read")},
        params={"depth": 4, "rate": 0.1, "n_jobs": 2, "nested": {"b": [1, None], "a": "é"}},
        outputs={
            "model": "model.joblib",
            "scores": OutputSpec("scores", "scores.json", {"indent": 2}, make.place),
            "plot": OutputSpec("plot", "plot.png", make.ref("news.io:draw"), make.place),
        },
        identity=Identity(
            ignore=("n_jobs",), version=2, packages=("torch", "absent"), probe=make.ref("news.db:rows")
        ),
    )
    facts = make.facts(
        files={"/project/query.sql": OutputRecord("q" * 64, 10, 1, "query.sql")},
        packages={"torch": "2.2.0", "absent": None},
        probes={"train[depth=4]": {"rows": 10}},
    )
    inputs = {
        "table": output_content(OutputRecord("t" * 64, 5, 1, "titles.csv")),
        "query": external_content(step.inputs["query"].source, facts),
    }
    return step, facts, inputs


class TestStepKey:
    def test_the_order_of_params_does_not_count_and_that_of_mappings_in_them_does(self, make):
        def key(params):
            return step_key(make.step("a", outputs={}, params=params), make.facts(), {}).hex

        assert key({"x": 1, "y": {"a": 1, "b": 2}}) == key({"y": {"a": 1, "b": 2}, "x": 1})
        assert key({"y": {"a": 1, "b": 2}}) != key({"y": {"b": 2, "a": 1}})
        assert key({"y": [{"a": 1, "b": 2}]}) != key({"y": [{"b": 2, "a": 1}]})
        assert key({"y": {"a": 1}}) != key({"y": {"mapping": [["a", 1]]}})

    def test_text_counts_as_it_is_written(self, make):
        def key(text):
            return step_key(make.step("a", outputs={}, params={"x": text}), make.facts(), {}).hex

        assert key("\u00e9") != key("e\u0301")

    def test_known_key_stays_with_all_its_parts(self, whole):
        key = step_key(*whole)

        assert KEY_FORMAT == 2
        assert key.parts == {
            "name": "train",
            "call": "news.model:train",
            "code": {"digest": "code of news.model:train"},
            "params": {"depth": 4, "rate": 0.1, "nested": {"b": [1, None], "a": "é"}},
            "inputs": {
                "table": {
                    "content": {"file": "t" * 64, "suffix": ".csv"},
                    "load": ["options", {"index_col": "id"}],
                },
                "query": {
                    "content": {"file": "q" * 64, "suffix": ".sql"},
                    "load": ["call", "news.io:read", {"digest": "code of news.io:read"}],
                },
            },
            "outputs": [
                ["model", "model.joblib", None],
                ["scores", "scores.json", ["options", {"indent": 2}]],
                ["plot", "plot.png", ["call", "news.io:draw", {"digest": "code of news.io:draw"}]],
            ],
            "version": 2,
            "packages": {"torch": "2.2.0", "absent": None},
            "probe": {"rows": 10},
        }
        assert key.hex == "2e94eb52d462160beedbfb078687a3fe420b6512682da74867623d31e4e9d4a6"

    def test_known_key_of_the_smallest_step_stays(self, make):
        key = step_key(make.step("a", outputs={}), make.facts(), {})

        assert dict(key.parts) == {
            "name": "a",
            "call": "work:a",
            "code": {"digest": "code of work:a"},
            "params": {},
            "inputs": {},
            "outputs": [],
        }
        assert key.hex == "decf00f87497b95bbebdf0f7c5ddefacfdf884b8215bc3d74981ad5321a05daa"

    def test_the_parts_of_a_manifest_give_the_key_again(self, whole):
        key = step_key(*whole)

        assert key_of_parts(json.loads(json.dumps(key.parts))) == key

    def test_a_part_of_a_later_format_is_refused(self):
        with pytest.raises(UsageError, match="a key has no part 'weather'"):
            key_of_parts({"name": "a", "weather": "fine"})

    def test_a_step_without_identity_has_no_key(self, make):
        assert step_key(make.step("a", identity=Identity(never=True)), make.facts(), {}) is None

    @pytest.mark.parametrize(
        "value", [1, 1.0, True, "1", None, [1], {"1": 1}, 0, 0.0, -0.0, False, "", "null", "é", "e"]
    )
    def test_values_that_python_calls_equal_give_keys_of_their_own(self, make, value):
        others = [1, 1.0, True, "1", None, [1], {"1": 1}, 0, 0.0, -0.0, False, "", "null", "é", "e"]
        key = step_key(make.step("a", params={"p": value}), make.facts(), {})

        same = [
            other
            for other in others
            if step_key(make.step("a", params={"p": other}), make.facts(), {}) == key
        ]
        assert [repr(one) for one in same] == [repr(value)]

    def test_a_value_without_spelling_is_refused_with_step_and_place(self, make, whole):
        step, facts, inputs = whole

        with pytest.raises(UsageError) as caught:
            step_key(step, replace(facts, probes={step.id: {"newest": math.nan}}), inputs)

        assert (
            str(caught.value) == "step 'train[depth=4]': 'probe.newest' is nan, which is not a finite number"
        )


def change(step_change=None, facts_change=None, inputs_change=None):
    def apply(whole):
        step, facts, inputs = whole
        return (
            step_change(step) if step_change else step,
            facts_change(facts) if facts_change else facts,
            inputs_change(inputs) if inputs_change else inputs,
        )

    return apply


def with_identity(**more):
    return change(lambda step: replace(step, identity=replace(step.identity, **more)))


def with_code(call, code):
    return change(facts_change=lambda facts: replace(facts, code={**KNOWN_CODE, call: code}))


def with_load(argument, load):
    return change(
        lambda step: replace(
            step, inputs={**step.inputs, argument: replace(step.inputs[argument], load=load)}
        )
    )


def with_outputs(arrange):
    return change(lambda step: replace(step, outputs=arrange(step.outputs)))


def with_params(make_params):
    return change(lambda step: replace(step, params=make_params(dict(step.params))))


KNOWN_CODE = MappingProxyType(
    {
        call: CodeFacts(digest=f"code of {call}", counted={}, files=())
        for call in ("news.model:train", "news.io:read", "news.io:draw")
    }
)
NEW_CODE = CodeFacts(digest="other", counted={}, files=())

COUNTS = {
    "name": change(lambda step: replace(step, name="fit", variant=step.variant), None, None),
    "call": change(lambda step: replace(step, call=replace(step.call, qualname="fit"))),
    "code": with_code("news.model:train", NEW_CODE),
    "package of an installed callable": with_code(
        "news.model:train", replace(NEW_CODE, digest="code of news.model:train", package=("sklearn", "1.5"))
    ),
    "no code": with_identity(code=CountedCode.NONE),
    "all modules that are loaded": with_identity(code=CountedCode.MODULES),
    "files that do not count": with_identity(untracked=("cache/",)),
    "code of a loader": with_code("news.io:read", NEW_CODE),
    "code of a saver": with_code("news.io:draw", NEW_CODE),
    "a param's value": with_params(lambda params: params | {"rate": params["depth"]}),
    "a param less": with_params(lambda params: {name: params[name] for name in ("depth", "n_jobs")}),
    "a param's name": with_params(lambda params: {f"{name}_": value for name, value in params.items()}),
    "a param no longer ignored": with_identity(ignore=()),
    "another param ignored": with_identity(ignore=("n_jobs", "rate")),
    "content of an input": change(
        inputs_change=lambda inputs: inputs | {"table": {"file": "other", "suffix": ".csv"}}
    ),
    "suffix of an input": change(
        inputs_change=lambda inputs: inputs | {"table": {"file": "t" * 64, "suffix": ".tsv"}}
    ),
    "load options": with_load("table", {"index_col": "name"}),
    "no load options": with_load("table", None),
    "path instead of options": with_load("table", "path"),
    "output name": with_outputs(
        lambda outputs: {name + "s": replace(output, name=name + "s") for name, output in outputs.items()}
    ),
    "output file": with_outputs(
        lambda outputs: outputs | {"model": replace(outputs["model"], file="model.pkl")}
    ),
    "output options": with_outputs(
        lambda outputs: outputs | {"scores": replace(outputs["scores"], save={"indent": 4})}
    ),
    "order of outputs": with_outputs(lambda outputs: dict(reversed(outputs.items()))),
    "version": with_identity(version=3),
    "version's type": with_identity(version="2"),
    "no version": with_identity(version=None),
    "version of a package": change(
        facts_change=lambda facts: replace(facts, packages={"torch": "2.3", "absent": None})
    ),
    "package gone": change(
        facts_change=lambda facts: replace(facts, packages={"torch": None, "absent": None})
    ),
    "a package less": with_identity(packages=("torch",)),
    "answer of the probe": change(
        facts_change=lambda facts: replace(facts, probes={"train[depth=4]": {"rows": 11}})
    ),
    "no probe": with_identity(probe=None),
}


@pytest.mark.parametrize("name", COUNTS)
def test_what_can_change_a_result_changes_the_key(whole, name):
    step, facts, inputs = COUNTS[name](whole)
    if step.name != "train":
        facts = replace(facts, probes={step.id: {"rows": 10}})

    assert step_key(step, facts, inputs) != step_key(*whole)


DOES_NOT_COUNT = {
    "needs": lambda step, place: replace(step, needs=(("other", place),)),
    "metrics": lambda step, place: replace(step, metrics=MetricsRef("scores", None, place)),
    "checks": lambda step, place: replace(step, checks={"accuracy": Bounds(0.8, None, place)}),
    "retry": lambda step, place: replace(step, retry=Retry(3, (1.0,))),
    "timeout": lambda step, place: replace(step, timeout=5.0),
    "resources": lambda step, place: replace(step, resources={"gpu": 1}),
    "priority": lambda step, place: replace(step, priority=7),
    "tags": lambda step, place: replace(step, tags=("model",)),
    "description": lambda step, place: replace(step, description="Words."),
    "experiment": lambda step, place: replace(step, experiment="elsewhere"),
    "places": lambda step, place: replace(step, span=place._replace(file="moved.yaml", line=99)),
    "an ignored param": lambda step, place: replace(
        step, params=dict(step.params) | {"n_jobs": step.params["rate"]}
    ),
    "an ignored param gone": lambda step, place: replace(
        step, params={name: value for name, value in step.params.items() if name != "n_jobs"}
    ),
    "order of params": lambda step, place: replace(step, params=dict(reversed(step.params.items()))),
    "order of inputs": lambda step, place: replace(step, inputs=dict(reversed(step.inputs.items()))),
    "order of packages": lambda step, place: replace(
        step, identity=replace(step.identity, packages=("absent", "torch"))
    ),
    "the probe's name": lambda step, place: replace(
        step, identity=replace(step.identity, probe=replace(step.call, qualname="other_probe"))
    ),
}


@pytest.mark.parametrize("name", DOES_NOT_COUNT)
def test_what_cannot_change_a_result_leaves_the_key(make, whole, name):
    step, facts, inputs = whole

    assert step_key(DOES_NOT_COUNT[name](step, make.place), facts, inputs) == step_key(*whole)


def test_a_secret_counts_by_its_name_alone(make, monkeypatch):
    keys = []
    for value in ("old", "new"):
        monkeypatch.setenv("TOKEN", value)
        keys.append(step_key(make.step("a", params={"token": "${secret:TOKEN}"}), make.facts(), {}))
    other = step_key(make.step("a", params={"token": "${secret:OTHER}"}), make.facts(), {})

    assert keys[0] == keys[1] != other
    assert keys[0].parts["params"] == {"token": "${secret:TOKEN}"}


def test_variants_that_differ_in_nothing_they_are_called_with_share_a_key(make):
    keys = {step_key(make.step("a", variant=(("seed", seed),)), make.facts(), {}).hex for seed in (1, 2)}

    assert len(keys) == 1


class TestContent:
    def test_a_file_counts_by_digest_and_suffix_wherever_it_lies(self, make):
        facts = make.facts(
            files={
                "/one/table.csv.gz": OutputRecord("d", 1, 1, "table.csv.gz"),
                "s3://bucket/other.csv.gz?versionId=a.b": OutputRecord("d", 1, 1, "other.csv.gz"),
            }
        )

        contents = [
            external_content(FileInput(path, "as written"), facts)
            for path in ("/one/table.csv.gz", "s3://bucket/other.csv.gz?versionId=a.b")
        ]
        contents.append(output_content(OutputRecord("d", 9, 1, "output.csv.gz")))
        assert contents == [{"file": "d", "suffix": ".csv.gz"}] * 3

    def test_directories_and_globs_count_by_their_trees(self, make):
        tree = OutputRecord("d", 1, 1, "data/")
        facts = make.facts(files={"/data": tree, "/data/*.csv": tree})

        assert [
            external_content(DirInput("/data", "data"), facts),
            external_content(FilesInput("/data/*.csv", "data/*.csv"), facts),
            output_content(tree),
            output_content(tree, "weights.bin"),
        ] == [{"tree": "d"}, {"files": "d"}, {"tree": "d"}, {"tree": "d", "part": "weights.bin"}]

    def test_another_pipelines_result_counts_like_an_output_of_this_one(self, make):
        source = PipelineInput("/project/train.yaml", "train.yaml", "fit", "model")
        record = OutputRecord("d", 1, 1, "model.joblib")

        assert external_content(
            source, make.facts(results={source: OtherResult(record, "fit", "model", "run")})
        ) == output_content(record)

    @pytest.mark.parametrize(
        ("source", "message"),
        [
            (FileInput("/project/a.csv", "a.csv"), "the content is not known of 'a.csv'"),
            (DirInput("/project/data", "data"), "the content is not known of 'data'"),
            (
                PipelineInput("/project/train.yaml", "train.yaml", "fit", None),
                "the result of this pipeline is not known: 'train.yaml'",
            ),
        ],
    )
    def test_content_that_nobody_looked_at_is_refused(self, make, source, message):
        with pytest.raises(UsageError) as caught:
            external_content(source, make.facts())

        assert str(caught.value) == message

    def test_a_fan_in_counts_by_its_open_points(self):
        content = fan_in_content(
            [
                ((("depth", 4), ("rate", 0.1)), {"file": "d"}),
                ((("depth", "4"), ("rate", 1)), 2),
                ((("depth", [4]), ("rate", True)), 3),
            ]
        )

        assert content == {
            "variants": {"depth=4,rate=0.1": {"file": "d"}, 'depth="4",rate=1': 2, "depth=[4],rate=true": 3}
        }
