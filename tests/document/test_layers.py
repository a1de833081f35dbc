"""All layers of a file: their order, what is included, and the mistakes of all of them."""

from __future__ import annotations

import pytest

from pipespec.document.interpolation.resolver_interface import Problem, Resolvers
from pipespec.document.layers.resolve_layers import IncludedSource, resolve
from pipespec.document.nodes import plain, walk
from pipespec.errors import InvalidPipelineError


def project(**texts):
    """Files by name, `_` for `.`, and a fetch that finds them."""
    files = {name.replace("_", "."): text for name, text in texts.items()}

    def fetch(path, span):
        return (
            IncludedSource(path, files[path])
            if path in files
            else Problem(f"there is no file '{path}'", f"beside {span.file}")
        )

    return fetch


def resolved(text, fetch=None, *, overlays=(), overrides=(), env=None):
    found = resolve(
        IncludedSource("main.yaml", text),
        fetch=fetch or project(),
        resolvers=Resolvers(name="main", env=env),
        overlays=[IncludedSource(f"over{number}.yaml", overlay) for number, overlay in enumerate(overlays)],
        overrides=overrides,
    )
    if found.mistakes:
        raise InvalidPipelineError(found.mistakes, found.sources)
    return found


def test_higher_layers_replace_lower_ones():
    fetch = project(
        a_yaml="params: {x: a, a: a, y: a, o: a, s: a}",
        b_yaml="params: {x: b, b: b, y: b}",
    )

    found = resolved(
        "include: [a.yaml, b.yaml]\nparams: {y: main}",
        fetch,
        overlays=["params: {o: 0}", "params: {o: 1, s: 1}"],
        overrides=["params.s=2", "params.s=3"],
    )

    assert plain(found.document) == {"params": {"x": "b", "a": "a", "y": "main", "o": 1, "s": 3, "b": "b"}}
    assert found.files == ("main.yaml", "a.yaml", "b.yaml", "over0.yaml", "over1.yaml")
    assert {
        path: (node.span.file, node.span.layer) for path, node in walk(found.document) if len(path) == 2
    } == {
        ("params", "x"): ("b.yaml", "include"),
        ("params", "a"): ("a.yaml", "include"),
        ("params", "y"): ("main.yaml", "file"),
        ("params", "o"): ("over1.yaml", "overlay"),
        ("params", "s"): ("--set params.s=3", "set"),
        ("params", "b"): ("b.yaml", "include"),
    }
    assert set(found.sources) == {*found.files, "--set params.s=2", "--set params.s=3"}


def test_what_is_included_includes_in_turn_and_may_be_met_twice():
    fetch = project(
        a_yaml="include: [c.yaml]\nparams: {x: a}",
        b_yaml="include: [c.yaml]\nparams: {y: b}",
        c_yaml="params: {x: c, y: c, z: c}",
    )

    found = resolved("include: [a.yaml, b.yaml]", fetch)

    assert plain(found.document) == {"params": {"x": "c", "y": "b", "z": "c"}}


def test_a_file_is_laid_below_a_key():
    fetch = project(bert_yaml="epochs: 3\nname: ${params.base}", empty_yaml="# nothing\n")

    found = resolved(
        "include: [{params.model.best: bert.yaml}, empty.yaml]\nparams: {base: b, model: {best: {epochs: 1}}}",
        fetch,
    )

    assert plain(found.document) == {"params": {"model": {"best": {"epochs": 1, "name": "b"}}, "base": "b"}}


@pytest.mark.parametrize(
    ("overlays", "overrides", "epochs"),
    [((), (), 3), (["params: {kind: lstm}"], (), 9), ((), ["params.kind=lstm"], 9)],
)
def test_the_path_of_an_include_is_chosen_by_all_other_layers(overlays, overrides, epochs):
    fetch = project(bert_yaml="epochs: 3", lstm_yaml="epochs: 9")
    text = (
        "include: [{params.model: '${params.kind}.yaml'}]\nparams: {kind: bert, e: '${params.model.epochs}'}"
    )

    found = resolved(text, fetch, overlays=overlays, overrides=overrides)

    assert plain(found.document)["params"]["e"] == epochs
    assert len(found.files) == 2 + len(overlays)


def test_what_a_chosen_file_includes_is_chosen_by_the_same_layers():
    fetch = project(a_yaml="include: ['${params.next}.yaml']\nparams: {a: 1}", b_yaml="params: {b: 2}")

    found = resolved("include: ['${env:FIRST, a}.yaml']\nparams: {next: b}", fetch)

    assert plain(found.document) == {"params": {"b": 2, "a": 1, "next": "b"}}


def test_an_overlay_may_set_what_a_chosen_file_brings():
    fetch = project(bert_yaml="epochs: 3")
    text = "include: [{params.model: '${params.kind}.yaml'}]\nparams: {kind: bert}"

    found = resolved(text, fetch, overlays=["params: {model: {epochs: 5}}"])

    assert plain(found.document) == {"params": {"model": {"epochs": 5}, "kind": "bert"}}


def test_what_an_overlay_includes_lies_under_it_and_over_the_file():
    fetch = project(common_yaml="params: {x: common, y: common}")

    found = resolved(
        "params: {x: main, y: main}", fetch, overlays=["include: [common.yaml]\nparams: {y: over}"]
    )

    assert plain(found.document) == {"params": {"x": "common", "y": "over"}}
    assert found.document.get("params").get("x").span.layer == "overlay"


def test_the_document_before_interpolation_is_kept():
    found = resolved("params: {a: 1, b: '${params.a}'}", overrides=["params.a=2"])

    assert plain(found.merged) == {"params": {"a": 2, "b": "${params.a}"}}
    assert plain(found.document) == {"params": {"a": 2, "b": 2}}


def test_a_value_that_waits_for_a_higher_layer_is_asked_for_only_where_none_sets_it(mistakes):
    text = "params: {x: ???, y: '${params.x}'}"

    assert plain(resolved(text, overrides=["params.x=1"]).document) == {"params": {"x": 1, "y": 1}}
    assert mistakes(lambda: resolved(text)) == [
        "1:13-1:16 required-value: 'params.x' has no value: '???' must be set by a higher layer (set it in this file, in an overlay (-f), or with --set params.x=...)"
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("include: a.yaml", "1:10-1:16 bad-include: 'include' is not a list"),
        ("include: [1]", "1:11-1:12 bad-include: this entry of 'include' has no path"),
        ("include: ['']", "1:11-1:13 bad-include: this entry of 'include' has no path"),
        ("include: [[a.yaml]]", "1:11-1:19 bad-include: this entry of 'include' has no path"),
        ("include: [{params.x: [a]}]", "1:22-1:25 bad-include: this entry of 'include' has no path"),
        ("include: [{params..x: a}]", "1:12-1:21 bad-include: 'params..x' is not a key"),
    ],
)
def test_an_include_that_names_no_file_is_refused(text, found, mistakes):
    assert mistakes(lambda: resolved(text)) == [
        found
        + " (write a list of paths, or of mappings from a key to the path of its value: [a.yaml, {params.model: b.yaml}])"
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("include: [no.yaml]", "1:11-1:18 include-not-read: there is no file 'no.yaml' (beside main.yaml)"),
        (
            "include: ['${params.nane}']\nparams: {name: a}",
            "1:12-1:26 unknown-reference: 'params.nane' is not defined (did you mean 'params.name'?)",
        ),
        (
            "include: ['${env:WHERE}/a.yaml']",
            "1:11-1:32 include-not-read: the path of the file depends on ${env:WHERE}, which is not read by this command (give it a default, such as ${env:NAME, default})",
        ),
        (
            "include: ['${params.n}']\nparams: {n: 1}",
            "1:11-1:24 bad-include: the path of an include must be text",
        ),
        (
            "include: ['${step.name}']",
            "1:12-1:24 misplaced-reference: '${step.name}' has no value here (it can be used in a step's params, resources and paths of inputs, in 'defaults' and in mlflow.experiment)",
        ),
        (
            "include: ['${secret:X}']",
            "1:12-1:23 misplaced-reference: a secret is not allowed here (secrets are allowed in params and in 'notify', where they are not recorded)",
        ),
    ],
)
def test_an_include_that_cannot_be_read_is_told(text, found, mistakes):
    assert mistakes(lambda: resolved(text)) == [found]


def test_an_empty_list_of_includes_is_no_mistake():
    assert plain(resolved("include:\nparams: {a: 1}").document) == {"params": {"a": 1}}


def test_includes_in_a_circle_are_printed_as_a_path(mistakes):
    main = "include: [a.yaml, self.yaml]"
    others = {
        "a_yaml": "include: [b.yaml]",
        "b_yaml": "include: [a.yaml]",
        "self_yaml": "include: [main.yaml]",
    }

    assert mistakes(lambda: resolved(main, project(main_yaml=main, **others))) == [
        "1:11-1:17 include-cycle: files include each other in a circle: a.yaml -> b.yaml -> a.yaml (remove one of these includes)",
        "1:11-1:20 include-cycle: files include each other in a circle: main.yaml -> self.yaml -> main.yaml (remove one of these includes)",
    ]


def test_includes_that_double_at_every_level_are_refused(mistakes):
    levels = {f"l{level}_yaml": f"include: [l{level + 1}.yaml, l{level + 1}.yaml]" for level in range(60)}

    (found,) = mistakes(lambda: resolved("include: [l0.yaml]", project(**levels, l60_yaml="")))

    assert "too-many-includes: there are more than 100 includes (each include of a file counts)" in found


def test_all_files_together_have_a_bound(mistakes):
    large = "params: {x: '" + "x" * 3_000_000 + "'}"

    assert mistakes(lambda: resolved(f"include: [a.yaml]\n{large}", project(a_yaml=large))) == [
        "1:1-1:1 too-large: this file and those before it are larger than 4 MiB"
    ]


def test_mistakes_of_all_files_come_in_one_go_with_their_texts():
    fetch = project(a_yaml="a: 1\na: 2", b_yaml="include: [no.yaml]")

    with pytest.raises(InvalidPipelineError) as caught:
        resolved("include: [a.yaml, b.yaml]\nx: [", fetch)
    with pytest.raises(InvalidPipelineError) as again:
        resolved("include: [a.yaml, b.yaml, 1]", fetch, overlays=["- x"])

    assert [(str(found.span), found.code) for found in caught.value.diagnostics] == [
        ("main.yaml:2:5", "yaml-syntax")
    ]
    assert [(str(found.span), found.code) for found in again.value.diagnostics] == [
        ("a.yaml:2:1", "duplicate-key"),
        ("b.yaml:1:11", "include-not-read"),
        ("main.yaml:1:27", "bad-include"),
        ("over0.yaml:1:1", "not-a-mapping"),
    ]
    assert again.value.sources == {
        "main.yaml": "include: [a.yaml, b.yaml, 1]",
        "a.yaml": "a: 1\na: 2",
        "b.yaml": "include: [no.yaml]",
        "over0.yaml": "- x",
    }


def test_mistakes_of_layers_and_of_references_come_in_one_go():
    with pytest.raises(InvalidPipelineError) as caught:
        resolved("params: {a: '${params.b}'}", overlays=["params: {aa: 1}"], overrides=["params.c=1", "d"])

    assert [(str(found.span), found.code) for found in caught.value.diagnostics] == [
        ("--set d:1:7", "bad-override"),
        ("--set params.c=1:1:14", "unknown-key"),
        ("main.yaml:1:14", "unknown-reference"),
        ("over0.yaml:1:10", "unknown-key"),
    ]
    assert {found.span.file for found in caught.value.diagnostics} <= set(caught.value.sources)


def test_layers_nest_no_deeper_than_one_file(mistakes):
    deep = "a: " + "[" * 40 + "]" * 40
    fetch = project(a_yaml=deep)

    (found,) = mistakes(lambda: resolved("include: [{" + "k." * 40 + "k: a.yaml}]", fetch))

    assert "too-deep: the document is nested deeper than 64 levels after its references are replaced" in found


def test_bytes_and_byte_order_marks_are_read():
    found = resolve(
        IncludedSource("main.yaml", "\ufeffparams: {é: 1}".encode()), fetch=project(), resolvers=Resolvers()
    )

    assert plain(found.document) == {"params": {"é": 1}}
    assert found.sources == {"main.yaml": "params: {é: 1}"}
