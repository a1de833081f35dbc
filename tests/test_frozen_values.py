"""Classes of frozen values are what `@dataclass(frozen=True, slots=True)` makes of them, and cost less to define."""

import copy
import dataclasses
import pickle
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, field

import pytest

from pipespec.frozen_values import compile_waiting, frozen


class Told:
    """Shows itself."""

    def __repr__(self) -> str:
        return "told"


@frozen
class Ours:
    """A class with every kind of field that we write."""

    name: str
    size: int = 3
    more: Mapping[str, int] = field(default_factory=dict, compare=False)
    secret: str = field(default="s", repr=False)
    _own: str | None = None

    @property
    def double(self) -> int:
        """Twice the size."""
        return self.size * 2


Theirs = dataclasses.make_dataclass(
    "Ours",
    [
        ("name", str),
        ("size", int, 3),
        ("more", Mapping[str, int], field(default_factory=dict, compare=False)),
        ("secret", str, field(default="s", repr=False)),
        ("_own", str | None, None),
    ],
    frozen=True,
    slots=True,
)


@frozen
class One:
    """One field alone."""

    value: object


@frozen
class Empty:
    """No field."""


@frozen
class Equal(Told):
    """What says itself how it is shown and compared."""

    text: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Equal) and self.text.lower() == other.text.lower()

    __hash__ = None


ARGUMENTS = [(("a",), {}), (("a", 4), {"_own": "x"}), ((), {"name": "b", "more": {"k": 1}, "secret": "t"})]


@pytest.mark.parametrize(("args", "named"), ARGUMENTS)
def test_a_value_is_that_of_a_dataclass(args, named):
    ours, theirs = Ours(*args, **named), Theirs(*args, **named)

    assert repr(ours) == repr(theirs)
    assert dataclasses.asdict(ours) == dataclasses.asdict(theirs)
    assert hash(ours) == hash(theirs)
    assert Ours.__match_args__ == Theirs.__match_args__
    assert Ours.__slots__ == Theirs.__slots__
    assert not hasattr(ours, "__dict__")


def test_values_are_equal_by_the_fields_that_compare():
    assert Ours("a", more={"k": 1}) == Ours("a", more={})
    assert Ours("a") != Ours("a", secret="t")
    assert Ours("a") != Theirs("a")
    assert One(1) == One(True)
    assert One((1,)) != One(1)
    assert Empty() == Empty()
    assert len({Ours("a"), Ours("a"), Ours("b"), Empty(), Empty(), One(1)}) == 4


def test_a_default_factory_makes_one_for_each_value():
    assert Ours("a").more is not Ours("a").more


@pytest.mark.parametrize(
    "change", [lambda one: setattr(one, "name", "b"), lambda one: setattr(one, "new", 1)]
)
def test_nothing_of_a_value_can_be_set(change):
    with pytest.raises(FrozenInstanceError, match="cannot assign to field"):
        change(Ours("a"))


def test_nothing_of_a_value_can_be_deleted():
    with pytest.raises(FrozenInstanceError, match="cannot delete field 'name'"):
        del Ours("a").name


@pytest.mark.parametrize("value", [Ours("a", 4), One(One(1)), Empty()])
def test_a_value_is_copied_pickled_and_replaced(value):
    assert copy.copy(value) == copy.deepcopy(value) == pickle.loads(pickle.dumps(value)) == value
    assert dataclasses.replace(value) == value


def test_a_value_that_is_the_first_of_its_class_can_be_unpickled():
    @frozen
    class New:
        value: int

    made = New.__new__(New)
    made.__setstate__([1])

    assert made == New(1)


@pytest.mark.parametrize("args", [(), ("a", 1, {}, "s", None, "one more")], ids=["few", "many"])
@pytest.mark.parametrize("ours", [Ours, Theirs])
def test_wrong_arguments_are_refused_as_by_any_function(ours, args):
    with pytest.raises(
        TypeError, match=r"Ours\.__init__\(\) (missing 1 required|takes from 2 to 6) positional"
    ):
        ours(*args)


def test_what_a_class_says_of_itself_stays():
    assert repr(Equal("a")) == "told"
    assert Equal("a") == Equal("A")
    with pytest.raises(TypeError, match="unhashable"):
        hash(Equal("a"))


def test_nothing_is_compiled_before_a_value_is_made(monkeypatch):
    compiled = []
    monkeypatch.setattr("builtins.exec", lambda *args: compiled.append(args))

    @frozen
    class Never:
        value: int

    assert compiled == []


def test_what_waits_can_be_compiled_beforehand(monkeypatch):
    @frozen
    class Later:
        value: int

    compile_waiting()
    monkeypatch.delattr("builtins.exec")

    assert Later(1).value == 1
