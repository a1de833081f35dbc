import sys
import types
from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import Enum, IntEnum, auto
from pathlib import Path, PurePath
from typing import Annotated, Any, Literal, NamedTuple, NewType, Optional, TypedDict, TypeVar

import pytest
from annotated_types import Gt, Le, MultipleOf
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from pipespec.checks.assignability import find_misfit
from pipespec.document.nodes import MappingNode
from pipespec.document.yaml.yaml_reader import read
from pipespec.errors import Span
from pipespec.project.disk_modules import DiskModules
from pipespec.python.callable_ref import CallableRef
from pipespec.python.signature import CallableSource
from pipespec.python.signature_reader import read_signature
from pipespec.step.arguments.live_annotations import live_arguments
from pipespec.step.arguments.param_conversion import MisfitError, ParamPlace, convert


class Mode(Enum):
    FAST = "fast"
    SLOW = "slow"


class Automatic(Enum):
    FIRST = auto()


class Level(IntEnum):
    ONE = 1


class Kind(Enum):
    YES = True
    HALF = 0.5


@dataclass
class Inner:
    rate: float
    mode: Mode = Mode.FAST


@dataclass(frozen=True)
class Outer:
    inner: Inner
    many: tuple[Inner, ...] = ()
    since: date | None = None
    made: int = field(default=0, init=False)

    def __post_init__(self):
        if self.inner.rate < 0:
            raise ValueError("the rate is negative")


class Pair(NamedTuple):
    a: int
    b: int


class Table(TypedDict):
    a: int


Number = NewType("Number", int)
T = TypeVar("T")


@pytest.mark.parametrize(
    ("value", "annotation", "made"),
    [
        (1, int, 1),
        (1, float, 1),
        (1.5, float, 1.5),
        (True, bool, True),
        ("a", str, "a"),
        (None, None, None),
        (None, int | None, None),
        (None, Optional[date], None),  # noqa: UP045 - as older code has it
        (None, Annotated[int | None, "x"], None),
        (3, Optional[int], 3),  # noqa: UP045 - as older code has it
        ("2021-10-01", date, date(2021, 10, 1)),
        ("2021-10-01", date | None, date(2021, 10, 1)),
        ("2021-10-01T12:30:00Z", datetime, datetime.fromisoformat("2021-10-01T12:30:00+00:00")),
        ("12:30", time, time(12, 30)),
        ("a/b", Path, Path("a/b")),
        ("a/b", PurePath, PurePath("a/b")),
        ("fast", Mode, Mode.FAST),
        ("FIRST", Automatic, Automatic.FIRST),
        (1, Automatic, Automatic.FIRST),
        (1, Level, Level.ONE),
        (True, Kind, Kind.YES),
        (0.5, Kind, Kind.HALF),
        ("a", Literal["a", "b"], "a"),
        (1, Literal[1, True], 1),
        ("fast", Literal[Mode.FAST], Mode.FAST),
        ([1, 2], list, [1, 2]),
        ([1, 2], list[float], [1, 2]),
        (["2021-10-01"], list[date], [date(2021, 10, 1)]),
        ([1, 2], tuple[int, ...], (1, 2)),
        ([1, "2021-10-01"], tuple[int, date], (1, date(2021, 10, 1))),
        ([1, 2], tuple, (1, 2)),
        ([1, 2, 1], set[int], {1, 2}),
        ([1], frozenset, frozenset({1})),
        ({"a": "2021-10-01"}, dict[str, date], {"a": date(2021, 10, 1)}),
        ({"fast": 1}, dict[Mode, int], {Mode.FAST: 1}),
        ({"rate": 1}, Inner, Inner(1)),
        (
            {"inner": {"rate": 1, "mode": "slow"}, "many": [{"rate": 2}], "since": "2021-10-01"},
            Outer,
            Outer(Inner(1, Mode.SLOW), (Inner(2),), date(2021, 10, 1)),
        ),
        ("2021-10-01", str | date, "2021-10-01"),
        (0.3, Annotated[float, MultipleOf(0.1)], 0.3),
        (None, Annotated[int, Gt(0)] | None, None),
        (0, Annotated[int, Gt(date(2021, 10, 1)), "a note"], 0),
        ("2021-10-01", date | str, date(2021, 10, 1)),
        ("x", date | str, "x"),
        (2, Number, 2),
        ("x", Any, "x"),
        ("x", T, "x"),
        ("x", object, "x"),
        ([1, 2], Pair, [1, 2]),
        ({"a": "x"}, Table, {"a": "x"}),
        ("x", complex, "x"),
    ],
)
def test_a_value_is_made_what_the_annotation_says(value, annotation, made):
    result = convert(value, annotation, ParamPlace("param", "x"))

    assert result == made
    assert type(result) is type(made)


@pytest.mark.parametrize(
    ("value", "annotation", "message"),
    [
        (1.0, int, "param 'x' is 1.0, which does not fit 'int'"),
        (0, Annotated[int, Gt(0)], "param 'x' is 0, which is not greater than 0"),
        ([1, 7], list[Annotated[int, Le(5)]], "param 'x[1]' is 7, which is not at most 5"),
        (
            "",
            Annotated[str, Field(min_length=1)] | None,
            "param 'x' is '', which is not of length at least 1",
        ),
        (0.25, Annotated[float, MultipleOf(0.1)], "param 'x' is 0.25, which is not a multiple of 0.1"),
        (True, int, "param 'x' is true, which does not fit 'int'"),
        ("1", int, "param 'x' is '1', which does not fit 'int'"),
        (True, float, "param 'x' is true, which does not fit 'float'"),
        (1, bool, "param 'x' is 1, which does not fit 'bool'"),
        (1, str, "param 'x' is 1, which does not fit 'str'"),
        (None, int, "param 'x' is null, which does not fit 'int'"),
        (1, None, "param 'x' is 1, which does not fit 'None'"),
        ("a", bytes, "param 'x' is 'a', which does not fit 'bytes': a param cannot be bytes"),
        (
            "1.10.2021",
            date,
            "param 'x' is '1.10.2021', which does not fit 'date'; write it like '2021-10-01'",
        ),
        (1, Path, "param 'x' is 1, which does not fit 'Path'"),
        ("", Path, "param 'x' is '', which does not fit 'Path'"),
        ("fats", Mode, "param 'x' is 'fats', which is not one of 'fast', 'slow'; did you mean 'fast'?"),
        (True, Level, "param 'x' is true, which is not one of '1'"),
        ("b", Literal["a", 1], "param 'x' is 'b', which is not one of 'a', '1'"),
        (True, Literal[1], "param 'x' is true, which is not one of '1'"),
        ("ab", list[str], "param 'x' is 'ab', which does not fit 'list[str]'"),
        ([1, "a"], list[int], "param 'x[1]' is 'a', which does not fit 'int'"),
        ([1], tuple[int, int], "param 'x' is [1], which does not fit 'tuple[int, int]'"),
        ({"a": [1.5]}, dict[str, list[int]], "param 'x.a[0]' is 1.5, which does not fit 'int'"),
        ({"a": 1}, dict[Mode, int], "a key of param 'x', 'a' is 'a', which is not one of 'fast', 'slow'"),
        ([], Inner, "param 'x' is [], which does not fit 'Inner'"),
        ({}, Inner, "param 'x' has no value for 'rate' of 'Inner'"),
        ({"rat": 1}, Inner, "param 'x' has 'rat', which 'Inner' has not; did you mean 'rate'?"),
        ({"inner": {"rate": "1"}}, Outer, "param 'x.inner.rate' is '1', which does not fit 'float'"),
        ({"inner": {"rate": 1}, "made": 1}, Outer, "param 'x' has 'made', which 'Outer' has not"),
        (
            {"inner": {"rate": -1}},
            Outer,
            "param 'x' cannot be converted to 'Outer': ValueError: the rate is negative",
        ),
        (1.5, int | date, "param 'x' is 1.5, which does not fit 'typing.Union[int, datetime.date]'"),
    ],
)
def test_a_value_that_does_not_fit_is_told_with_its_place(value, annotation, message):
    with pytest.raises(MisfitError) as refused:
        convert(value, annotation, ParamPlace("param", "x"))

    assert str(refused.value) == message


# The same rule is read from source by `validate`: both must say the same.

SOURCE = """
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from typing import Any, Literal, Optional, Sequence

class Mode(Enum):
    FAST = "fast"
    ONE = 1

@dataclass
class Inner:
    rate: float
    mode: Mode = Mode.FAST

def f({arguments}): pass
"""
TYPES = [
    "int", "float", "bool", "str", "None", "bytes", "int | None", "Optional[float]", "int | str", "date", "datetime", "Path",
    "Mode", "Literal['fast', 1]", "list", "list[int]", "tuple[int, ...]", "tuple[int, str]", "set[int]", "dict", "dict[str, int]",
    "Inner", "Inner | None", "list[Inner]", "Sequence[int]", "Any", "object", "complex", "dict[str, list[float]]",
]  # fmt: skip

scalars = st.sampled_from(
    [None, True, False, 0, 1, 2, 1.0, 0.5, "", "fast", "FAST", "ONE", "1", "2021-10-01", "x"]
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["rate", "mode", "x"]), inner, max_size=2)
    ),
    max_leaves=4,
)


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    folder = tmp_path_factory.mktemp("source")
    text = SOURCE.replace("{arguments}", ", ".join(f"a{n}: {name}" for n, name in enumerate(TYPES)))
    (folder / "fitting_twin.py").write_text(text)
    found = read_signature(
        CallableRef("fitting_twin", "f", Span("x", 1, 1, 1, 1)), (folder,), DiskModules(folder, [])
    )
    assert isinstance(found, CallableSource)
    module = types.ModuleType("fitting_twin")
    sys.modules["fitting_twin"] = module
    exec(text, module.__dict__)
    yield found, live_arguments(module.f)
    del sys.modules["fitting_twin"]


@pytest.mark.parametrize("position", range(len(TYPES)), ids=TYPES)
@given(value=values)
def test_validate_and_the_step_judge_alike(both, position, value):
    import json

    source, live = both
    tree = read(json.dumps({"value": value}), file="x")
    assert isinstance(tree, MappingNode)
    judged = find_misfit(tree.get("value"), source.arguments[position].annotation, source.definitions)
    try:
        convert(value, live[f"a{position}"].annotation, ParamPlace("param", "it"))
        fits = True
    except MisfitError:
        fits = False

    assert fits == (judged is None)
