from __future__ import annotations

import sys
import types
import typing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipespec.checks.assignability import find_misfit
from pipespec.errors import Span
from pipespec.project.disk_modules import DiskModules
from pipespec.python.callable_ref import CallableRef
from pipespec.python.signature_reader import read_signature
from pipespec.step.arguments.param_conversion import MisfitError, ParamPlace, convert

MODULE = """
import datetime as dt
import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, NewType, Optional

import annotated_types as at
import msgspec
import numpy as np
import pydantic
from annotated_types import Ge, Gt, Interval, Len, MinLen

POSITIVE = Gt(0)
Size = NewType("Size", int)
Share = Annotated[float, Interval(ge=0, lt=1)]
Small = NewType("Small", Share)


class Own:
    gt = 5


class Mode(enum.Enum):
    fast = 1
    slow = "slow"


class Auto(enum.Enum):
    x = enum.auto()
    y = enum.auto()


@dataclass
class Model:
    layers: int
    width: float = 1.0
    mode: Mode = Mode.fast
    inner: "Optional[Model]" = None
    made: list[int] = field(default_factory=list)
    hidden: int = field(default=3, init=False)


@dataclass
class Narrow:
    width: Annotated[int, at.Le(1)] = 1


def function(
    a0: int, a1: float, a2: str, a3: bool, a4: None, a5: list, a6: list[int], a7: dict[str, float],
    a8: tuple[int, str], a9: tuple[int, ...], a10: set[str], a11: Optional[int], a12: int | str | None,
    a13: Literal["x", 1, None], a14: Mode, a15: Auto, a16: Model, a17: dt.date, a18: dt.datetime, a19: dt.time,
    a20: Path, a21: Any, a22: object, a23: Sequence[int], a24: Mapping[str, list[bool]], a25: Size,
    a26: Annotated[int, "many"], a27: list[Model], a28: dict[int, str], a29: np.ndarray, a30: bytes,
    a31: list[dict[str, Mode]], a32: Iterable[str], a33: float | list[int], a34: frozenset[int], a35: dict,
    a36: Annotated[int, Gt(0)], a37: Annotated[float, "share", Ge(0.5)], a38: Share, a39: Small | None,
    a40: Annotated[int | str | None, at.Gt(gt=0)], a41: list[Annotated[int, at.Lt(1)]], a42: Narrow,
    a43: Annotated[str, MinLen(2)], a44: Annotated[list, Len(1, 1)], a45: Annotated[dict[str, int], at.MaxLen(1)],
    a46: Annotated[int, pydantic.Field(ge=1, le=1)], a47: pydantic.PositiveInt, a48: Annotated[float, at.MultipleOf(0.5)],
    a49: Annotated[int, Own()], a50: Annotated[Annotated[int, Ge(0)], Gt(1)], a51: Annotated[Literal[1, 2], Gt(1)],
    a52: Optional[Annotated[int, Gt(1)]],
    a57: Annotated[int, POSITIVE],
    a55: Annotated[str, msgspec.Meta(max_length=1)], a56: Annotated[float, msgspec.Meta(multiple_of=0.5)], a53: "Annotated[int, Gt(-1)]", a54: Annotated[int | None, Gt(1)] | str,
):
    ...
"""

TEXTS = [
    "",
    "x",
    "slow",
    "fast",
    "1",
    "2021-10-01",
    "2021-13-01",
    "2021-10-01T12:00:00",
    "12:00",
    "20211001",
    "\0",
]
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-1, 2), st.sampled_from([0.5, 1.0]), st.sampled_from(TEXTS)
)
KEYS = ["layers", "width", "mode", "inner", "made", "hidden", "x", "1"]
values = st.recursive(
    scalars,
    lambda below: st.lists(below, max_size=2) | st.dictionaries(st.sampled_from(KEYS), below, max_size=3),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    (folder / "annotated.py").write_text(MODULE)
    ref = CallableRef("annotated", "function", Span("p.yaml", 1, 1, 1, 2))
    return read_signature(ref, [folder], DiskModules(folder))


@pytest.fixture(scope="module")
def live():
    module = types.ModuleType("annotated")
    sys.modules["annotated"] = module
    exec(MODULE, module.__dict__)
    yield typing.get_type_hints(module.function, include_extras=True)
    del sys.modules["annotated"]


def is_refused_when_run(value, annotation):
    try:
        convert(value, annotation, ParamPlace("param", "it"))
    except MisfitError:
        return True
    return False


@given(value=values)
def test_validate_refuses_just_what_a_step_would(source, live, tree, value):
    refused = {
        argument.name: find_misfit(tree(value), argument.annotation, source.definitions) is not None
        for argument in source.arguments
    }
    assert refused == {name: is_refused_when_run(value, annotation) for name, annotation in live.items()}


@pytest.mark.parametrize(
    ("name", "value", "found", "expected", "hint"),
    [
        ("a0", 4.0, "4.0", "a whole number", "write 4, or annotate the argument as float"),
        ("a0", "3", "'3'", "a whole number", "remove the quotes: 3"),
        ("a2", 3, "3", "text", 'if text is intended, put it in quotes: "3"'),
        ("a3", "no", "'no'", "true or false", "'no' is text here; write true or false"),
        ("a6", [1, [2]], "a list", "a whole number", None),
        ("a8", [1], "a list of 1", "a list of 2", None),
        ("a11", "x", "'x'", "Optional[int]", None),
        ("a13", "y", "'y'", "'x' or 1 or null", None),
        ("a14", "fats", "'fats'", "a member of Mode", "did you mean 'fast'?"),
        ("a14", 7, "7", "a member of Mode", "members of Mode: 'fast', 'slow'"),
        ("a16", {"layer": 1}, "'layer'", "a field of Model", "did you mean 'layers'?"),
        ("a16", {"width": 1}, "a mapping without 'layers'", "every field of Model", None),
        ("a16", {"layers": 1, "mode": 5}, "5", "a member of Mode", "members of Mode: 'fast', 'slow'"),
        ("a33", [1, "x"], "'x'", "a whole number", None),
    ],
)
def test_a_misfit_says_what_stands_where_what_is_needed(source, tree, name, value, found, expected, hint):
    misfit = find_misfit(tree(value), source.argument(name).annotation, source.definitions)

    assert (misfit.found, misfit.expected, misfit.hint) == (found, expected, hint)


def test_a_literal_with_members_of_an_enum_is_left_to_the_step(tmp_path, tree):
    text = "import enum\nfrom typing import Literal\nclass Mode(enum.Enum):\n    fast = 'f'\ndef g(x: Literal[Mode.fast, 1]): ...\n"
    (tmp_path / "m.py").write_text(text)
    source = read_signature(CallableRef("m", "g", Span("p", 1, 1, 1, 2)), [tmp_path], DiskModules(tmp_path))

    assert find_misfit(tree("f"), source.argument("x").annotation, source.definitions) is None


def test_a_misfit_points_at_its_own_place(source, tree):
    node = tree({"layers": 1, "inner": {"layers": "x"}})

    misfit = find_misfit(node, source.argument("a16").annotation, source.definitions)

    assert misfit.span == node.get("inner").get("layers").span
