"""One text where several are taken, in every function of the API that takes several."""

import inspect
from pathlib import Path

import pytest

import pipespec
from pipespec import api
from pipespec.pipeline import Pipeline, takes_several


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("a.yaml", ("a.yaml",)),
        (Path("a.yaml"), ("a.yaml",)),
        (["a.yaml", Path("b.yaml")], ("a.yaml", "b.yaml")),
        ((), ()),
        ("", ("",)),
    ],
)
def test_one_text_or_path_is_one_item(given, taken):
    @takes_several
    def show(files, other="", *rest, overlays=()):
        return files, other, rest, overlays

    assert show(given, "xy", "zz", overlays=given) == (taken, "xy", ("zz",), taken)
    assert show(other="xy", files=given) == (taken, "xy", (), ())


def test_every_function_that_takes_several_texts_takes_one():
    functions = [*vars(api).values(), *vars(Pipeline).values()]
    several = [
        each
        for each in functions
        if inspect.isfunction(each)
        and any("Sequence[str]" in str(one.annotation) for one in inspect.signature(each).parameters.values())
    ]

    assert len(several) > 10
    assert [each.__name__ for each in several if not hasattr(each, "__wrapped__")] == []


def test_a_pipeline_is_loaded_and_judged_by_one_text_each(empty_project, monkeypatch):
    empty_project.write(
        "p.yaml",
        "pipespec: 1\nparams: {n: 1}\nsteps: {make: {call: 'steps:make', params: {n: '${params.n}'}}}\n",
    )
    empty_project.write("more.yaml", "params: {n: 2}\n")
    empty_project.write("steps.py", "def make(n: int) -> None: ...\n")
    monkeypatch.chdir(empty_project.folder)

    loaded = pipespec.load("p.yaml", overlays="more.yaml")
    changed = pipespec.load("p.yaml", overrides="params.n=3")

    assert [each["make"].step.param_values for each in (loaded, changed)] == [{"n": 2}, {"n": 3}]
    assert str(changed.plan(force="make")) == str(changed.plan(force=["make"]))
    assert pipespec.validate("p.yaml").files == ("p.yaml",)
