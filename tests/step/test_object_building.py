"""Params and inputs that are made into dataclasses, attrs classes, pydantic models and msgspec structs."""

from __future__ import annotations

import collections
import dataclasses
import typing
from datetime import date

import attrs
import msgspec
import pydantic
import pytest

from pipespec.step.arguments.param_conversion import MisfitError, ParamPlace, convert

PLACE = ParamPlace("param", "model")


@dataclasses.dataclass
class OfDataclass:
    depth: int
    since: date
    name: str = "x"


@attrs.define
class OfAttrs:
    depth: int
    since: date
    _name: str = "x"


class OfPydantic(pydantic.BaseModel):
    depth: int
    since: date
    name: str = "x"


class OfMsgspec(msgspec.Struct):
    depth: int
    since: date
    name: str = "x"


KINDS = [OfDataclass, OfAttrs, OfPydantic, OfMsgspec]
WHOLE = {"depth": 4, "since": "2021-10-01", "name": "y"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [WHOLE, {"depth": 4, "since": "2021-10-01"}], ids=["whole", "default"])
def test_a_mapping_becomes_an_object_of_the_class(kind, value):
    made = convert(value, kind, PLACE)

    name = made._name if kind is OfAttrs else made.name
    assert (type(made), made.depth, made.since, name) == (kind, 4, date(2021, 10, 1), value.get("name", "x"))


@pytest.mark.parametrize("kind", KINDS)
def test_objects_stand_in_lists_mappings_and_unions(kind):
    made = convert({"a": [WHOLE]}, dict[str, list[kind | None]], PLACE)

    assert type(made["a"][0]) is kind


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (
            OfDataclass,
            (
                "param 'model' has 'nam', which 'OfDataclass' has not; did you mean 'name'?; param 'model' has no value for 'since'"
                " of 'OfDataclass'; param 'model.depth' is 'four', which does not fit 'int'"
            ),
        ),
        (
            OfAttrs,
            (
                "param 'model' has 'nam', which 'OfAttrs' has not; did you mean 'name'?; param 'model' has no value for 'since'"
                " of 'OfAttrs'; param 'model.depth' is 'four', which does not fit 'int'"
            ),
        ),
        (
            OfPydantic,
            (
                "param 'model' cannot be converted to 'OfPydantic': depth: Input should be a valid integer, unable to parse string"
                " as an integer; since: Field required"
            ),
        ),
        (
            OfMsgspec,
            "param 'model' cannot be converted to 'OfMsgspec': msgspec.ValidationError: Expected `int`, got `str` - at `$.depth`",
        ),
    ],
)
def test_all_fields_that_do_not_fit_are_told(kind, message):
    with pytest.raises(MisfitError) as refused:
        convert({"depth": "four", "nam": "y"}, kind, PLACE)

    assert str(refused.value) == message


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [3, "x", [1], True])
def test_what_is_no_mapping_makes_no_object(kind, value):
    with pytest.raises(MisfitError, match=f"^param 'model' .*{kind.__name__}"):
        convert(value, kind, PLACE)


class Own:
    def __init__(self, depth):
        self.depth = depth


class Typed(typing.TypedDict):
    depth: int


class Sized(typing.Protocol):
    def __len__(self) -> int: ...


@pytest.mark.parametrize("value", [{"depth": 4}, [4]])
def test_a_class_that_nothing_is_known_of_takes_no_mapping_and_no_list(value):
    with pytest.raises(MisfitError, match="does not fit 'Own': nothing is known of how to make one"):
        convert(value, Own, PLACE)


@pytest.mark.parametrize(
    "kind", [Typed, Sized, object, typing.Any, None.__class__ | dict, collections.UserDict | dict]
)
def test_what_such_a_value_may_be_is_passed_as_it_is(kind):
    assert convert({"depth": 4}, kind, PLACE) == {"depth": 4}
