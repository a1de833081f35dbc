import functools
import sys
import types
import typing
from pathlib import Path
from typing import Annotated, Any

import pytest

from pipespec.step.arguments.argument_binding import ArgumentBinding, bind
from pipespec.step.arguments.live_annotations import live_arguments
from pipespec.step.failure import StepError
from pipespec.step.formats.type_names import type_of_annotation
from pipespec.step.results.returned_values import returned_values
from pipespec.step.step_job import Artifact, InputJob, OutputJob

IDS = InputJob("ids", "one", (Artifact("/ids.csv", None, "ids.csv"),))
MODEL = OutputJob("model", "model/")
SCORES = OutputJob("scores", "scores.json")


def no_annotation(model): ...
def path(model: Path): ...
def quoted(model: "Path | None" = None): ...
def annotated(*, model: Annotated[Path, "x"]): ...


@pytest.mark.parametrize("function", [no_annotation, path, quoted, annotated])
def test_an_argument_that_is_a_path_or_nothing_gets_the_place_of_its_output(function):
    binding = bind(function, (), {}, (MODEL, SCORES))

    assert (binding.written, binding.returned) == ((MODEL,), (SCORES,))


def with_default(model=None): ...
def other_type(model: str = ""): ...
def rest(**model): ...
def absent(): ...


@pytest.mark.parametrize("function", [with_default, other_type, rest, absent])
def test_any_other_output_is_returned(function):
    binding = bind(function, (), {}, (MODEL, SCORES))

    assert (binding.written, binding.returned) == ((), (MODEL, SCORES))


def test_a_bound_argument_is_no_place_of_an_output():
    assert bind(no_annotation, (), {"model": 1}, (MODEL,)).written == ()
    assert bind(lambda ids: None, (IDS,), {}, (OutputJob("ids", "ids.csv"),)).written == ()


def test_an_argument_of_another_type_is_not_bound_by_an_output():
    def function(model: str): ...

    with pytest.raises(StepError, match=r"^there is no value for 'model', which the function requires$"):
        bind(function, (), {}, (MODEL,))


def test_annotations_are_given_where_there_are_any():
    def function(ids: list, since, n: int = 1, **rest: Any): ...

    assert bind(function, (IDS,), {"since": "x", "n": 1, "more": 2}, ()) == ArgumentBinding(
        {"ids": list, "n": int}, (), ()
    )


def test_a_function_of_c_takes_what_it_is_given():
    assert live_arguments(max) is None
    assert bind(max, (IDS,), {"x": 1}, (MODEL,)) == ArgumentBinding({}, (), (MODEL,))


def test_decorated_and_partial_functions_are_looked_through():
    def decorate(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            return function(*args, **kwargs)

        return wrapper

    @decorate
    def inner(ids: "Path", n: int, m: "float" = 2): ...

    assert bind(functools.partial(inner, n=1), (IDS,), {"m": 1.0}, ()).annotations == {
        "ids": Path,
        "m": float,
    }


class Steps:
    @classmethod
    def of_class(cls, model): ...

    @staticmethod
    def static(model: "Path"): ...

    def __call__(self, model: Path): ...


@pytest.mark.parametrize("function", [Steps.of_class, Steps.static, Steps()])
def test_methods_are_bound_like_functions(function):
    assert bind(function, (), {}, (MODEL,)).written == (MODEL,)


def test_names_that_are_imported_for_type_checkers_alone_are_understood(tmp_path, monkeypatch):
    (tmp_path / "typed_only.py").write_text(
        "from __future__ import annotations\n"
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n"
        "    import pandas as pd\n"
        "    import xml.dom\n"
        "    from pathlib import Path as Place\n"
        "    from absent_package import Thing\n"
        "def f(a: pd.DataFrame, b: Place | None, c: dict[str, pd.Series], d: Thing, e: 1 / 0, g: xml.dom.Node, h: unheard): ...\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    import typed_only

    arguments = live_arguments(typed_only.f)
    del sys.modules["typed_only"]

    found = {name: type_of_annotation(argument.annotation) for name, argument in arguments.items()}
    assert found == {
        "a": "pandas.DataFrame",
        "b": "pathlib.Path",
        "c": "dict",
        "d": None,
        "e": None,
        "g": None,
        "h": None,
    }
    assert arguments["g"].annotation.__name__ == "Node"
    assert all(argument.is_annotated for argument in arguments.values())


def test_annotations_of_several_kinds_are_evaluated():
    def f(a: "dict[str, 'Path']", b: list["int"], c: None, d: Annotated[int, "x"]): ...

    arguments = live_arguments(f)

    found = [argument.annotation for argument in arguments.values()]
    assert [typing.get_origin(one) or one for one in found] == [dict, list, type(None), Annotated]
    assert typing.get_args(found[0])[0] is str


def test_one_output_is_the_whole_return_value():
    value = {"scores": 1}

    assert returned_values(value, (SCORES,)) == {"scores": value}
    assert returned_values((1, 2), (SCORES,)) == {"scores": (1, 2)}


def test_no_output_takes_nothing():
    assert returned_values(1, ()) == {}


def test_a_subclass_of_mapping_has_names():
    value = types.MappingProxyType({"scores": 1, "model": 2})

    assert returned_values(value, (MODEL, SCORES)) == {"scores": 1, "model": 2}


RAW = InputJob("raw", "one", (Artifact("/raw.csv", None, "raw.csv"),))
PARTS = InputJob("parts", "fan_in", (Artifact("/a.csv", None, "a.csv"),))


def all_kinds(
    depth: int, inputs: dict[str, Path], params: typing.Mapping[str, Any], outputs: dict[str, Path]
): ...


def test_inputs_params_and_outputs_collect_what_no_other_argument_takes():
    binding = bind(all_kinds, (RAW, PARTS), {"depth": 1, "b": 2, "a": 3}, (MODEL, SCORES))

    assert binding.collected == {
        "inputs": ("raw", "parts"),
        "params": ("b", "a"),
        "outputs": ("model", "scores"),
    }
    assert (binding.written, binding.returned) == ((MODEL, SCORES), ())
    assert binding.annotations == {
        "depth": int, "raw": Path, "parts": dict[str, Path], "b": Any, "a": Any
    }  # fmt: skip
    assert binding.arguments({"raw": 4, "parts": 5}, {"depth": 1, "b": 2, "a": 3}, {"model": 6, "scores": 7}) == {
        "depth": 1, "inputs": {"parts": 5, "raw": 4}, "outputs": {"model": 6, "scores": 7}, "params": {"a": 3, "b": 2}
    }  # fmt: skip


def own_place(scores: Path, outputs: dict[str, Path]): ...
def with_rest(outputs: dict[str, Path], **rest): ...
def bound_by_name(inputs: dict[str, Any]): ...


def test_an_output_with_an_argument_of_its_own_is_not_collected():
    binding = bind(own_place, (), {}, (MODEL, SCORES))

    assert (binding.written, binding.collected) == ((MODEL, SCORES), {"outputs": ("model",)})


def test_a_rest_takes_what_nothing_collects():
    binding = bind(with_rest, (RAW,), {"x": 1}, (MODEL,))

    assert binding.arguments({"raw": 2}, {"x": 1}, {"model": 3}) == {
        "outputs": {"model": 3},
        "raw": 2,
        "x": 1,
    }


def test_a_param_of_its_own_name_is_what_an_argument_gets():
    binding = bind(bound_by_name, (), {"inputs": {"a": 1}}, (MODEL,))

    assert (binding.collected, binding.returned) == ({}, (MODEL,))
    assert binding.arguments({}, {"inputs": {"a": 1}}, {}) == {"inputs": {"a": 1}}


def loose(inputs): ...
def list_of_inputs(inputs: list[Path]): ...
def with_a_default(inputs: dict[str, Path] = {}): ...  # noqa: B006


@pytest.mark.parametrize("function", [loose, list_of_inputs, with_a_default])
def test_an_argument_without_a_mapping_as_annotation_or_with_a_default_collects_nothing(function):
    with pytest.raises(StepError, match=r"the function has no argument 'raw', only 'inputs'"):
        bind(function, (RAW,), {}, ())
